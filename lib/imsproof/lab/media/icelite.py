"""ICE at the MF: the lite end (RFC 8445 section 2.5), which answers checks and follows the nomination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec import stun
from imsproof.engine.ice import Credentials, IceAgent, Strictness

if TYPE_CHECKING:
    from imsproof.lab.dctypes import IceEnd
    from imsproof.lab.media.policy import MediaPolicy

CONSTANT = Credentials("mfmf", "a constant of the MF, as long as it has to be".replace(" ", "/").replace(",", "+"))
SHORT = 8


def lite_end(media: MediaPolicy, remote: IceEnd) -> IceAgent:
    """Make the MF's end for a UE that speaks of ICE, as careless as the policy has it."""
    fresh = Credentials.make()
    own = {"random": fresh, "constant": CONSTANT, "short": Credentials(fresh.ufrag, fresh.password[:SHORT])}
    return IceAgent(
        own[media.ice_credentials],
        Credentials(remote.ufrag, remote.password),
        controlling=False,
        lite=True,
        strictness=Strictness(**dict.fromkeys(media.ice_careless, False)),
    )


def kinds(datagram: bytes) -> set[str]:
    """Say what is hostile about a STUN datagram: ``bad-stun`` when it cannot be read."""
    try:
        stun.Message.parse(datagram)
    except stun.StunError:
        return {"bad-stun"}
    return set()
