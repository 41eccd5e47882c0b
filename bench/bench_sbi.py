"""How fast the SBI half judges: handshakes, requests and HTTP/2 conditions a second.

Everything goes against the embedded reference lab on this machine, which takes part of the same cores. The numbers are
of this moment; nothing asserts them. One after the other, the tester waits while the lab works; side by side, as
purposes run, both work.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.http2cases import frames
from imsproof.actors.http2probe import Http2Probe
from imsproof.actors.nf import NfConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.judge import expect
from imsproof.lab.launch import launch
from imsproof.link.session import Link
from imsproof.paths import profiles
from imsproof.profile import Profile, load
from imsproof.seams import Record
from measure import SECONDS, Rate, at_least, processors, rate, told

if TYPE_CHECKING:
    from collections.abc import Callable

FORGETS = 50
"""A purpose makes some ten conversations, not thousands: the journal begins anew after so many."""


class Judged:
    """A consumer that judges the reference lab's first producer, again and again."""

    def __init__(self, link: Link, profile: Profile) -> None:
        if profile.sbi is None:
            raise SystemExit("the reference profile has no sbi section")
        self.session = link.session(Record("BENCH"))
        self.producer = profile.sbi.producers[0]
        self.consumer = NfConsumer(self.session, profile.sbi)
        self.client = ProducerClient(self.consumer, self.producer)
        self.probe = Http2Probe(self.consumer, self.producer, self.client.token())
        self._count = 0

    def request(self) -> None:
        """A request with a token that is none: refused?"""
        expect(self.client.probe("hostile", label="probe", injected=True)).refused()
        self._forget()

    def handshake(self) -> None:
        """A handshake of TLS 1.2: taken?"""
        expect(self.consumer.handshake(self.producer, "handshake", maximum="TLSv1.2")).negotiated("TLSv1.2")
        self._forget()

    def condition(self) -> None:
        """A frame that must not be: not served?"""
        wrong = frames.PING[1]
        expect(self.probe.run(wrong.name, wrong.send, watch=())).holds("h2-not-served", effect=wrong.effect)
        self._forget()

    def _forget(self) -> None:
        self._count += 1
        if self._count % FORGETS == 0:
            for some in (self.session.record.events, self.session.record.judgements, self.session.packets):
                some.clear()


def side_by_side(link: Link, profile: Profile, operation: Callable[[Judged], None], lab: int, number: int = 3) -> Rate:
    """Repeat an operation in several purposes at once, in one process."""
    begin, before, started = threading.Barrier(number), processors(lab), time.perf_counter()

    def one(judged: Judged) -> int:
        begin.wait()
        count = 0
        while time.perf_counter() - started < SECONDS:
            operation(judged)
            count += 1
        return count

    with ThreadPoolExecutor(number) as pool:
        count = sum(pool.map(one, [Judged(link, profile) for _ in range(number)]))
    return Rate(count / (time.perf_counter() - started), 1000 * (processors(lab) - before) / count)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "lab") as lab:
        os.environ.update(lab.environment)
        profile = load(profiles() / "reference.yaml")
        link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        try:
            judged = Judged(link, profile)
            for what, operation in (
                ("TLS 1.2 handshakes, judged, one after the other", judged.handshake),
                ("requests with a hostile token, one after the other", judged.request),
                ("HTTP/2 conditions, judged, one after the other", judged.condition),
            ):
                told(what, rate(operation, lab.pid).per_second, "/s")
            done = side_by_side(link, profile, Judged.handshake, lab.pid)
            at_least("TLS 1.2 handshakes, judged", done.per_second, 300, remark=done.remark)
            done = side_by_side(link, profile, Judged.request, lab.pid)
            at_least("requests with a hostile token, judged", done.per_second, 200, remark=done.remark)
        finally:
            link.close()


if __name__ == "__main__":
    main()
