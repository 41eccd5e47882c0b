"""How fast message sessions and the KMS are judged: MSRP requests a second, whole sessions, tickets.

Everything goes against the embedded reference lab on this machine, which takes part of the same cores.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.call import CallSignalling
from imsproof.actors.kms import KmsClient
from imsproof.actors.msrp import MsrpPeer
from imsproof.actors.ue import Ue
from imsproof.judge import control
from imsproof.lab.launch import launch
from imsproof.link.session import Link, Session
from imsproof.msrpsteps import joined
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.profile.msrp import Msrp
from imsproof.seams import Record
from measure import SECONDS, Rate, at_least, rate

if TYPE_CHECKING:
    from imsproof.profile.model import Profile

ROUNDS = 10
"""A session's journal is read by each judgement: a purpose has few events, so new sessions are begun now and then."""


def peer_of(session: Session, profile: Profile) -> MsrpPeer:
    """A registered UE that offers message sessions to the lab's own."""
    if profile.gm is None or profile.far is None:
        raise SystemExit("the reference profile has no gm section with a far end")
    ue, far = Ue(session, profile.gm, profile.gm.usual[1]), profile.far.uri
    control(ue.register()).accepted()
    return MsrpPeer(session, lambda: CallSignalling(ue, far), random.Random(1), Msrp())


def mean(rates: list[Rate]) -> Rate:
    """The mean of several rates."""
    return Rate(len(rates) / sum(1 / one.per_second for one in rates), sum(r.milliseconds for r in rates) / len(rates))


def requests(link: Link, profile: Profile, lab: int) -> Rate:
    """Judge SEND requests over TLS."""
    found = []
    for _ in range(ROUNDS):
        session = link.session(Record("BENCH"))
        connection = joined(peer_of(session, profile))
        found.append(rate(lambda one=connection: control(one.send("SEND")).accepted(), lab, SECONDS / ROUNDS))  # type: ignore[misc]
        session.close()
    return mean(found)


def sessions(link: Link, profile: Profile, lab: int) -> Rate:
    """Set message sessions up: INVITE, TLS, SEND, BYE."""
    session = link.session(Record("BENCH"))
    peer = peer_of(session, profile)
    found = rate(lambda: joined(peer).call.end(), lab)  # noqa: PLW0108 - a new session each time
    session.close()
    return found


def tickets(link: Link, profile: Profile, lab: int) -> Rate:
    """Judge tickets: a TLS connection, a request, its answer decrypted."""
    if profile.kms is None:
        raise SystemExit("the reference profile has no kms")
    session = link.session(Record("BENCH"))
    alice = KmsClient(session, profile.kms, profile.kms.users[0], random.Random(1))
    name = profile.kms.users[1].identity
    found = rate(lambda: control(alice.request("ticket", name)).holds("ticket-granted"), lab)
    session.close()
    return found


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "lab") as lab:
        profile = load(profiles() / "reference.yaml", env=lab.environment)
        link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        with closing(link):
            for what, measured, target in (
                ("MSRP requests over TLS, judged", requests, 500),
                ("message sessions: INVITE, TLS, SEND, BYE, judged", sessions, 30),
                ("tickets of the KMS over TLS, judged", tickets, 80),
            ):
                done = measured(link, profile, lab.pid)
                at_least(what, done.per_second, target, remark=done.remark)


if __name__ == "__main__":
    main()
