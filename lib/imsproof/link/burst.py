"""Bursts: prepared datagrams at a rate, from one socket or several; the journal gets counts and samples.

A thread of its own with plain ``sendto`` does some 200 000 datagrams/s, far above what the limits allow.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.link.subject import Exchange
from imsproof.link.udp import family_of, two
from imsproof.seams import Address, HarnessError, Kind, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imsproof.link.session import Session

    Describe = Callable[[bytes], Mapping[str, Any]]

TICK = 0.005
INTERVAL = 1.0
SAMPLES = 5
READ_SIZE = 65536


@dataclass(slots=True, kw_only=True)
class BurstResult(Exchange):
    """What a burst did, in sum.

    Attributes:
        sent, received: datagrams.
        bytes: payload bytes sent.
        seconds: from the first to the last datagram sent.
        statuses: answers by SIP status (or by ``"other"``).
    """

    sent: int = 0
    received: int = 0
    bytes: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Interval:
    started: float
    sent: int = 0
    received: int = 0
    bytes: int = 0
    statuses: Counter[str] = field(default_factory=Counter)


class Burst:
    """One burst, from preparation to its result. Bounded by ``limits.flood_packets`` and ``limits.flood_rate``."""

    def __init__(  # noqa: PLR0913 - a burst has that many sides
        self,
        session: Session,
        actor: str,
        exchange: str,
        target: Address,
        datagrams: Sequence[bytes],
        *,
        rate: float,
        count: int | None = None,
        sources: Sequence[str | None] = (None,),
        describe: Describe | None = None,
        linger: float | None = None,
    ) -> None:
        """Prepare.

        Args:
            session: the purpose's session.
            actor: who floods.
            exchange: the conversation that counts and samples belong to.
            target: where to.
            datagrams: prepared payloads, sent in turn, from the start again when there are fewer than ``count``.
            rate: datagrams per second, at most ``limits.flood_rate``.
            count: how many; all of ``datagrams`` once by default; at most ``limits.flood_packets``.
            sources: local IPs to send from in turn (``None``: the session's source, or the system's choice).
            describe: reads facts from a datagram (``status`` is counted).
            linger: seconds that late answers are taken for; ``timers.silence`` by default.

        Raises:
            HarnessError: there is nothing to send.
        """
        if not datagrams:
            raise HarnessError("a burst needs at least one datagram")
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.target = target
        self.datagrams = datagrams
        self.rate = min(rate, session.link.limits.flood_rate)
        self.count = min(len(datagrams) if count is None else count, session.link.limits.flood_packets)
        self.result = BurstResult(record=session.record, exchange=exchange)
        self._sources = sources
        self._describe: Describe = describe or (lambda _: {})
        self._linger = session.timers.silence if linger is None else linger
        self._cancelled = threading.Event()
        self._samples: Counter[Kind] = Counter()
        self._interval = _Interval(0.0)

    async def run(self) -> BurstResult:
        """Send all of it, take late answers, and return the sums.

        Raises:
            OutOfScopeError: the target is not authorised; nothing was sent.
            StoppedError: the stop switch was thrown; what was sent until then is in the journal.
            HarnessError: a source address cannot be had.
        """
        self.session.check(self.actor, self.exchange, self.target)
        try:
            await asyncio.to_thread(self._work)
        finally:
            self._cancelled.set()
        if self.session.link.stop.is_set():
            raise StoppedError("the stop switch was thrown in the middle of a burst")
        return self.result

    def _work(self) -> None:
        sockets: list[socket.socket] = []
        flows: list[int] = []
        try:
            for source in self._sources:
                sockets.append(self._socket(source))
                flows.append(self.session.open_flow("udp", two(sockets[-1].getsockname()), self.target))
            begun = time.monotonic()
            self._interval = _Interval(begun)
            self._send_all(sockets, begun)
            self.result.seconds = time.monotonic() - begun
            self._listen(sockets, self._linger)
            self._close_interval(time.monotonic())
            self._emit(Kind.NOTE, None, facts=self._totals())
        finally:
            for raw, flow in zip(sockets, flows, strict=False):
                raw.close()
                self.session.close_flow(flow)

    def _socket(self, source: str | None) -> socket.socket:
        raw = socket.socket(family_of(self.target[0]), socket.SOCK_DGRAM)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
            if source or self.session.source:
                raw.bind((source or self.session.source, 0))
            raw.connect(self.target)
        except OSError as error:
            raw.close()
            raise HarnessError(f"no UDP socket from {source or 'here'} to {self.target[0]}: {error}") from error
        return raw

    @property
    def _ended(self) -> bool:
        return self._cancelled.is_set() or self.session.link.stop.is_set()

    def _send_all(self, sockets: list[socket.socket], begun: float) -> None:
        while self.result.sent < self.count and not self._ended:
            due = min(self.count, int((time.monotonic() - begun) * self.rate) + 1) - self.result.sent
            wait = TICK
            if due > 0:
                start = self.result.sent
                batch = [self.datagrams[n % len(self.datagrams)] for n in range(start, start + due)]
                wait = max(TICK, self.session.link.guard.delay(sum(map(len, batch)), len(batch)))
                for offset, data in enumerate(batch):
                    self._send(sockets[(start + offset) % len(sockets)], data)
            self._listen(sockets, wait)

    def _send(self, raw: socket.socket, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full buffer or an ICMP refusal: the datagram is lost, as on a wire
            raw.send(data)
        self.result.sent += 1
        self.result.bytes += len(data)
        self._interval.sent += 1
        self._interval.bytes += len(data)
        self.session.tap("udp", two(raw.getsockname()), self.target, data)
        self._sample(Kind.SENT, raw, data, self._describe)

    def _listen(self, sockets: list[socket.socket], seconds: float) -> None:
        """Take answers for some seconds; the only place where a burst waits."""
        until = time.monotonic() + seconds
        while not self._ended and (left := until - time.monotonic()) > 0:
            for raw in select.select(sockets, [], [], min(left, TICK * 10))[0]:
                self._read(raw)
            now = time.monotonic()
            if now - self._interval.started >= INTERVAL:
                self._close_interval(now)

    def _read(self, raw: socket.socket) -> None:
        try:
            data = raw.recv(READ_SIZE)
        except OSError:
            return
        self.session.tap("udp", self.target, two(raw.getsockname()), data)
        facts = self._describe(data)
        status = str(facts.get("status") or "other")
        self.result.received += 1
        self._interval.received += 1
        self._interval.statuses[status] += 1
        self.result.statuses[status] = self.result.statuses.get(status, 0) + 1
        self._sample(Kind.RECEIVED, raw, data, lambda _: facts)

    def _sample(self, kind: Kind, raw: socket.socket, data: bytes, describe: Describe) -> None:
        if self._samples[kind] < SAMPLES:
            self._samples[kind] += 1
            self._emit(kind, two(raw.getsockname()), data=data, facts={**describe(data), "sample": True})

    def _close_interval(self, now: float) -> None:
        interval, self._interval = self._interval, _Interval(now)
        facts = {
            "sent": interval.sent,
            "received": interval.received,
            "bytes": interval.bytes,
            "seconds": round(now - interval.started, 3),
            "statuses": dict(interval.statuses),
        }
        self._emit(Kind.COUNTED, None, facts=facts)

    def _totals(self) -> dict[str, Any]:
        result = self.result
        return {
            "text": f"the burst ended: {result.sent} datagrams in {result.seconds:.2f} s, {result.received} answers",
            "sent": result.sent,
            "received": result.received,
            "bytes": result.bytes,
            "seconds": round(result.seconds, 3),
            "statuses": dict(result.statuses),
        }

    def _emit(self, kind: Kind, local: Address | None, *, facts: Mapping[str, Any], data: bytes = b"") -> None:
        self.session.emit(
            kind,
            self.actor,
            self.exchange,
            transport="udp",
            local=local,
            remote=self.target,
            data=data,
            facts=facts,
        )
