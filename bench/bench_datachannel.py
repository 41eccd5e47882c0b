"""How fast data channels are judged: DTLS handshakes a second, and the whole chain from REGISTER to BYE.

Everything goes against the embedded reference lab on this machine, which takes part of the same cores.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.call import CallSignalling
from imsproof.actors.dcpeer import DataChannelPeer
from imsproof.actors.ue import Ue
from imsproof.judge import control, expect
from imsproof.lab.launch import launch
from imsproof.link.session import Link, Session
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import Record
from measure import Rate, at_least, at_most, processors

if TYPE_CHECKING:
    from imsproof.profile.model import Profile

HANDSHAKES, CHAINS = 200, 40


def fresh(link: Link, profile: Profile) -> tuple[Session, Ue, str]:
    """A session, a UE that may use data channels, and whom it calls."""
    if profile.gm is None or profile.far is None:
        raise SystemExit("the reference profile has no gm section with a far end")
    session = link.session(Record("BENCH"))
    return session, Ue(session, profile.gm, next(one for one in profile.gm.usual if one.data_channel)), profile.far.uri


def handshakes(link: Link, profile: Profile, lab: int) -> Rate:
    """Judge DTLS handshakes; the calls that they need are made outside the clock."""
    taken = used = 0.0
    for _ in range(HANDSHAKES // 10):
        session, ue, far = fresh(link, profile)
        control(ue.register()).accepted()
        calls = [DataChannelPeer(session, CallSignalling(ue, far)).open("data channel") for _ in range(10)]
        started, before = time.perf_counter(), processors(lab)
        for call in calls:
            expect(call.handshake("DTLS 1.2")).negotiated("DTLSv1.2")
        taken, used = taken + time.perf_counter() - started, used + processors(lab) - before
        for call in calls:
            call.close()
        session.close()
    count = HANDSHAKES // 10 * 10
    return Rate(count / taken, 1000 * used / count)


def chain(link: Link, profile: Profile) -> float:
    """Seconds of one chain: register, call, DTLS, SCTP, the list of applications over HTTP, and the end of it all."""
    session, ue, far = fresh(link, profile)
    started = time.perf_counter()
    control(ue.register()).accepted()
    call = DataChannelPeer(session, CallSignalling(ue, far)).open("data channel")
    listing = call.get(call.connect("bootstrap channel"))
    control(listing).accepted()
    call.close()
    taken = time.perf_counter() - started
    session.close()
    if listing.status != 200:
        raise SystemExit(f"the chain did not work: {listing.failed or listing.status}")
    return taken


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "lab") as lab:
        profile = load(profiles() / "reference.yaml", env=lab.environment)
        link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        with closing(link):
            done = handshakes(link, profile, lab.pid)
            at_least("DTLS 1.2 handshakes, judged", done.per_second, 300, remark=done.remark)
            before = processors(lab.pid)
            seconds = statistics.median(chain(link, profile) for _ in range(CHAINS))
            used = 1000 * (processors(lab.pid) - before) / CHAINS
            remark = f"{used:.0f} ms of processors"
            at_most("REGISTER, call, DTLS, SCTP, HTTP, BYE: median", 1000 * seconds, 60, "ms", remark)


if __name__ == "__main__":
    main()
