"""MSRP messages and URIs (RFC 4975 clauses 6, 7 and 9; RFC 4976 for AUTH): written right or wrong, read one by one.

A message keeps its header fields in order and as written. What is wrong on purpose is a field: another transaction in
the end-line, any continuation flag, no end-line at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

TLS_PROTO, TCP_PROTO = "TCP/TLS/MSRP", "TCP/MSRP"
DASHES = b"-------"
CRLF = b"\r\n"
MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message that a reader keeps at most."""

_START = re.compile(rb"MSRP ([A-Za-z0-9][A-Za-z0-9.\-+%=]{3,31}) (?:([0-9]{3})(?: ([^\r\n]*))?|([A-Z]+))\r\n")
_URI = re.compile(
    r"(?P<scheme>msrps?)://(?:(?P<user>[^@/\s]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/;\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?P<session>[^;\s]*))?;(?P<transport>[A-Za-z0-9]+)(?P<params>(?:;[^\s]*)?)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"([0-9]+)-([0-9]+|\*)/([0-9]+|\*)")


class MsrpSyntaxError(ValueError):
    """What was read is not MSRP; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class MsrpUri:
    """A URI of a path (RFC 4975 clause 6).

    Attributes:
        scheme: ``msrp``, or ``msrps`` for TLS.
        host: an IP address without brackets, or a name.
        port: 0 when none was written.
        session: the session id, ``""`` when there is none.
        transport: ``tcp``.
    """

    scheme: str
    host: str
    port: int
    session: str
    transport: str = "tcp"

    def __str__(self) -> str:
        """Write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.session};{self.transport}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one URI (``MsrpSyntaxError`` when it is none)."""
        match = _URI.fullmatch(text.strip())
        if match is None or int(match["port"] or 0) > 65535:
            raise MsrpSyntaxError(f"{text[:80]!r} is not an MSRP URI")
        return cls(
            match["scheme"].lower(),
            match["host"].strip("[]"),
            int(match["port"] or 0),
            match["session"] or "",
            match["transport"].lower(),
        )


def parse_path(text: str) -> tuple[MsrpUri, ...]:
    """Read the URIs of a path, at least one (``MsrpSyntaxError`` when one is none)."""
    uris = tuple(MsrpUri.parse(word) for word in text.split())
    if not uris:
        raise MsrpSyntaxError("an empty path")
    return uris


def parse_range(text: str) -> tuple[int, int | None, int | None]:
    """Read a Byte-Range: start, end and total, ``None`` for ``*`` (``MsrpSyntaxError`` when it is none)."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise MsrpSyntaxError(f"{text[:80]!r} is not a byte range")
    start, end, total = match.groups()
    return int(start), None if end == "*" else int(end), None if total == "*" else int(total)


