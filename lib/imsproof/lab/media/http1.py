"""A small, strict HTTP/1.1 server side (RFC 9112), for TCP streams and for the bootstrap data channel alike."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

MAX_HEAD = 16_384
"""Bytes of request line and headers."""
MAX_BODY = 65_536
MAX_HEADERS = 64
KINDS = frozenset({"endless-head", "endless-body", "endless-chunks", "header-flood"})
"""Names of requests that have no end; others that are refused have none."""
_IDLE = 10.0
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the first header of that name (lower case), or an empty string."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Response:
    """A response; Content-Length is added when it is written."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    without_body: bool = field(default=False)

    def to_bytes(self) -> bytes:
        """Return the message."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.close:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1") + _END_OF_HEAD
        return head if self.without_body else head + self.body


Handler = Callable[[Request], Awaitable[Response]]


class HttpError(Exception):
    """The request is refused; the connection cannot go on, since where the next one begins is not certain."""

    def __init__(self, status: int, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.response = Response(status, f"{text}\n".encode(), close=True)


class RequestReader:
    """Takes pieces of a byte stream and gives whole requests."""

    def __init__(self, *, first_length_counts: bool = False) -> None:
        self._pending = b""
        self._first_length_counts = first_length_counts

    def feed(self, data: bytes) -> Iterator[Request]:
        """Take a piece; return the requests that are complete now, one after the other.

        Raises:
            HttpError: in its turn, where the stream is no longer well-formed HTTP/1.1 within the limits.
        """
        self._pending += data
        return iter(self._next, None)

    def _next(self) -> Request | None:
        end = self._pending.find(_END_OF_HEAD)
        if max(end, 0) > MAX_HEAD or (end < 0 and len(self._pending) > MAX_HEAD):
            kind = "header-flood" if self._pending.count(b"\n") > MAX_HEADERS else "endless-head"
            raise HttpError(431, f"request line and headers are longer than {MAX_HEAD} bytes", kind)
        if end < 0:
            return None
        request = _parse_head(self._pending[:end])
        length = _content_length(request, first_counts=self._first_length_counts)
        start = end + len(_END_OF_HEAD)
        if len(self._pending) < start + length:
            return None
        body, self._pending = self._pending[start : start + length], self._pending[start + length :]
        return Request(request.method, request.target, request.headers, body)


def _parse_head(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not _TOKEN.match(words[0]) or not words[1]:
        raise HttpError(400, "malformed request line")
    if words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise HttpError(505, "HTTP/1.1 only")
    if len(lines) > MAX_HEADERS:
        raise HttpError(431, f"more than {MAX_HEADERS} headers", "header-flood")
    return Request(words[0], words[1], tuple(_parse_header(line) for line in lines))


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    value = value.strip(" \t")
    if not colon or not _TOKEN.match(name) or any(ord(c) < 32 and c != "\t" for c in value):
        raise HttpError(400, "malformed header")
    return name.lower(), value


def _content_length(request: Request, *, first_counts: bool) -> int:
    if request.header("transfer-encoding"):
        raise HttpError(501, "Transfer-Encoding is not taken", "endless-chunks")
    lengths = [value for name, value in request.headers if name == "content-length"]
    if first_counts:
        lengths = lengths[:1]
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,9}", value) for value in lengths):
        raise HttpError(400, "malformed Content-Length")
    length = int(lengths[0]) if lengths else 0
    if length > MAX_BODY:
        raise HttpError(413, f"the body is longer than {MAX_BODY} bytes", "endless-body")
    return length


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Serve one connection until it ends, is idle for 10 s, or sends what is not HTTP."""
    requests = RequestReader()
    try:
        while data := await asyncio.wait_for(reader.read(16_384), _IDLE):
            for request in requests.feed(data):
                writer.write((await handler(request)).to_bytes())
                await asyncio.wait_for(writer.drain(), _IDLE)
    except HttpError as error:
        writer.write(error.response.to_bytes())
    except (TimeoutError, OSError):
        pass
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)
