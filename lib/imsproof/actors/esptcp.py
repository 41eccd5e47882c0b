"""SIP over one TCP connection inside a UE's ESP associations (TS 33.203 7.1): from its client port to the server port.

No kernel has that connection: its segments are made and taken here, and sealed as datagrams are.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from imsproof.actors.siptransport import SipTransport
from imsproof.codec.sip import SipSyntaxError, StreamFramer
from imsproof.engine.tcp import Tcp
from imsproof.link.facts import sip_facts
from imsproof.link.session import ConnectionFailedError
from imsproof.seams import ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imsproof.actors.esptransport import EspTransport
    from imsproof.codec.tcp import Segment
    from imsproof.seams import Address

AGAIN_SECONDS = 0.5


class EspTcp(SipTransport):
    """One connection; a transport like any other that is reliable."""

    def __init__(self, below: EspTransport) -> None:
        """Use :meth:`connect`."""
        super().__init__(below.session, below.actor, "tcp", below.remote, below.labels)
        self.local = (below.local[0], below.agreed.own.port_c)
        self._below = below
        self._tcp = Tcp()
        self._framer = StreamFramer()
        self._changed = asyncio.Event()
        self._answers: asyncio.Queue[list[Segment]] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, below: EspTransport, exchange: str) -> EspTcp:
        """Connect through the associations.

        Raises:
            ConnectionFailedError: the network resets the connection, or does not answer; the journal says which.
            OutOfScopeError, StoppedError, HarnessError: as the link says.
        """
        made = cls(below)
        below.on_segment = made._take
        made._worker = asyncio.create_task(made._work())
        below.session.own(made)
        await made._send(made._tcp.connect(), exchange)
        try:
            async with asyncio.timeout(below.session.timers.connect):
                while not made._tcp.established and not made._tcp.ended:
                    made._changed.clear()
                    await made._changed.wait()
        except TimeoutError:
            made._fail(Kind.TIMEOUT, exchange, "no answer to SYN inside ESP")
        if made._tcp.ended:
            made._fail(Kind.REFUSED, exchange, f"the connection inside ESP was {made._tcp.ended}")
        made._note(Kind.OPENED, exchange, {"reason": "TCP connection inside ESP"})
        return made

    def _fail(self, kind: Kind, exchange: str, reason: str) -> None:
        self.failed = reason
        self._note(kind, exchange, {"reason": reason})
        raise ConnectionFailedError(reason)

    async def send(
        self, data: bytes, exchange: str, *, to: Address | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Send bytes through the connection, which has one other end (``ConnectionFailedError`` once it ended)."""
        del to
        if self._tcp.ended:
            raise ConnectionFailedError(f"the connection inside ESP was {self._tcp.ended}")
        sealed = await self._send(self._tcp.write(data), exchange)
        self._note(Kind.SENT, exchange, {**sip_facts(data), **(facts or {})}, data, sealed)

    async def _send(self, segments: Sequence[Segment], exchange: str) -> bytes:
        """Seal and send segments; returns the first packet."""
        packets = [await self._below.send_segment(one, exchange) for one in segments]
        return packets[0] if packets else b""

    def _take(self, segment: Segment, packet: bytes) -> None:
        answers, data = self._tcp.take(segment)
        self._changed.set()
        self._answers.put_nowait(answers)
        try:
            for message in self._framer.feed(data):
                exchange, facts = self.labels.describe(message)
                self._note(Kind.RECEIVED, exchange, dict(facts), message, packet)
                self.on_message(message, self.remote, exchange)
        except SipSyntaxError as error:
            self.failed = f"what comes over TCP inside ESP is not SIP: {error}"
        if self._tcp.ended and not self.failed:
            self.failed = f"the connection inside ESP was {self._tcp.ended}"

    async def _work(self) -> None:
        """Send answers, and again what was not acknowledged for a while, until the connection is closed."""
        while True:
            try:
                async with asyncio.timeout(AGAIN_SECONDS):
                    segments = await self._answers.get()
            except TimeoutError:
                segments = self._tcp.again()
            try:
                await self._send(segments, self.labels.default)
            except ImsproofError as error:
                self.failed = self.failed or str(error)
                return

    def _note(self, kind: Kind, exchange: str, facts: dict[str, Any], data: bytes = b"", packet: bytes = b"") -> None:
        numbers: dict[str, Any] = {"inner": "tcp"}
        if packet:
            numbers |= {"spi": int.from_bytes(packet[:4], "big"), "sequence": int.from_bytes(packet[4:8], "big")}
        self.session.emit(
            kind,
            self.actor,
            exchange,
            transport="esp",
            local=self.local,
            remote=self.remote,
            data=data,
            facts={**facts, **numbers},
        )

    async def ended(self, within: float) -> bool:
        """Wait for the connection's end and tell whether it came."""
        try:
            async with asyncio.timeout(within):
                while not self._tcp.ended:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """Close the connection; nobody waits for the other end's FIN."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
            self._worker = None
            with contextlib.suppress(ImsproofError):
                await self._send(self._tcp.close(), self.labels.default)
        self.session.disown(self)
