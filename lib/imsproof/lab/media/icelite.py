"""ICE at the MF: the lite end (RFC 8445 section 2.5) towards a full UE, and the full end towards a lite one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec import stun
from imsproof.engine.ice import Credentials, IceAgent, Strictness

if TYPE_CHECKING:
    from imsproof.lab.dctypes import IceEnd
    from imsproof.lab.media.policy import MediaPolicy

CONSTANT = Credentials("mfmf", "a constant of the MF, as long as it has to be".replace(" ", "/").replace(",", "+"))
SHORT = 8
CONSENT_SECONDS, CONSENT_CHECKS = 0.5, 4
"""How often consent is asked for, and how often in vain: a tenth of RFC 7675's times, so that nobody waits long."""


def own_end(media: MediaPolicy, remote: IceEnd, where: tuple[str, int]) -> IceAgent:
    """Make the MF's end for a UE that speaks of ICE and is at ``where``, as careless as the policy has it."""
    fresh = Credentials.make()
    own = {"random": fresh, "constant": CONSTANT, "short": Credentials(fresh.ufrag, fresh.password[:SHORT])}
    return IceAgent(
        own[media.ice_credentials],
        Credentials(remote.ufrag, remote.password),
        controlling=remote.lite,
        lite=not remote.lite,
        candidates=(where,),
        remote_lite=remote.lite,
        consent_seconds=CONSENT_SECONDS,
        strictness=Strictness(**dict.fromkeys(media.ice_careless, False)),
    )


def kinds(datagram: bytes) -> set[str]:
    """Say what is hostile about a STUN datagram: ``bad-stun`` when it cannot be read."""
    try:
        stun.Message.parse(datagram)
    except stun.StunError:
        return {"bad-stun"}
    return set()
