"""Requests malformed in their fields (RFC 9113 sections 8.1.1, 8.2, 8.3), and what would smuggle requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.http2cases.model import PROTOCOL, Case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imsproof.actors.http2script import Script, Steps

Pair = tuple[bytes, bytes]


def _with(
    name: str,
    clause: str,
    *more: Pair,
    first: tuple[Pair, ...] = (),
    change: Mapping[bytes, bytes | None] | None = None,
    claimed: bool = True,
    free: bool = False,
) -> Case:
    """The probe's request with fields added or changed."""
    return Case(
        name=name,
        clause=clause,
        send=lambda s: [s.request(1, s.block(*more, first=first, change=change))],
        effect="response" if claimed else "",
        stream=PROTOCOL,
        free=free,
    )


def _value(s: Script, name: bytes) -> bytes:
    return next((value for known, value in s.fields if known == name), b"")


def _appended(name: str, clause: str, field: bytes, tail: bytes) -> Case:
    """The probe's request with text appended to a field that it has."""
    return Case(
        name=name,
        clause=clause,
        send=lambda s: [s.request(1, s.block(change={field: _value(s, field) + tail}))],
        effect="response",
        stream=PROTOCOL,
    )


def _into(name: str, value: bytes) -> Case:
    """Hostile text as a parameter of the content-type, which the request needs: a lab that drops the field refuses.

    Without a body there is no such field, and what became of another cannot be seen.
    """

    def send(s: Script) -> Steps:
        kind = _value(s, b"content-type")
        if kind:
            return [s.request(1, s.block(change={b"content-type": kind + b"; x=" + value}))]
        return [s.request(1, s.block((b"x-injected", value)))]

    return Case(name=name, clause="8.2.1", send=send, effect="response", stream=PROTOCOL, field=b"content-type")


def _length(name: str, *lengths: Callable[[int], int], body: Callable[[Script], Steps] | None = None) -> Case:
    """A request whose content-length is not the sum of its DATA, which come in frames of their own."""

    def send(s: Script) -> Steps:
        fields = [(b"content-length", b"%d" % length(len(s.body))) for length in lengths]
        return [s.headers(1, s.block(*fields)), *(body(s) if body else [s.data()])]

    return Case(name=name, clause="8.1.1", send=send, effect="response", stream=PROTOCOL, late=True)


PSEUDO = (
    _with("a pseudo-header field that is not known", "8.3", first=((b":test", b"test"),)),
    _with("a pseudo-header field of responses", "8.3", first=((b":status", b"200"),)),
    _with("a pseudo-header field after the others", "8.3", (b":method", b"GET")),
    _with("pseudo-header fields after a field", "8.3", first=((b"x-first", b"1"),), claimed=False),
    _with("no :method", "8.3.1", change={b":method": None}),
    _with("no :scheme", "8.3.1", change={b":scheme": None}),
    _with("no :path", "8.3.1", change={b":path": None}),
    _with("an empty :path", "8.3.1", change={b":path": b""}, claimed=False),  # the root, for some servers
    _with("two :method", "8.3.1", first=((b":method", b"GET"),)),
    _with("two :scheme", "8.3.1", first=((b":scheme", b"https"),)),
    _with("two :path", "8.3.1", first=((b":path", b"/"),)),
    _with("two :authority", "8.3.1", first=((b":authority", b"another.example"),)),
    _with("a :path without the slash", "8.3.1", change={b":path": b"nothing"}),
    _with("CONNECT with a :path", "8.5", change={b":method": b"CONNECT"}),
    Case(
        name="CONNECT to another host",
        clause="8.5",
        send=lambda s: [
            s.request(
                1,
                s.block(
                    change={b":method": b"CONNECT", b":scheme": None, b":path": None, b":authority": b"127.0.0.1:9"}
                ),
            )
        ],
        effect="tunnel",
        free=True,
    ),
)

INJECTION = (
    _with("a field name with upper-case letters", "8.2.1", (b"X-Upper", b"1")),
    _with("a field name with a space", "8.2.1", (b"x y", b"1"), claimed=False),
    _with("a field name with CR and LF", "8.2.1", (b"x: 1\r\nx-injected", b"1"), claimed=False),
    _with("a field name with a NUL", "8.2.1", (b"x\x00y", b"1"), claimed=False),
    _with("a field name with a colon", "8.2.1", (b"x:y", b"1"), claimed=False),
    _with("a field name with DEL", "8.2.1", (b"x\x7fy", b"1"), claimed=False),
    _with("a field name beyond ASCII", "8.2.1", (b"x\xe4y", b"1"), claimed=False),
    _with("an empty field name", "8.2.1", (b"", b"1"), claimed=False),
    _into("a field value with CR and LF", b"1\r\nx-second: 2"),
    _into("a field value with LF", b"1\nx-second: 2"),
    _into("a field value with CR", b"1\rx-second: 2"),
    _into("a field value with a NUL", b"1\x00 2"),
    _with("a field value that begins with a space", "8.2.1", (b"x-spaced", b" 1"), claimed=False, free=True),
    _with("a field value that ends with a tab", "8.2.1", (b"x-spaced", b"1\t"), claimed=False, free=True),
)

SMUGGLING = (
    _length("a content-length that is one too long", lambda size: size + 1),
    _length("a content-length that is far too long", lambda size: size + 1000),
    _length("a content-length that is too short", lambda _: 1, body=lambda s: [s.data(body=s.body or b"12")]),
    _length(
        "a content-length that the sum of DATA does not reach",
        lambda size: 2 * size + 1,
        body=lambda s: [s.data(end=False), s.data()],
    ),
    _length("a content-length that is negative", lambda _: -1),
    _length("two content-lengths that differ", lambda size: size, lambda size: size + 7),
    _with("transfer-encoding: chunked", "8.2.2", (b"transfer-encoding", b"chunked"), claimed=False),
    _with("connection: close", "8.2.2", (b"connection", b"close"), claimed=False),
    _with("connection that names another field", "8.2.2", (b"connection", b"authorization"), claimed=False),
    _with("keep-alive", "8.2.2", (b"keep-alive", b"timeout=5"), claimed=False),
    _with("proxy-connection", "8.2.2", (b"proxy-connection", b"keep-alive"), claimed=False),
    _with("upgrade: h2c", "8.2.2", (b"upgrade", b"h2c"), claimed=False),
    _with("te: gzip", "8.2.2", (b"te", b"gzip"), claimed=False),
    _with("te: trailers and more", "8.2.2", (b"te", b"trailers, deflate"), claimed=False),
    _appended("a :path with CR and LF", "8.3.1", b":path", b" HTTP/1.1\r\nx-injected: 1\r\nx: "),
    _appended("a :path with a NUL", "8.3.1", b":path", b"\x00"),
    _appended(
        "a :method with a space and a second request line",
        "8.3.1",
        b":method",
        b" / HTTP/1.1\r\nx-injected: 1\r\n\r\nGET",
    ),
    _appended("an :authority with CR and LF", "8.3.1", b":authority", b"\r\nx-injected: 1"),
    Case(
        name="an :authority with a user",
        clause="8.3.1",
        send=lambda s: [s.request(1, s.block(change={b":authority": b"user@" + _value(s, b":authority")}))],
        stream=PROTOCOL,
        free=True,
    ),
    _with("a host that is not the :authority", "8.3.1", (b"host", b"another.example"), claimed=False, free=True),
    _with("two hosts", "8.3.1", (b"host", b"one.example"), (b"host", b"two.example"), claimed=False, free=True),
)
