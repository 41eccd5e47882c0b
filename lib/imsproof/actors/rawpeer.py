"""A data-channel association in the tester's own hands: DTLS by OpenSSL, SCTP by hand, and both can be interfered with.

What goes wrong on purpose is sent below DTLS (:meth:`RawAssociation.forge`) or below SCTP
(:meth:`RawAssociation.inject`); whether the association lives shows in a HEARTBEAT, which every SCTP answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from imsproof.actors import forge
from imsproof.codec import sctp as wire
from imsproof.codec.dtls import TlsSyntaxError, split_records
from imsproof.codec.tlshello import APPLICATION_DATA, HANDSHAKE
from imsproof.engine.rawsctp import Message, RawSctp
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Attempt, Exchange
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.link.dtls import DtlsEndpoint
    from imsproof.link.session import Session

INFO_OCTETS = 16
KEPT = 256
EXPLICIT_NONCE = 8
TIMES_SLOWER = 1.5
"""What an answer that must not come may take, of the longest that one took which came."""
AGAIN_SECONDS = 1.0
"""After this a HEARTBEAT that must be answered is sent again."""


@dataclass(slots=True)
class RawAssociation(Attempt):
    """DTLS with an SCTP association by hand inside; a subject that is about how it came up.

    Attributes:
        session, actor, endpoint: whose it is, and its DTLS end.
        sctp: the association inside; there also when it did not come up, as long as DTLS did.
        within: seconds to wait for an answer.
    """

    session: Session
    actor: str
    endpoint: DtlsEndpoint
    sctp: RawSctp
    within: float
    _crossed: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT))
    _came: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT))
    _current: str = ""
    _asked: dict[bytes, str] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _messages: Counter[int] = field(default_factory=Counter)
    _slowest: float = 0.0

    @classmethod
    def make(
        cls, session: Session, actor: str, endpoint: DtlsEndpoint, exchange: str, sctp_ports: tuple[int, int]
    ) -> RawAssociation:
        """Put an association on a DTLS end; on the link's loop."""
        association = RawSctp(send=endpoint.send_soon, local_port=sctp_ports[0], remote_port=sctp_ports[1])
        made = cls(
            record=session.record,
            exchange=exchange,
            session=session,
            actor=actor,
            endpoint=endpoint,
            sctp=association,
            within=session.timers.silence,
        )
        made._current = exchange
        association.on_chunk = made._on_chunk
        association.on_message = made._on_message
        association.on_established = made._on_established
        before = endpoint.alter
        endpoint.alter = lambda datagram: made._keep(before(datagram) if before else (datagram,))
        endpoint.on_datagram = made._came.append
        endpoint.on_data = association.receive
        endpoint.on_state = lambda _: made._news.set()
        return made

    async def come_up(self, seconds: float) -> None:
        """Wait for the SCTP handshake."""
        if not await self._until(lambda: self.sctp.established, seconds):
            self.failed = "the SCTP association did not come up in time"
            self._emit(Kind.TIMEOUT, self.exchange, {"reason": self.failed})

    # What a testcase calls

    def heartbeat(self, label: str, *, needed: bool = True) -> Exchange:
        """Send a HEARTBEAT and wait for its acknowledgement; only as long as silence when it is not ``needed``."""
        return self.session.run(self._heartbeat(label, self.session.timers.answer if needed else self.within))

    def cookie(self) -> bytes:
        """The lab's state cookie, which is waited for (``InconclusiveError`` when none came)."""
        return self.session.run(self._cookie())

    def echo_cookie(self, label: str, cookie: bytes, *, after: float = 0.0) -> Exchange:
        """Echo a cookie ``after`` so many seconds, and wait for chunks until silence."""
        return self.session.run(self._echo_cookie(label, cookie, after))

    def forge(self, kind: str) -> Exchange:
        """Send the records that :data:`imsproof.actors.forge.RECORDS` names, below DTLS, from the own address."""
        text, make = forge.RECORDS[kind]
        genuine, hello = self.genuine(APPLICATION_DATA), self.genuine(HANDSHAKE, first=True)
        return self.send_below(text, make(genuine, hello))

    def send_below(self, label: str, datagrams: Sequence[bytes]) -> Exchange:
        """Send datagrams below DTLS, from the own address."""
        return self.session.run(self._send_below(label, datagrams))

    def inject(self, kind: str) -> Exchange:
        """Send the packets that :data:`imsproof.actors.forge.PACKETS` names, inside DTLS."""
        text, make = forge.PACKETS[kind]
        return self.send_inside(text, make(self.sctp))

    def send_inside(self, label: str, packets: Sequence[bytes], *, wait: bool = False) -> Exchange:
        """Send SCTP packets inside DTLS as they are; ``wait`` for what comes back until silence."""
        return self.session.run(self._send_inside(label, packets, wait=wait))

    def hostile_init(self, *, without_tag: bool) -> bytes:
        """An INIT with the initiate tag 0, or else one that is bundled with a COOKIE ECHO."""
        if without_tag:
            return self.sctp.packet(wire.init_chunk(0, self.sctp.tsn), tag=0).to_bytes()
        chunks = (wire.init_chunk(self.sctp.tag, self.sctp.tsn), wire.Chunk(wire.COOKIE_ECHO, b"cookie"))
        return self.sctp.packet(*chunks, tag=0).to_bytes()

    def clear_heartbeat(self, label: str) -> Exchange:
        """Send a HEARTBEAT of this association in a record of application data in clear, and wait for an answer."""
        return self.session.run(self._clear_heartbeat(label))

    def odd_heartbeat(self, label: str, **wrong: Any) -> Exchange:
        """Send a HEARTBEAT in a packet with a wrong ``tag``, ``checksum``, ``source_port`` or ``target_port``."""
        return self.session.run(self._odd_heartbeat(label, wrong))

    def replayed_heartbeat(self, label: str) -> Exchange:
        """Send a HEARTBEAT, and its record three times more."""
        return self.session.run(self._replayed_heartbeat(label))

    def many_heartbeats(self, label: str, count: int) -> Exchange:
        """Send so many HEARTBEATs, and note how the protected records are numbered that came since the beginning."""
        return self.session.run(self._many_heartbeats(label, count))

    def withheld_heartbeat(self, label: str) -> list[bytes]:
        """Make a HEARTBEAT, but keep its datagram back; it is returned."""
        return self.session.run(self._withheld_heartbeat(label))

    def message(self, label: str, stream: int, ppid: int, data: bytes, *, injected: bool = False) -> Exchange:
        """Send a message and wait for what comes back on its stream, or until silence when it is ``injected``."""
        return self.session.run(self._message(label, stream, ppid, data, injected=injected))

    def collect(self, label: str, stream: int, ppid: int, data: bytes) -> Exchange:
        """Send a message and take all that comes back until silence."""
        return self.session.run(self._collect(label, stream, ppid, data))

    def watch(self, label: str) -> Exchange:
        """From now on what comes unasked belongs to this conversation."""
        return self._end(self._begin(label))

    def listen(self) -> None:
        """Take what comes until silence."""
        self.session.run(self._silence(self._current))

    def wait_end(self) -> None:
        """Wait for the lab to end the association: until it answers no more, no longer than the answer timer."""
        self.session.run(self._wait_end())

    def genuine(self, content_type: int, *, first: bool = False) -> bytes:
        """A datagram that crossed with a record of this type: the first or the last one.

        Raises:
            InconclusiveError: none did.
        """
        found = [one for one in self._crossed if one[0] == content_type]
        if not found:
            raise InconclusiveError("no genuine record crossed that could be forged: the association did not come up")
        return found[0 if first else -1]

    # Inside, on the link's loop

    async def _wait_end(self) -> None:
        exchange = self._begin("waiting for the association's end")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.session.timers.answer
        while loop.time() < deadline:
            await self._until(lambda: False, self.within)
            info = self._info(exchange)
            packet = self.sctp.packet(self.sctp.heartbeat(info)).to_bytes()
            if self.endpoint.state != "connected" or not self._send(exchange, packet, {"info": info.hex()}):
                return
            if not await self._until(partial(self._heard, info), self.within):
                return

    def _heard(self, info: bytes) -> bool:
        return info not in self._asked

    async def _cookie(self) -> bytes:
        await self._until(lambda: bool(self.sctp.cookie), self.session.timers.answer)
        if not self.sctp.cookie:
            raise InconclusiveError("the lab gave no cookie to an INIT, so none can be misused")
        return self.sctp.cookie

    async def _echo_cookie(self, label: str, cookie: bytes, after: float) -> Exchange:
        if after:
            await self._until(lambda: False, after)
        packet = self.sctp.packet(wire.Chunk(wire.COOKIE_ECHO, cookie)).to_bytes()
        return await self._send_inside(label, [packet], wait=True)

    async def _heartbeat(self, label: str, within: float) -> Exchange:
        exchange = self._begin(label)
        info = self._info(exchange)
        packet = self.sctp.packet(self.sctp.heartbeat(info)).to_bytes()
        tries = max(1, round(within / AGAIN_SECONDS))
        for _ in range(tries):  # a datagram may be lost on its way
            if not self._send(exchange, packet, {"info": info.hex()}):
                return self._end(exchange)
            if await self._until(lambda: info not in self._asked, within / tries):
                return self._end(exchange)
        self._emit(Kind.TIMEOUT, exchange, {"reason": "no HEARTBEAT ACK came"})
        return self._end(exchange)

    async def _odd_heartbeat(self, label: str, wrong: dict[str, Any]) -> Exchange:
        exchange = self._begin(label)
        info = self._info(exchange)
        parts = {"source_port": self.sctp.local_port, "target_port": self.sctp.remote_port, "tag": self.sctp.peer_tag}
        packet = wire.Packet(**(parts | wrong), chunks=(self.sctp.heartbeat(info),))
        self._send(exchange, packet.to_bytes(), {"info": info.hex(), "injected": True})
        await self._silence(exchange)
        return self._end(exchange)

    async def _clear_heartbeat(self, label: str) -> Exchange:
        exchange = self._begin(label)
        info = self._info(exchange)
        packet = self.sctp.packet(self.sctp.heartbeat(info)).to_bytes()
        facts = {"info": info.hex(), "injected": True, "text": "HEARTBEAT in application data in clear"}
        self._emit(Kind.SENT, exchange, facts, packet)
        self.endpoint.inject(forge.clear_record(APPLICATION_DATA, packet))
        await self._silence(exchange)
        return self._end(exchange)

    async def _replayed_heartbeat(self, label: str) -> Exchange:
        exchange = self._begin(label)
        info = self._info(exchange)
        self._send(exchange, self.sctp.packet(self.sctp.heartbeat(info)).to_bytes(), {"info": info.hex()})
        genuine = self.genuine(APPLICATION_DATA)
        for _ in range(3):
            self.endpoint.inject(genuine)
        await self._silence(exchange)
        return self._end(exchange)

    async def _many_heartbeats(self, label: str, count: int) -> Exchange:
        exchange = self._begin(label)
        asked = {self._info(exchange) for _ in range(count)}
        for info in asked:
            if not self._send(exchange, self.sctp.packet(self.sctp.heartbeat(info)).to_bytes(), {"info": info.hex()}):
                break
        await self._until(lambda: asked.isdisjoint(self._asked), self.session.timers.answer)
        self.session.note(
            "the protected records that came",
            actor=self.actor,
            exchange=exchange,
            cipher=self.facts.get("cipher", ""),
            records=[line for datagram in self._came for line in _numbers(datagram)],
        )
        return self._end(exchange)

    async def _withheld_heartbeat(self, label: str) -> list[bytes]:
        exchange = self._begin(label)
        info = self._info(exchange)
        caught: list[bytes] = []

        def catch(datagram: bytes) -> list[bytes]:
            caught.append(datagram)
            return []

        before, self.endpoint.alter = self.endpoint.alter, catch
        try:
            facts = {"text": "kept back by the tester", "injected": True, "withheld": True}
            self._send(exchange, self.sctp.packet(self.sctp.heartbeat(info)).to_bytes(), facts)
        finally:
            self.endpoint.alter = before
        return caught

    async def _message(self, label: str, stream: int, ppid: int, data: bytes, *, injected: bool) -> Exchange:
        exchange = self._begin(label)
        facts = {"stream": stream, "ppid": ppid} | ({"injected": True} if injected else {})
        before = self._messages[stream]
        self._emit(Kind.SENT, exchange, facts, data)
        try:
            self.sctp.send_message(stream, ppid, data)
        except ConnectionFailedError as error:
            self._emit(Kind.CLOSED, exchange, {"reason": str(error), "by": "lab"})
            return self._end(exchange)
        if injected:
            await self._silence(exchange, TIMES_SLOWER * self._slowest)
            return self._end(exchange)
        began = asyncio.get_running_loop().time()
        limit = began + self.session.timers.answer
        if not await self._until(partial(self._more_than, stream, before), self.session.timers.answer):
            self._emit(Kind.TIMEOUT, exchange, {"reason": "no message came back"})
        self._slowest = max(self._slowest, asyncio.get_running_loop().time() - began)
        # An answer may come in several messages, and the next question waits for the last; but some talk for ever.
        while self._messages[stream] > before and asyncio.get_running_loop().time() < limit:
            before = self._messages[stream]
            await self._until(partial(self._more_than, stream, before), self.within)
        return self._end(exchange)

    def _more_than(self, stream: int, count: int) -> bool:
        return self._messages[stream] > count

    async def _collect(self, label: str, stream: int, ppid: int, data: bytes) -> Exchange:
        exchange = self._begin(label)
        self._emit(Kind.SENT, exchange, {"stream": stream, "ppid": ppid, "injected": True}, data)
        self.sctp.send_message(stream, ppid, data)
        await self._silence(exchange)
        return self._end(exchange)

    async def _send_below(self, label: str, datagrams: Sequence[bytes]) -> Exchange:
        exchange = self._begin(label)
        before, self.endpoint.exchange = self.endpoint.exchange, exchange
        try:
            for datagram in datagrams:
                self.endpoint.inject(datagram)
        finally:
            self.endpoint.exchange = before
        return self._end(exchange)

    async def _send_inside(self, label: str, packets: Sequence[bytes], *, wait: bool) -> Exchange:
        exchange = self._begin(label)
        for packet in packets:
            names = [chunk.name for chunk in wire.Packet.parse(packet).chunks]
            if not self._send(exchange, packet, {"chunks": names, "injected": True}):
                break
        if wait:
            await self._silence(exchange)
        return self._end(exchange)

    def _begin(self, label: str) -> str:
        self._current = self.session.exchange(label)
        return self._current

    def _end(self, exchange: str) -> Exchange:
        return Exchange(record=self.session.record, exchange=exchange)

    def _info(self, exchange: str) -> bytes:
        info = secrets.token_bytes(INFO_OCTETS)
        self._asked[info] = exchange
        return info

    def _send(self, exchange: str, packet: bytes, facts: dict[str, Any]) -> bool:
        self._emit(Kind.SENT, exchange, facts, packet)
        try:
            self.endpoint.send_soon(packet)
        except ConnectionFailedError as error:
            self._emit(Kind.CLOSED, exchange, {"reason": str(error), "by": "lab"})
            return False
        return True

    async def _silence(self, exchange: str, at_least: float = 0.0) -> None:
        """Wait as long as the profile calls silence, or longer, whatever comes meanwhile."""
        seconds = max(self.within, at_least)
        await self._until(lambda: False, seconds)
        self._emit(Kind.TIMEOUT, exchange, {"reason": f"listened for {seconds:.2g} s"})

    async def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while not done():
                    if self.endpoint.state != "connected":
                        return False
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _keep(self, datagrams: Sequence[bytes]) -> Sequence[bytes]:
        self._crossed.extend(datagrams)
        return datagrams

    def _on_chunk(self, chunk: wire.Chunk) -> None:
        if chunk.kind in (wire.DATA, wire.SACK):
            return
        facts: dict[str, Any] = {"chunk": chunk.name}
        exchange = self._current
        if chunk.kind == wire.HEARTBEAT_ACK:
            info = chunk.value[4:]
            facts["info"] = info.hex()
            exchange = self._asked.get(info, exchange)
            self._answered(info)
        self._emit(Kind.RECEIVED, exchange, facts, chunk.value)
        self._news.set()

    def _answered(self, info: bytes) -> None:
        # Kept under its exchange for a second answer, but no longer waited for.
        self._asked.pop(info, None)

    def _on_message(self, message: Message) -> None:
        self._messages[message.stream] += 1
        self._emit(Kind.RECEIVED, self._current, {"stream": message.stream, "ppid": message.ppid}, message.data)
        self._news.set()

    def _on_established(self) -> None:
        self.connected = True
        ports = {"local_port": self.sctp.local_port, "remote_port": self.sctp.remote_port}
        self._emit(Kind.HANDSHAKE, self.exchange, ports)
        self._news.set()

    def _emit(self, kind: Kind, exchange: str, facts: dict[str, Any], data: bytes = b"") -> None:
        self.session.emit(
            kind,
            self.actor,
            exchange,
            transport="sctp",
            local=self.endpoint.udp.local,
            remote=self.endpoint.remote,
            data=data,
            facts=facts,
        )


def _numbers(datagram: bytes) -> list[list[int | str]]:
    """Of each protected record of a datagram what predicates/recordnumbers.py reads."""
    try:
        records = split_records(datagram)
    except TlsSyntaxError:
        return []
    return [
        [
            one.epoch,
            one.sequence,
            one.content_type,
            one.fragment[:EXPLICIT_NONCE].hex(),
            hashlib.sha256(one.to_bytes()).hexdigest()[:INFO_OCTETS],
        ]
        for one in records
        if one.epoch
    ]