@dataclass(frozen=True, slots=True)
class MsrpMessage:
    """A request or a response.

    Attributes:
        transaction: the transaction id.
        method: of a request, ``""`` in a response.
        status: of a response, 0 in a request.
        comment: of a response.
        headers: name and value, in order.
        body: the content, or ``None`` for none (an empty content has its blank line).
        flag: the continuation flag: ``$``, ``+`` or ``#``.
        end: transaction id of the end-line when it is not the message's own.
        ended: whether there is an end-line.
    """

    transaction: str
    method: str = ""
    status: int = 0
    comment: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    flag: str = "$"
    end: str = ""
    ended: bool = True

    def get(self, name: str) -> str | None:
        """The first header field of this name, in any letter case."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)

    def without(self, *names: str) -> Self:
        """The same without these header fields."""
        gone = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in gone))

    def having(self, name: str, value: str) -> Self:
        """The same with this header field in the place of the first of its name; none: it is added last."""
        found = [at for at, pair in enumerate(self.headers) if pair[0].lower() == name.lower()]
        headers = list(self.headers)
        headers[found[0] if found else len(headers) :] = [
            (name, value),
            *(headers[found[0] + 1 :] if found else ()),
        ]
        return replace(self, headers=tuple(headers))

    def to_bytes(self) -> bytes:
        """Write it."""
        start = f"{self.status:03d} {self.comment}".rstrip() if self.status else self.method
        lines = [f"MSRP {self.transaction} {start}", *(f"{name}: {value}" for name, value in self.headers)]
        head = b"".join(line.encode("utf-8", "surrogateescape") + CRLF for line in lines)
        content = b"" if self.body is None else CRLF + self.body + CRLF
        return head + content + (self.end_line() if self.ended else b"")

    def end_line(self) -> bytes:
        """The end-line alone."""
        return DASHES + (self.end or self.transaction).encode() + self.flag.encode() + CRLF


def request(
    method: str,
    transaction: str,
    to_path: str,
    from_path: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
) -> MsrpMessage:
    """A request with its two paths first, as the clause asks for (RFC 4975 clause 7.1)."""
    paths = (("To-Path", to_path), ("From-Path", from_path))
    return MsrpMessage(transaction, method, headers=(*paths, *headers), body=body)


def response(to: MsrpMessage, status: int, comment: str = "") -> MsrpMessage:
    """The response to a request: back to the previous hop for SEND, along the whole path else (clause 7.2)."""
    source = (to.get("From-Path") or "").split()
    back = source[0] if to.method == "SEND" and source else " ".join(source)
    own = next(iter((to.get("To-Path") or "").split()), "")
    return MsrpMessage(to.transaction, status=status, comment=comment, headers=(("To-Path", back), ("From-Path", own)))


@dataclass(slots=True)
class MsrpReader:
    """Makes messages out of a stream of bytes.

    Attributes:
        limit: bytes that one message may have.
        head_limit: bytes that start line and header fields may have.
        broken: why the stream cannot be read on behind the messages that were returned last, or ``""``.
        any_end: whether the end-line of any transaction ends a message (what a careless reader does).
    """

    limit: int = MAX_MESSAGE
    head_limit: int = MAX_MESSAGE
    any_end: bool = False
    waiting: bytearray = field(default_factory=bytearray)
    broken: str = ""
    _searched: int = 0

    def feed(self, data: bytes) -> list[MsrpMessage]:
        """Take bytes and return the messages that are complete now.

        Raises:
            MsrpSyntaxError: the stream cannot be read on: no start line, or a message longer than the limits. Messages
                before that point are returned first; see ``broken``.
        """
        if self.broken:
            raise MsrpSyntaxError(self.broken)
        self.waiting += data
        found: list[MsrpMessage] = []
        try:
            while (message := self._next()) is not None:
                found.append(message)
        except MsrpSyntaxError as error:
            self.broken = str(error)
            if not found:
                raise
        return found

    def _next(self) -> MsrpMessage | None:
        if not self.waiting:
            return None
        start = _START.match(self.waiting)
        if start is None:
            if b"\n" in self.waiting or len(self.waiting) > 4096:
                raise MsrpSyntaxError(f"no start line: {bytes(self.waiting[:40])!r}")
            return None
        transaction = start[1]
        head_end = self.waiting.find(CRLF + CRLF, start.end() - 2)
        end = self._end_line(transaction, start.end() - 2)
        if end is None:
            self._check_size(head_end)
            return None
        if 0 <= head_end < end.start():
            head, body = (
                bytes(self.waiting[start.end() : head_end + 2]),
                bytes(self.waiting[head_end + 4 : end.start()]),
            )
        else:
            head, body = bytes(self.waiting[start.end() : end.start() + 2]), None
        message = self._message(start, head, body, end)
        del self.waiting[: end.end()]
        self._searched = 0
        return message

    def _end_line(self, transaction: bytes, begin: int) -> re.Match[bytes] | None:
        own = rb"[A-Za-z0-9.\-+%=]{4,32}" if self.any_end else re.escape(transaction)
        pattern = re.compile(rb"\r\n-------(" + own + rb")([$+#])\r\n")
        found = pattern.search(self.waiting, max(begin, self._searched))
        if found is None:
            self._searched = max(begin, len(self.waiting) - 48)
        return found

    def _check_size(self, head_end: int) -> None:
        if len(self.waiting) > self.limit:
            raise MsrpSyntaxError(f"a message of more than {self.limit} bytes")
        if head_end < 0 and len(self.waiting) > self.head_limit:
            raise MsrpSyntaxError(f"header fields of more than {self.head_limit} bytes")

    def _message(self, start: re.Match[bytes], head: bytes, body: bytes | None, end: re.Match[bytes]) -> MsrpMessage:
        if len(head) > self.head_limit:
            raise MsrpSyntaxError(f"header fields of more than {self.head_limit} bytes")
        transaction, status, comment, method = (
            part.decode("utf-8", "replace") if part else "" for part in start.groups()
        )
        ending = end[1].decode("ascii")
        return MsrpMessage(
            transaction,
            method,
            int(status or 0),
            comment,
            tuple(_field(line) for line in head.split(CRLF) if line),
            body,
            end[2].decode("ascii"),
            "" if ending == transaction else ending,
        )


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("utf-8", "surrogateescape").partition(":")
    return name.strip(), value.strip()
