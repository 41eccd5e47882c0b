"""How many SRTP packets the tester makes, opens and judges in a second, on one core; nothing asserts the numbers."""

from __future__ import annotations

import random

from bench_parts import rate
from imsproof.actors.srtpleg import ProtectedLeg
from imsproof.codec.rtp import RtpPacket
from imsproof.codec.srtp import SUITES, Context
from imsproof.judge.predicates.srtp import keystream_used_once, media_protected
from imsproof.link.session import Link
from imsproof.link.udp import UdpEndpoint
from imsproof.profile.model import Limits, Timers
from imsproof.seams import Record

PACKETS = 1000
HERE = ("127.0.0.1", 9)


def main() -> None:
    """Print one line a step."""
    link = Link(scope_allows=lambda _address: True, limits=Limits(), timers=Timers())
    try:
        for chosen in (SUITES[0], SUITES[4]):
            own = Context(chosen, bytes(chosen.master_size))
            packet = RtpPacket(0, 1, 160, 7, bytes(160))
            plain, sealed = packet.to_bytes(), own.protect(packet.to_bytes())
            print(f"{chosen.sdes}: made {rate(lambda: own.protect(plain)):,.0f}/s")  # noqa: B023 - called at once
            print(f"{chosen.sdes}: opened {rate(lambda: own.unprotect(sealed)):,.0f}/s")  # noqa: B023 - the same
        session = link.session(Record("BENCH-01"))
        rtp, rtcp = (
            session.run(UdpEndpoint.open(session, "ue-a", "socket", local=("127.0.0.1", 0), quiet=True))
            for _ in range(2)
        )
        leg = ProtectedLeg(session, rtp, rtcp, "ue-a", random.Random(1))
        leg.theirs = own = Context(SUITES[0], bytes(30))
        for number in range(PACKETS):
            leg.take(own.protect(RtpPacket(0, number, 160, 7, bytes(160)).to_bytes()), HERE)
        events = session.record.events

        def judged() -> None:
            media_protected(events, exchange=leg.exchange)
            keystream_used_once(events, exchange=leg.exchange)

        again = own.protect(plain)
        print(f"written down with what is inside: {rate(lambda: leg.take(again, HERE)):,.0f}/s")
        del events[PACKETS:]
        print(f"judged by two predicates: {PACKETS * rate(judged):,.0f}/s")
    finally:
        link.close()


if __name__ == "__main__":
    main()
