"""Floods of HTTP/2 on one connection, bounded in number and time, while another NF asks for service beside it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.actors.http2probe import Http2Answer
from imsproof.codec import http2
from imsproof.codec.http2 import Setting
from imsproof.link.subject import Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imsproof.actors.http2probe import FrameConnection, Http2Probe
    from imsproof.actors.http2script import Script

BATCH = 50
"""Frames that are written at once."""
HIGHEST = 0x7FFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of flood.

    Attributes:
        name: what the conversation is called.
        unit: makes the frames of round ``number`` (from 0).
        frames: how many frames a round has.
        before: sent once, first.
        limited: no more rounds than the lab allows streams at once.
        count: frames at most; the profile's ``limits.flood_packets`` at most too.
        settings: parameters of the tester's SETTINGS.
    """

    name: str
    unit: Callable[[Script, int], bytes]
    frames: int = 1
    before: Callable[[Script], bytes] = lambda _: b""
    count: int = 1_000
    limited: bool = False
    settings: tuple[tuple[int, int], ...] = ()


def _harmless(s: Script, stream: int) -> bytes:
    """A request that makes nothing: the probe's resource asked for with GET, without a token."""
    block = s.block(change={b":method": b"GET", b"authorization": None, b"content-type": None})
    return s.headers(stream, block, end=True)


def _stream(number: int) -> int:
    return 2 * number + 1


SHAPES = {
    "rapid-reset": Shape(
        name="requests that are reset at once",
        unit=lambda s, n: _harmless(s, _stream(n)) + http2.reset(_stream(n)),
        frames=2,
        count=2_000,
    ),
    "provoked-reset": Shape(
        name="requests that make the lab reset them",
        unit=lambda s, n: _harmless(s, _stream(n)) + http2.window_update(_stream(n), 0),
        frames=2,
        count=2_000,
    ),
    "settings": Shape(
        name="SETTINGS flood", unit=lambda _s, n: http2.settings([(Setting.INITIAL_WINDOW_SIZE, 65_535 + n)])
    ),
    "ping": Shape(name="PING flood", unit=lambda _s, n: http2.ping(n.to_bytes(8, "big"))),
    "empty-data": Shape(
        name="empty DATA flood", before=lambda s: s.headers(1), unit=lambda s, _n: s.data(1, b"", end=False)
    ),
    "priority": Shape(name="PRIORITY flood", unit=lambda _s, n: http2.priority(_stream(n), max(0, _stream(n) - 2))),
    "window": Shape(
        name="WINDOW_UPDATE flood", before=lambda s: s.headers(1), unit=lambda _s, _n: http2.window_update(1, 1)
    ),
    "unknown": Shape(name="unknown frames", unit=lambda _s, n: http2.frame(0xB0 + n % 16, 0, 0, b"x")),
    "half-open": Shape(name="streams that stay open", unit=lambda s, n: s.headers(_stream(n)), count=200, limited=True),
    "shut-window": Shape(
        name="requests whose answers nobody takes",
        unit=lambda s, n: _harmless(s, _stream(n)),
        count=200,
        limited=True,
        settings=((Setting.INITIAL_WINDOW_SIZE, 0),),
    ),
}
"""The floods, by name."""


@dataclass(slots=True, kw_only=True)
class FloodAnswer(Exchange):
    """A flood that is over.

    Attributes:
        beside: the conversations of the other NF while it lasted.
        locations: what the flood made, as far as the lab said so.
    """

    beside: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)


class Http2Flooder:
    """Floods one producer over one connection."""

    def __init__(self, probe: Http2Probe) -> None:
        """Flood with the certificate and the request of ``probe``."""
        self.probe = probe

    def flood(self, shape: Shape, beside: Callable[[], Awaitable[Exchange]], *, attempts: int = 4) -> FloodAnswer:
        """Send the flood in batches; between its quarters, and once at its end, the other NF asks for service.

        Args:
            shape: what to send.
            beside: one attempt of the other NF.
            attempts: how many of them.
        """
        return self.probe.consumer.session.run(self._flood(shape, beside, attempts))

    async def _flood(self, shape: Shape, beside: Callable[[], Awaitable[Exchange]], attempts: int) -> FloodAnswer:
        session = self.probe.consumer.session
        exchange = session.exchange(shape.name)
        result = FloodAnswer(record=session.record, exchange=exchange)
        connection = await self.probe.open(exchange)
        if isinstance(connection, Http2Answer):
            result.failed = connection.failed
            return result
        try:
            await self.probe.greet(connection, shape.settings)
            script = self.probe.script(connection)
            rounds = min(shape.count, session.link.limits.flood_packets) // shape.frames
            if shape.limited:
                rounds = min(rounds, connection.peer.get(Setting.MAX_CONCURRENT_STREAMS, rounds))
            reader = asyncio.create_task(connection.listen(lambda: False, session.timers.answer * (attempts + 1)))
            tasks: list[asyncio.Task[Exchange]] = []
            try:
                await self._send(shape, script, connection, rounds, attempts, tasks, beside)
                answers = await asyncio.gather(*tasks)
            finally:
                reader.cancel()
                await asyncio.wait([reader, *tasks])
            result.beside = [answer.exchange for answer in answers]
            result.locations = connection.answer.locations
        finally:
            await connection.stream.aclose()
        return result

    async def _send(
        self,
        shape: Shape,
        script: Script,
        connection: FrameConnection,
        rounds: int,
        attempts: int,
        tasks: list[asyncio.Task[Exchange]],
        beside: Callable[[], Awaitable[Exchange]],
    ) -> None:
        started, sent, octets = time.monotonic(), 0, 0
        marks = [rounds * number // attempts for number in range(1, attempts + 1)]
        going = await connection.say(shape.before(script), {"case": shape.name, "injected": True})
        at = 0
        while at < rounds and going and not connection.answer.over and not connection.answer.goaway:
            upto = min(at + max(1, BATCH // shape.frames), rounds)
            data = b"".join(shape.unit(script, number) for number in range(at, upto))
            going = await connection.push(data)
            sent, octets, at = sent + (upto - at) * shape.frames, octets + len(data), upto
            while marks and at >= marks[0]:
                marks.pop(0)
                tasks.append(asyncio.ensure_future(beside()))
        connection.count(sent, octets, time.monotonic() - started)
        tasks.extend(asyncio.ensure_future(beside()) for _ in marks)
