"""HTTP/1.1 over the link's TCP or TLS: one request, one bounded answer. For hooks, far ends and ALPN checks.

Source: RFC 9112. Bodies are never decompressed; a body or header beyond its bound is cut.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import HttpAnswer
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BODY = 4 * 1024 * 1024
MAX_HEAD = 64 * 1024
MAX_CHUNK_LINE = 1024
BODILESS = (204, 304)


class _Cut(Exception):  # noqa: N818 - not an error: the bound was reached
    """The answer is longer than the reader's bound."""


@dataclass(slots=True)
class _Reader:
    """Reads an answer piece by piece until a deadline."""

    stream: TcpStream | TlsStream
    deadline: float
    buffer: bytearray
    ended: bool = False

    async def more(self) -> bool:
        """Take what comes next; ``False`` at the end of the connection."""
        left = self.deadline - time.monotonic()
        data = await self.stream.receive(left) if left > 0 else None
        if data is None:
            raise TimeoutError
        self.buffer += data
        self.ended = not data
        return bool(data)

    async def line(self, bound: int) -> bytes:
        """Take one line without its end."""
        while (at := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > bound:
                raise _Cut
            if not await self.more():
                raise ConnectionFailedError(self.stream.ended or "closed in the middle of an answer")
        line = bytes(self.buffer[:at]).rstrip(b"\r")
        del self.buffer[: at + 1]
        return line

    async def exactly(self, size: int, into: bytearray) -> None:
        """Move ``size`` bytes into ``into``, at most up to the bound of a body."""
        while size > 0:
            if len(into) >= MAX_BODY:
                raise _Cut
            if not self.buffer and not await self.more():
                raise ConnectionFailedError(self.stream.ended or "closed in the middle of a body")
            piece = self.buffer[: min(size, MAX_BODY - len(into))]
            into += piece
            del self.buffer[: len(piece)]
            size -= len(piece)

    async def rest(self, into: bytearray) -> None:
        """Move everything up to the end of the connection into ``into``."""
        into += self.buffer
        self.buffer.clear()
        while await self.more():
            into += self.buffer
            self.buffer.clear()
            if len(into) > MAX_BODY:
                del into[MAX_BODY:]
                raise _Cut


async def request(
    stream: TcpStream | TlsStream,
    method: str,
    target: str,
    *,
    host: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    within: float | None = None,
) -> HttpAnswer:
    """Send a request on a quiet stream and read its answer; what goes wrong stands in the answer.

    Args:
        stream: an open connection that writes no events itself.
        method: e.g. ``GET``.
        target: path and query.
        host: the Host header.
        headers: more headers, sent as they are.
        body: the body; Content-Length is added when there is one.
        within: seconds for the whole answer; the profile's ``timers.answer`` by default.

    Raises:
        OutOfScopeError, StoppedError: the guard says no.
    """
    session = stream.session
    seconds = session.timers.answer if within is None else within
    pairs = [("Host", host), *headers, ("Connection", "close")]
    if body:
        pairs.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
    answer = HttpAnswer(record=session.record, exchange=stream.exchange)
    sent = {"method": method, "path": target, "headers": [list(pair) for pair in pairs], "stream": 0}
    _emit(stream, Kind.SENT, sent, body)
    content = bytearray()
    ended: dict[str, object] = {}
    try:
        await stream.send(head.encode("utf-8") + body)
        reader = _Reader(stream, time.monotonic() + seconds, bytearray())
        await _read_answer(reader, answer, content, method)
    except TimeoutError:
        answer.failed = f"no complete answer within {seconds:.1f} s"
    except _Cut:
        answer.truncated = True
    except ConnectionFailedError as error:
        answer.failed, ended = str(error), {"by": "lab"}
    except ValueError as error:
        answer.failed = f"the answer is not HTTP/1.1: {error}"
    answer.body = bytes(content)
    facts: dict[str, object] = {
        "status": answer.status,
        "headers": [list(pair) for pair in answer.headers],
        "stream": 0,
    }
    if answer.failed:
        facts["reason"] = answer.failed
    if answer.truncated:
        facts["truncated"] = True
    kind = Kind.RECEIVED if answer.status else Kind.TIMEOUT if "within" in answer.failed else Kind.CLOSED
    _emit(stream, kind, facts | (ended if kind is Kind.CLOSED else {}), answer.body)
    return answer


def _emit(stream: TcpStream | TlsStream, kind: Kind, facts: dict[str, object], data: bytes) -> None:
    tcp = stream.tcp if isinstance(stream, TlsStream) else stream
    stream.session.emit(
        kind,
        stream.actor,
        stream.exchange,
        transport="http",
        local=tcp.local,
        remote=tcp.remote,
        data=data,
        facts=facts,
    )


async def _read_answer(reader: _Reader, answer: HttpAnswer, content: bytearray, method: str) -> None:
    status = 100
    while 100 <= status < 200:
        status, headers = await _read_head(reader)
    answer.status, answer.headers = status, headers
    if method == "HEAD" or status in BODILESS:
        return
    if "chunked" in (answer.header("transfer-encoding") or "").lower():
        await _read_chunks(reader, content)
    elif (length := answer.header("content-length")) is not None:
        await reader.exactly(_number(length, 10), content)
    else:
        await reader.rest(content)


async def _read_head(reader: _Reader) -> tuple[int, tuple[tuple[str, str], ...]]:
    line = await reader.line(MAX_HEAD)
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError(f"it begins with {line[:40]!r}")
    status = _number(rest[:3].decode("latin-1"), 10)
    headers: list[tuple[str, str]] = []
    size = 0
    while line := await reader.line(MAX_HEAD):
        size += len(line)
        if size > MAX_HEAD:
            raise _Cut
        name, _, value = line.partition(b":")
        headers.append((name.decode("latin-1").strip().lower(), value.decode("latin-1").strip()))
    return status, tuple(headers)


async def _read_chunks(reader: _Reader, content: bytearray) -> None:
    while size := _number((await reader.line(MAX_CHUNK_LINE)).split(b";")[0].decode("latin-1"), 16):
        await reader.exactly(size, content)
        await reader.line(MAX_CHUNK_LINE)
    while await reader.line(MAX_HEAD):
        pass  # trailers


def _number(text: str, base: int) -> int:
    text = text.strip()
    if not text.isascii() or not text.isalnum():
        raise ValueError(f"{text[:20]!r} is not a number")
    return int(text, base)


async def fetch(  # noqa: PLR0913 - a request has that many sides
    session: Session,
    actor: str,
    exchange: str,
    method: str,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    options: TlsOptions | None = None,
    within: float | None = None,
    local: Address | None = None,
) -> HttpAnswer:
    """Connect, request, read and close; the host of ``url`` must be an IP address.

    Raises:
        HarnessError: the URL cannot be used.
        OutOfScopeError, StoppedError: the guard says no.
    """
    scheme, remote, target = split_url(url)
    stream: TcpStream | TlsStream
    try:
        if scheme == "https":
            stream = await TlsStream.open(
                session, actor, exchange, remote, options or TlsOptions(), local=local, quiet=True
            )
        else:
            stream = await TcpStream.open(session, actor, exchange, remote, local=local, quiet=True)
    except ConnectionFailedError as error:
        return HttpAnswer(record=session.record, exchange=exchange, failed=str(error))
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
        return await request(stream, method, target, host=host, headers=headers, body=body, within=within)
    finally:
        await stream.aclose()


def split_url(url: str) -> tuple[str, Address, str]:
    """Return (scheme, (host, port), path with query) of an http or https URL; ``HarnessError`` when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise HarnessError(f"{url!r} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HarnessError(f"{url!r} is not a URL of the form http(s)://ADDRESS:PORT/...")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, (parts.hostname, port or {"http": 80, "https": 443}[parts.scheme]), target
