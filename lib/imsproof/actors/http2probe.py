"""An HTTP/2 client of single frames: says exactly what a case has it say, and writes down every frame of the answer.

It keeps no state machine that could refuse to be wrong. Source: RFC 9113.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import hpack

from imsproof.actors.http2script import Script
from imsproof.actors.nfrequest import authority, encoded, full_path
from imsproof.codec import http2
from imsproof.codec.http2 import Flag, Frame, FrameReader, Setting, Type
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Exchange
from imsproof.link.tls import TlsStream
from imsproof.seams import HarnessError, InconclusiveError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imsproof.actors.http2script import Steps
    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.nftokens import TokenAnswer
    from imsproof.link.tls import TlsOptions
    from imsproof.profile.sbi import Producer

FENCE = b"imsproof"
"""Data of the PING that follows a case: its answer says that all before it was handled (RFC 9113 section 6.7)."""
JOURNAL_OCTETS = 65_536
MAX_ANSWER = 4 * 1024 * 1024
HEADER_LIST = 65_536
WINDOW_SIZE = 65_535
"""Octets of DATA on a stream unless the lab says otherwise (RFC 9113 section 6.5.2)."""
WINDOW = 1 << 24


@dataclass(slots=True, kw_only=True)
class Http2Answer(Exchange):
    """What the lab did on one connection of single frames.

    Attributes:
        statuses: final status by stream.
        locations: where the lab says that something was made.
        resets: error code by stream.
        goaway: error code of the last GOAWAY, or ``None``.
        over: why nothing more came, or ``""``.
        skipped: there was nothing to send, because the lab announced that it takes everything of the kind.
    """

    statuses: dict[int, int] = field(default_factory=dict)
    locations: list[str] = field(default_factory=list)
    resets: dict[int, int] = field(default_factory=dict)
    goaway: int | None = None
    over: str = ""
    skipped: bool = False


class FrameConnection:
    """One connection whose frames the tester writes itself."""

    def __init__(self, stream: TlsStream, answer: Http2Answer) -> None:
        """Use :meth:`Http2Probe.run`."""
        self.stream = stream
        self.answer = answer
        self.peer: dict[int, int] = {}
        self.greeted = False
        self.acknowledged = 0
        self.fenced = False
        self.ended: set[int] = set()
        self._reader = FrameReader()
        self._decoder = hpack.Decoder()
        self._decoder.max_header_list_size = HEADER_LIST
        self._block = bytearray()
        self._block_of: Frame | None = None

    async def say(self, data: bytes, facts: Mapping[str, Any]) -> bool:
        """Send bytes; ``False`` when the connection takes no more."""
        self._emit(Kind.SENT, {"octets": len(data), **facts}, data[:JOURNAL_OCTETS])
        try:
            await self.stream.send(data)
        except ConnectionFailedError:
            return False
        return True

    async def push(self, data: bytes) -> bool:
        """Send bytes of a flood, which is counted rather than written down."""
        try:
            await self.stream.send(data)
        except ConnectionFailedError:
            return False
        return True

    async def listen(self, until: Callable[[], bool], within: float) -> bool:
        """Read until ``until`` says so (``True``), the lab ends the connection, or the time is up."""
        deadline = time.monotonic() + within
        while not until():
            if self.answer.over or self.answer.goaway:
                return False
            data = await self.stream.receive(max(0.0, deadline - time.monotonic()))
            if data is None:
                return False
            if not data:
                self.answer.over = self.stream.ended or "closed by the lab"
                return until()
            for frame in self._reader.feed(data):
                await self._take(frame)
        return True

    def undone(self, reason: str) -> None:
        """Write down that a case came to no end."""
        self._emit(Kind.TIMEOUT, {"reason": reason, "undone": True})

    def count(self, sent: int, octets: int, seconds: float) -> None:
        """Write down how much of a flood was sent."""
        self._emit(Kind.COUNTED, {"sent": sent, "bytes": octets, "seconds": round(seconds, 3)})

    def _emit(self, kind: Kind, facts: Mapping[str, Any], data: bytes = b"") -> None:
        tcp = self.stream.tcp
        self.stream.session.emit(
            kind,
            self.stream.actor,
            self.answer.exchange,
            transport="h2",
            local=tcp.local,
            remote=tcp.remote,
            data=data,
            facts=facts,
        )

    async def _take(self, frame: Frame) -> None:
        facts: dict[str, Any] = {"frame": http2.type_name(frame.type), "stream": frame.stream, "flags": frame.flags}
        match frame.type:
            case Type.SETTINGS if frame.flags & Flag.ACK:
                self.acknowledged += 1
                facts["ack"] = True
            case Type.SETTINGS:
                self.peer.update(http2.read_settings(frame.payload))
                facts["settings"] = {str(number): value for number, value in self.peer.items()}
                self.greeted = True
            case Type.PING:
                facts["ack"] = bool(frame.flags & Flag.ACK)
                self.fenced |= frame.payload == FENCE and bool(facts["ack"])
            case Type.GOAWAY if len(frame.payload) >= 8:
                last, code = struct.unpack_from("!II", frame.payload)
                self.answer.goaway = code
                facts |= {"goaway": code, "error": http2.error_name(code), "last": last}
            case Type.RST_STREAM if len(frame.payload) == 4:
                (code,) = struct.unpack("!I", frame.payload)
                self.answer.resets[frame.stream] = code
                self.ended.add(frame.stream)
                facts |= {"reset": code, "error": http2.error_name(code)}
            case Type.DATA:
                facts["octets"] = len(frame.payload)
                self._end(frame)
            case Type.HEADERS | Type.CONTINUATION:
                self._take_block(frame, facts)
        self._emit(Kind.RECEIVED, facts, frame.payload if frame.type != Type.HEADERS else b"")

    def _take_block(self, frame: Frame, facts: dict[str, Any]) -> None:
        if frame.type == Type.HEADERS:
            self._block_of, self._block = frame, bytearray(_without_padding(frame))
        else:
            self._block += frame.payload
        if not frame.flags & Flag.END_HEADERS or self._block_of is None:
            return
        try:
            decoded = self._decoder.decode(bytes(self._block), raw=True)
        except hpack.HPACKError as error:
            facts["unreadable"] = str(error) or type(error).__name__
            return
        headers = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in decoded]
        facts["headers"] = [list(pair) for pair in headers]
        status = dict(headers).get(":status", "")
        if status.isdigit():
            facts["status"] = int(status)
            if int(status) >= 200:
                self.answer.statuses[frame.stream] = int(status)
        self.answer.locations += [value for name, value in headers if name == "location"]
        self._end(self._block_of)

    def _end(self, frame: Frame) -> None:
        if frame.flags & Flag.END_STREAM:
            self.ended.add(frame.stream)


def _has_ended(connection: FrameConnection, stream: int) -> bool:
    return stream in connection.ended


def _without_padding(frame: Frame) -> bytes:
    payload = frame.payload
    if frame.flags & Flag.PADDED and payload:
        payload = payload[1 : len(payload) - payload[0]]
    return payload[5:] if frame.flags & Flag.PRIORITY else payload


class Http2Probe:
    """Runs cases against one producer, each on a connection of its own.

    Attributes:
        consumer: whose certificate it shows.
        producer: who is tested.
        fields, body: the authorised request that cases are made of.
    """

    def __init__(self, consumer: NfConsumer, producer: Producer, token: str | TokenAnswer | None) -> None:
        """Take the producer's probe as the request (``HarnessError`` when the profile has none)."""
        probe = producer.probe
        if probe is None:
            raise HarnessError(f"producer {producer.name} has no probe: fill in sbi.producers[].probe")
        if producer.url.scheme != "https":
            raise HarnessError(f"producer {producer.name} is not reached over TLS, so its HTTP/2 cannot be tested")
        self.consumer = consumer
        self.producer = producer
        self.accept = tuple(probe.expect)
        self.body, content_type = encoded(probe.body)
        bearer = getattr(token, "token", token)
        fields = [
            (":method", probe.method),
            (":scheme", "https"),
            (":authority", authority(producer)),
            (":path", full_path(producer, probe.path)),
        ]
        if content_type and not any(name.lower() == "content-type" for name in probe.headers):
            fields.append(("content-type", content_type))
        fields += [(name.lower(), value) for name, value in probe.headers.items()]
        if bearer:
            fields.append(("authorization", f"Bearer {bearer}"))
        self.fields = tuple((name.encode(), value.encode()) for name, value in fields)

    def run(
        self,
        label: str,
        send: Callable[[Script], Steps],
        *,
        watch: Sequence[int] = (1,),
        greet: bool = True,
        fence: bool = True,
        settings: Sequence[tuple[int, int]] = (),
        injected: bool = True,
    ) -> Http2Answer:
        """Open a connection, exchange SETTINGS, send a case's steps, and read until the lab has reacted.

        Args:
            label: what the conversation is called in the journal.
            send: makes the steps: bytes are sent, a number waits until the lab has ended that stream.
            watch: the streams whose answers are awaited after the fence.
            greet: send the preface and SETTINGS first.
            fence: send a PING after the case.
            settings: parameters of the tester's first SETTINGS.
            injected: mark what is sent as planted.
        """
        return self.consumer.session.run(
            self._run(label, send, watch=watch, greet=greet, fence=fence, settings=settings, injected=injected)
        )

    def _options(self) -> TlsOptions:
        return self.consumer.options(self.producer)

    async def open(self, exchange: str) -> FrameConnection | Http2Answer:
        """Connect and shake hands; an answer instead of a connection says why there is none."""
        answer = Http2Answer(record=self.consumer.session.record, exchange=exchange, accept=self.accept)
        remote = (self.producer.url.host, self.producer.url.port)
        try:
            stream = await TlsStream.open(
                self.consumer.session, self.consumer.actor, exchange, remote, self._options(), quiet=True
            )
        except ConnectionFailedError as error:
            answer.failed = str(error)
            return answer
        return FrameConnection(stream, answer)

    async def greet(self, connection: FrameConnection, settings: Sequence[tuple[int, int]] = ()) -> None:
        """Exchange preface and SETTINGS, and open the connection's window for answers."""
        first = [(Setting.ENABLE_PUSH, 0), *settings]
        hello = http2.PREFACE + http2.settings(first) + http2.window_update(0, WINDOW)
        await connection.say(hello, {"frames": "preface, SETTINGS, WINDOW_UPDATE"})
        await connection.listen(
            lambda: connection.greeted and connection.acknowledged > 0, self.consumer.session.timers.answer
        )
        await connection.say(http2.settings(ack=True), {"frames": "SETTINGS (ACK)"})

    def _fits(self, peer: Mapping[int, int]) -> None:
        window = peer.get(Setting.INITIAL_WINDOW_SIZE, WINDOW_SIZE)
        if window < len(self.body):
            raise InconclusiveError(
                f"the producer takes {window} octets of a body at once, and the probe's has {len(self.body)}: "
                "give one with a shorter body, or none (sbi.producers[].probe)"
            )

    def script(self, connection: FrameConnection) -> Script:
        """The request as pieces, for this connection."""
        return Script(self.fields, self.body, connection.peer)

    async def _run(
        self,
        label: str,
        send: Callable[[Script], Steps],
        *,
        watch: Sequence[int],
        greet: bool,
        fence: bool,
        settings: Sequence[tuple[int, int]],
        injected: bool,
    ) -> Http2Answer:
        timers = self.consumer.session.timers
        connection = await self.open(self.consumer.session.exchange(label))
        if isinstance(connection, Http2Answer):
            return connection
        answer = connection.answer
        try:
            if greet:
                await self.greet(connection, settings)
                self._fits(connection.peer)
            steps = send(self.script(connection))
            if not steps:
                answer.skipped = True
                return answer
            for step in steps:
                if isinstance(step, int):
                    ended = await connection.listen(partial(_has_ended, connection, abs(step)), timers.answer)
                    if not ended and step > 0:
                        answer.failed = f"stream {step} was not ended, so the case could not be brought about"
                        connection.undone(answer.failed)
                        break
                elif not await connection.say(step, {"case": label, **({"injected": True} if injected else {})}):
                    break
            if fence and not answer.over:
                await connection.say(http2.ping(FENCE), {"frames": "PING (fence)"})
                await connection.listen(lambda: connection.fenced, timers.answer)
            wait = timers.answer if not injected else timers.silence
            await connection.listen(lambda: connection.ended >= set(watch), wait)
        finally:
            await connection.stream.aclose()
        return answer
