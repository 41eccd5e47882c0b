"""SIP messages as they are on the wire (RFC 3261 clauses 7 and 18.3), without loss.

A message that is parsed and written again is the same bytes, folded lines, odd spacing and wrong headers
included. Headers that are set or added are written in the plain form; any text is allowed in them, because a
tester must be able to send what is wrong.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Self, cast

from imsproof.codec.sipaddress import (
    NameAddr,
    SipSyntaxError,
    Uri,
    parse_name_addr,
    parse_params,
    parse_uri,
    split_quoted,
)
from imsproof.codec.sipauth import format_challenge, format_credentials, parse_challenge, parse_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "REASONS",
    "Header",
    "Message",
    "NameAddr",
    "SipSyntaxError",
    "StreamFramer",
    "Uri",
    "format_challenge",
    "format_credentials",
    "parse_challenge",
    "parse_credentials",
    "parse_name_addr",
    "parse_params",
    "parse_uri",
    "request",
    "response",
    "split_quoted",
]

COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""Compact forms of header names (IANA registry of SIP header fields) and the names they stand for."""

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    603: "Decline",
}

REMEMBERED, REMEMBERED_OCTETS = 64, 8192
"""How many messages up to which size stay parsed: one message is looked at in several places."""

# Their values hold commas that separate parameters, not values (RFC 3261 7.3.1 and 20.17).
NOT_LISTS = {"authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "date", "call-id"}

_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_LEADING_LINES = re.compile(rb"(?:\r?\n)*")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def _key(name: str) -> str:
    lower = name.lower()
    return COMPACT.get(lower, lower)


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> tuple[str, str]:
    """A field's name as written and its key; the same few names come again and again."""
    name = _text(raw.strip())
    return name, _key(name)


class Header:
    """One header field with the bytes that it came as.

    Attributes:
        raw: the whole field, line ends and folding included.
        name: the name as written; empty when the line holds no colon.
        key: the long name in lower case, by which fields are looked up.
    """

    __slots__ = ("_value", "key", "name", "raw")

    def __init__(self, raw: bytes) -> None:
        """Take the field's bytes as they are."""
        self.raw = raw
        name, colon, _ = raw.partition(b":")
        self.name, self.key = _name(name) if colon else ("", "")
        self._value: str | None = None

    @classmethod
    def make(cls, name: str, value: str) -> Self:
        """Write a field in the plain form, ``Name: value``."""
        return cls(_bytes(f"{name}: {value}\r\n"))

    @property
    def value(self) -> str:
        """The value, unfolded and stripped; bytes that are not UTF-8 stand as surrogate escapes."""
        if self._value is None:
            value = self.raw.partition(b":")[2] if self.name else self.raw
            self._value = _text(_FOLD.sub(b" ", value.rstrip(b"\r\n")).strip(b" \t\r\n"))
        return self._value

    def __repr__(self) -> str:
        """Show the field as name and value."""
        return f"Header({self.name!r}, {self.value!r})"


def _lines(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each logical line (folded ones as one) up to and including the blank line."""
    size = len(data)
    while start < size:
        end = data.find(b"\n", start) + 1 or size
        if data[start:end] in (b"\r\n", b"\n"):
            yield start, end
            return
        while end < size and data[end] in b" \t":
            end = data.find(b"\n", end) + 1 or size
        yield start, end
        start = end


class Message:
    """A request or a response. Use :meth:`parse`, :func:`request` or :func:`response` to get one."""

    __slots__ = ("_blank", "_body", "_lead", "_start", "_start_end", "headers")

    def __init__(self, start_line: str) -> None:
        """Make a message that has only its start line."""
        self._lead = b""
        self._start = _bytes(start_line)
        self._start_end = b"\r\n"
        self.headers: list[Header] = []
        self._blank = b"\r\n"
        self._body = b""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one datagram or one framed message; nothing is refused but the lack of a start line.

        Raises:
            SipSyntaxError: the first line is neither a request line nor a status line.
        """
        if cls is Message and len(data) <= REMEMBERED_OCTETS:
            return cast("Self", _parsed(data).copy())
        return cls._parse(data)

    @classmethod
    def _parse(cls, data: bytes) -> Self:
        lead = _LEADING_LINES.match(data)
        first = lead.end() if lead else 0
        end = data.find(b"\n", first) + 1 or len(data)
        line = data[first:end]
        bare = line.rstrip(b"\r\n")
        message = cls(_text(bare))
        message._check_start_line()
        message._lead, message._start_end, message._blank = data[:first], line[len(bare) :], b""
        for begin, stop in _lines(data, end):
            end = stop
            if data[begin:stop] in (b"\r\n", b"\n"):
                message._blank = data[begin:stop]
            else:
                message.headers.append(Header(data[begin:stop]))
        message._body = data[end:]
        return message

    def _check_start_line(self) -> None:
        words = self._start.split()
        if not words:
            raise SipSyntaxError("no start line: the message is empty")
        is_status = words[0][:4].upper() == b"SIP/" and len(words) > 1
        if not is_status and (len(words) < 3 or words[-1][:4].upper() != b"SIP/"):
            raise SipSyntaxError(f"no start line: {_text(self._start[:80])!r} is neither a request nor a response")

    def to_bytes(self) -> bytes:
        """Return the message as it is sent; the very bytes that were parsed when nothing was changed."""
        parts = [self._lead, self._start, self._start_end, *(h.raw for h in self.headers), self._blank, self._body]
        return b"".join(parts)

    def copy(self) -> Self:
        """Return a message that can be changed without changing this one."""
        other = object.__new__(type(self))
        for name in Message.__slots__:
            setattr(other, name, getattr(self, name))
        other.headers = list(self.headers)
        return other

    def __repr__(self) -> str:
        """Show the start line."""
        return f"<Message {self.start_line!r}>"

    # --- start line ---

    @property
    def start_line(self) -> str:
        """The first line without its line end."""
        return _text(self._start)

    @start_line.setter
    def start_line(self, line: str) -> None:
        self._start = _bytes(line)

    @property
    def is_request(self) -> bool:
        """Whether the start line is a request line."""
        return self._start.lstrip()[:4].upper() != b"SIP/"

    @property
    def version(self) -> str:
        """The protocol version as written, e.g. ``SIP/2.0``."""
        words = self.start_line.split()
        return words[-1] if self.is_request else words[0]

    @property
    def method(self) -> str:
        """The method of a request; for a response, that of its CSeq (empty when there is none)."""
        if self.is_request:
            return self.start_line.split(None, 1)[0]
        words = (self.get("CSeq") or "").split()
        return words[1] if len(words) > 1 else ""

    @property
    def uri(self) -> str:
        """The Request-URI as written; empty for a response."""
        if not self.is_request:
            return ""
        return self.start_line.split(None, 1)[1].rstrip().rpartition(" ")[0].strip()

    @uri.setter
    def uri(self, uri: str) -> None:
        self.start_line = f"{self.method} {uri} {self.version}"

    @property
    def status(self) -> int:
        """The status code; 0 for a request, -1 when what stands there is not a number."""
        if self.is_request:
            return 0
        word = self.start_line.split()[1]
        return int(word) if word.isascii() and word.isdigit() and len(word) < 20 else -1

    @property
    def reason(self) -> str:
        """The reason phrase; empty for a request."""
        words = self.start_line.split(None, 2)
        return words[2] if not self.is_request and len(words) > 2 else ""

    # --- headers ---

    def get(self, name: str) -> str | None:
        """Return the value of the first field of this name (compact form or not), or ``None``."""
        key = _key(name)
        return next((header.value for header in self.headers if header.key == key), None)

    def get_all(self, name: str) -> list[str]:
        """Return the value of each field of this name, one entry a field."""
        key = _key(name)
        return [header.value for header in self.headers if header.key == key]

    def values(self, name: str) -> list[str]:
        """Return the single values of a list header in order, comma-separated ones split."""
        if _key(name) in NOT_LISTS:
            return self.get_all(name)
        return [value for text in self.get_all(name) for value in split_quoted(text, ",") if value]

    def set(self, name: str, value: str) -> None:
        """Put this value in the place of the first field of the name; further ones go; none: it is added last."""
        key = _key(name)
        places = [place for place, header in enumerate(self.headers) if header.key == key]
        if not places:
            self.add(name, value)
            return
        self.headers[places[0]] = Header.make(name, value)
        for place in reversed(places[1:]):
            del self.headers[place]

    def add(self, name: str, value: str, *, first: bool = False) -> None:
        """Add a field: before all of its name (``first``; before all fields when there is none), or last of all."""
        key = _key(name)
        place = len(self.headers)
        if first:
            place = next((at for at, header in enumerate(self.headers) if header.key == key), 0)
        self.add_raw(Header.make(name, value).raw, place)

    def add_raw(self, raw: bytes, place: int | None = None) -> None:
        """Put bytes between the headers as they are (they should end with a line end)."""
        self.headers.insert(len(self.headers) if place is None else place, Header(raw))
        self._blank = self._blank or b"\r\n"

    def remove(self, name: str) -> None:
        """Remove every field of this name."""
        key = _key(name)
        self.headers = [header for header in self.headers if header.key != key]

    @property
    def body(self) -> bytes:
        """All that follows the blank line (a datagram may hold more than Content-Length says)."""
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        """Replace the body and keep Content-Length right; to lie, set Content-Length afterwards."""
        self._body = body
        self._blank = self._blank or b"\r\n"
        if body or self.get("Content-Length") is not None:
            self.set("Content-Length", str(len(body)))


@lru_cache(maxsize=REMEMBERED)
def _parsed(data: bytes) -> Message:
    return Message._parse(data)  # noqa: SLF001 - its other half


def request(method: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Message:
    """Write a request; Content-Length is appended when it is not among the headers."""
    return _compose(f"{method} {uri} SIP/2.0", headers, body)


def response(
    req: Message,
    status: int,
    reason: str | None = None,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    to_tag: str | None = None,
    record_route: bool = False,
) -> Message:
    """Write the response to a request (RFC 3261 8.2.6.2): Via, From, To, Call-ID and CSeq are copied as they are.

    Args:
        req: the request that is answered.
        status: the status code.
        reason: the reason phrase; ``None`` takes the usual one.
        headers: further fields, after the copied ones.
        body: the body; its type belongs into ``headers``.
        to_tag: added to To when that has no tag.
        record_route: whether Record-Route is copied too (RFC 3261 12.1.1).
    """
    phrase = REASONS.get(status, "Unknown") if reason is None else reason
    copied = {"via", "from", "to", "call-id", "cseq"} | ({"record-route"} if record_route else set())
    answer = Message(f"SIP/2.0 {status} {phrase}")
    for header in req.headers:
        if header.key == "to" and to_tag and not re.search(r";\s*tag\s*=", header.value, re.IGNORECASE):
            answer.add(header.name, f"{header.value};tag={to_tag}")
        elif header.key in copied:
            answer.headers.append(header)
    return _compose_rest(answer, headers, body)


def _compose(start_line: str, headers: Iterable[tuple[str, str]], body: bytes) -> Message:
    return _compose_rest(Message(start_line), headers, body)


def _compose_rest(message: Message, headers: Iterable[tuple[str, str]], body: bytes) -> Message:
    for name, value in headers:
        message.add(name, value)
    if message.get("Content-Length") is None:
        message.add("Content-Length", str(len(body)))
    message._body = body  # noqa: SLF001 - a Content-Length that the caller gave stays, right or wrong
    return message


class StreamFramer:
    """Cuts a byte stream into messages by Content-Length (RFC 3261 18.3); a missing one counts as 0.

    Attributes:
        pings: how many keep-alives (two line ends between messages, RFC 5626 3.5.1) were skipped.
    """

    def __init__(self, limit: int = 65536) -> None:
        """Set how many bytes one message may have."""
        self.limit = limit
        self.pings = 0
        self._buffer = b""

    @property
    def pending(self) -> bytes:
        """What was fed and is not yet a whole message."""
        return self._buffer

    def feed(self, data: bytes) -> list[bytes]:
        """Take more of the stream and return the messages that are now whole.

        Raises:
            SipSyntaxError: a message is over the limit, or its end cannot be known; the stream is lost.
        """
        self._buffer += data
        messages = []
        while (end := self._message_end()) is not None:
            messages.append(self._buffer[:end])
            self._buffer = self._buffer[end:]
        return messages

    def _message_end(self) -> int | None:
        while self._buffer.startswith(b"\r\n\r\n"):
            self.pings += 1
            self._buffer = self._buffer[4:]
        if self._buffer.strip(b"\r\n"):
            self._buffer = self._buffer.lstrip(b"\r\n")
        blank = re.search(rb"\r?\n\r?\n", self._buffer)
        if blank is None:
            if len(self._buffer) > self.limit:
                raise SipSyntaxError(f"no end of the headers within {self.limit} bytes")
            return None
        end = blank.end() + self._content_length(self._buffer[: blank.end()])
        if end > self.limit:
            raise SipSyntaxError(f"a message of {end} bytes is over the limit of {self.limit}")
        return end if len(self._buffer) >= end else None

    @staticmethod
    def _content_length(head: bytes) -> int:
        lengths = {header.value for header in map(Header, _logical_lines(head)) if header.key == "content-length"}
        if not lengths:
            return 0
        value = lengths.pop()
        if lengths or not (value.isascii() and value.isdigit() and len(value) < 20):
            raise SipSyntaxError(f"Content-Length {value!r}: the end of the message cannot be known")
        return int(value)


def _logical_lines(head: bytes) -> Iterator[bytes]:
    return (head[begin:end] for begin, end in _lines(head, 0))
