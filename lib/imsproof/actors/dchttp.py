"""HTTP/1.1 on a data channel (subprotocol http): a request goes out, its answer is read until it is whole."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.engine.sctp import ChannelClosedError
from imsproof.link.subject import HttpAnswer
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.engine.sctp import Channel, SctpEngine
    from imsproof.link.session import Session

MAX_HTTP = 1 << 20
"""Octets of an answer that are read."""
MAX_SHOWN = 4096
"""Octets of a request that the journal keeps."""
PIECE = 16_384
"""Octets of a request in one message, which every peer takes."""
_LENGTH = re.compile(rb"(?im)^content-length:\s*(\d{1,9})\s*$")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:.*\bchunked\s*$")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]*\r\n")
_TRAILERS = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d[ \r]")


@dataclass(slots=True)
class HttpChannels:
    """The negotiated channels of one association on which HTTP is spoken.

    Attributes:
        session: the purpose's session.
        sctp: the association.
        emit: writes an event: kind, exchange, data, facts.
    """

    session: Session
    sctp: SctpEngine
    emit: Callable[[Kind, str, bytes, dict[str, Any]], None]
    _channels: dict[int, Channel] = field(default_factory=dict)

    async def ask(
        self, label: str, stream: int, request: bytes, facts: dict[str, Any], *, within: float | None = None
    ) -> HttpAnswer:
        """Send a request as it is on a stream and wait for the answer, the answer timer by default.

        ``facts`` go with the request's event.
        """
        answer = HttpAnswer(record=self.session.record, exchange=self.session.exchange(label))
        sent = {**facts, "stream": stream, "text": "over the data channel"}
        self.emit(Kind.SENT, answer.exchange, request[:MAX_SHOWN], sent)
        try:
            async with asyncio.timeout(self.session.timers.answer if within is None else within):
                channel = await self._channel(stream)
                for at in range(0, len(request), PIECE):
                    channel.send(request[at : at + PIECE])
                await self._read(channel, answer)
        except (TimeoutError, ChannelClosedError, ValueError) as error:
            answer.failed = str(error) or "no answer in time"
            self.emit(Kind.TIMEOUT, answer.exchange, b"", {"reason": answer.failed})
            return answer
        shown = {"status": answer.status, "headers": [list(pair) for pair in answer.headers]}
        self.emit(Kind.RECEIVED, answer.exchange, answer.body, shown)
        return answer

    async def _channel(self, stream: int) -> Channel:
        if stream not in self._channels:
            self._channels[stream] = self.sctp.open_channel(stream, protocol="http", negotiated=True)
        await self._channels[stream].opened(self.session.timers.answer)
        return self._channels[stream]

    async def _read(self, channel: Channel, answer: HttpAnswer) -> None:
        received = bytearray()
        while len(received) < MAX_HTTP and not is_whole(bytes(received)):
            message = await channel.recv(self.session.timers.answer)
            received += message.encode() if isinstance(message, str) else message
        answer.status, answer.headers, answer.body = read_answer(bytes(received))


def request_head(method: str, path: str, host: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """Write a request without a body; nothing is escaped, so that a testcase can be as wrong as it likes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    usual = (("Accept", "application/json, */*"), ("Accept-Encoding", "identity"))
    lines += [f"{name}: {value}" for name, value in (*usual, *headers)]
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")


def final(received: bytes) -> bytes:
    """Leave out interim answers (1xx) that stand before the final one (RFC 9110 section 15.2)."""
    while _INTERIM.match(received):
        received = received.partition(b"\r\n\r\n")[2]
    return received


def is_whole(received: bytes) -> bool:
    """Say whether an answer is complete; one that names no length is, when its head is."""
    head, separator, body = final(received).partition(b"\r\n\r\n")
    if not separator:
        return False
    if _CHUNKED.search(head):
        return dechunk(body) is not None
    length = _LENGTH.search(head)
    return length is None or len(body) >= int(length[1])


def read_answer(received: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Read status, headers (names in lower case) and body; ``ValueError`` when it is not an HTTP answer."""
    head, _, body = final(received).partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if status is None:
        raise ValueError("what came back is not an HTTP answer")
    if _CHUNKED.search(head):
        body = dechunk(body) or b""
    pairs = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    headers = tuple((name.decode("latin-1").lower(), value.strip().decode("latin-1")) for name, _, value in pairs)
    return int(status[1]), headers, body


def dechunk(body: bytes) -> bytes | None:
    """Undo the chunked coding (RFC 9112 section 7.1); ``None`` while the last chunk or its trailers are not there."""
    found = bytearray()
    at = 0
    while size := _SIZE.match(body, at):
        length, at = int(size[1], 16), size.end()
        if not length:
            return bytes(found) if _TRAILERS.match(body, at) else None
        found += body[at : at + length]
        at += length + 2
    return None
