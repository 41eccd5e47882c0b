"""Frames of the wrong length, on the wrong stream, or with the wrong content: RFC 9113 sections 3.4, 4 and 6."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from imsproof.actors.http2cases.model import FLOW, FRAME_SIZE, PROTOCOL, Case
from imsproof.codec import http2
from imsproof.codec.http2 import PREFACE, Flag, Setting, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.http2script import Script, Steps

LONGEST = 0xFF_FFFF
"""The largest frame size that can be announced; nothing is longer."""
MOST = 0x7FFF_FFFF


def _open(s: Script, *then: bytes) -> Steps:
    """A request whose body is still to come, then the offence, then the body."""
    return [s.headers(), *then, s.data()]


def _longer(s: Script, steps: Callable[[int], Steps]) -> Steps:
    """Steps for a payload that is one octet too long; none where the lab takes frames of any length there is."""
    return steps(s.max_frame + 1) if s.max_frame < LONGEST else []


PREFACES = (
    Case(
        name="a preface that is another text",
        clause="3.4",
        send=lambda s: [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + http2.settings(), s.request()],
        effect="response",
        connection=PROTOCOL,
        greet=False,
    ),
    Case(
        name="a request in HTTP/1.1 on a connection for HTTP/2",
        clause="3.4",
        send=lambda _: [b"GET / HTTP/1.1\r\nHost: sbi\r\n\r\n"],
        effect="response",
        connection=PROTOCOL,
        greet=False,
        fence=False,
    ),
    Case(
        name="frames without a preface",
        clause="3.4",
        send=lambda s: [http2.settings(), s.request()],
        effect="response",
        connection=PROTOCOL,
        greet=False,
    ),
    Case(
        name="a request where SETTINGS must come first",
        clause="3.4",
        send=lambda s: [PREFACE, s.request()],
        connection=PROTOCOL,
        greet=False,
    ),
)

SIZES = (
    Case(
        name="DATA beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(
            s,
            lambda size: [
                s.headers(),
                http2.frame(
                    Type.DATA,
                    Flag.END_STREAM,
                    1,
                    s.body + b" " * (size - len(s.body)),
                ),
            ],
        ),
        effect="response",
        stream=FRAME_SIZE,
    ),
    Case(
        name="HEADERS beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(s, lambda size: [s.request(1, s.block((b"x-long", b"a" * size)))]),
        effect="response",
        connection=FRAME_SIZE,
    ),
    Case(
        name="CONTINUATION beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(
            s,
            lambda size: [
                http2.frame(Type.HEADERS, 0, 1, s.block()),
                http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-long", b"a" * size)),
                s.data(),
            ],
        ),
        connection=FRAME_SIZE,
    ),
    Case(
        name="SETTINGS beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(s, lambda size: [http2.settings([(0xF000, 1)] * (size // 6 + 1))]),
        effect="settings",
        connection=(*FRAME_SIZE, "ENHANCE_YOUR_CALM"),
        watch=(),
    ),
    Case(
        name="an unknown frame beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(s, lambda size: [http2.frame(0xB0, 0, 0, bytes(size))]),
        connection=FRAME_SIZE,
        watch=(),
    ),
)

DATA = (
    Case(
        name="DATA on stream 0",
        clause="6.1",
        send=lambda s: [s.headers(), s.data(0)],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="DATA with more padding than payload",
        clause="6.1",
        send=lambda s: [
            s.headers(),
            http2.frame(Type.DATA, Flag.PADDED, 1, bytes([21])),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="padded DATA without the octet that says how much",
        clause="6.1",
        send=lambda s: [s.headers(), http2.frame(Type.DATA, Flag.PADDED, 1, b""), s.data()],
        effect="response",
        connection=FRAME_SIZE,
    ),
    Case(
        name="DATA on an idle stream",
        clause="6.1",
        send=lambda s: [s.data(1, end=False), s.request()],
        connection=(*PROTOCOL, "STREAM_CLOSED"),
    ),
    Case(
        name="DATA on an idle stream beside an open one",
        clause="5.1",
        send=lambda s: [s.headers(), s.data(3)],
        effect="response",
        connection=(*PROTOCOL, "STREAM_CLOSED"),
    ),
)

HEADERS = (
    Case(
        name="HEADERS on stream 0",
        clause="6.2",
        send=lambda s: [s.request(0)],
        effect="response",
        connection=PROTOCOL,
        watch=(0,),
    ),
    Case(
        name="HEADERS with more padding than payload",
        clause="6.2",
        send=lambda s: [
            http2.frame(Type.HEADERS, Flag.PADDED, 1, bytes([60]) + s.block()[:50]),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, s.block()[50:]),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="HEADERS with a priority that is cut off",
        clause="6.2",
        send=lambda _: [http2.frame(Type.HEADERS, Flag.PRIORITY | Flag.END_HEADERS, 1, b"\x00\x00\x00")],
        effect="response",
        connection=(*FRAME_SIZE, "COMPRESSION_ERROR"),
    ),
    Case(
        name="HEADERS that are empty",
        clause="8.3.1",
        send=lambda _: [http2.frame(Type.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, b"")],
        effect="response",
        stream=PROTOCOL,
    ),
)

PRIORITY = (
    Case(
        name="PRIORITY on stream 0",
        clause="6.3",
        send=lambda _: [http2.priority(0)],
        connection=PROTOCOL,
        watch=(),
    ),
    Case(
        name="PRIORITY of 4 octets",
        clause="6.3",
        send=lambda s: _open(s, http2.frame(Type.PRIORITY, 0, 1, bytes(4))),
        stream=FRAME_SIZE,
    ),
    Case(
        name="PRIORITY of 6 octets",
        clause="6.3",
        send=lambda s: _open(s, http2.frame(Type.PRIORITY, 0, 1, bytes(6))),
        stream=FRAME_SIZE,
    ),
    Case(
        name="HEADERS of a stream that depends on itself",
        clause="5.3.1",
        send=lambda s: [s.headers(1, http2.priority_fields(1) + s.block(), flags=Flag.PRIORITY), s.data()],
        stream=PROTOCOL,
        free=True,
    ),
    Case(
        name="PRIORITY of a stream that depends on itself",
        clause="5.3.1",
        send=lambda s: _open(s, http2.priority(1, 1)),
        stream=PROTOCOL,
        free=True,
    ),
    Case(
        name="RST_STREAM on stream 0",
        clause="6.4",
        send=lambda s: _open(s, http2.reset(0)),
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="RST_STREAM on an idle stream",
        clause="6.4",
        send=lambda s: _open(s, http2.reset(3)),
        connection=PROTOCOL,
    ),
    Case(
        name="RST_STREAM of 3 octets",
        clause="6.4",
        send=lambda s: _open(s, http2.frame(Type.RST_STREAM, 0, 1, bytes(3))),
        effect="response",
        connection=FRAME_SIZE,
    ),
    Case(
        name="RST_STREAM of 5 octets",
        clause="6.4",
        send=lambda s: _open(s, http2.frame(Type.RST_STREAM, 0, 1, bytes(5))),
        effect="response",
        connection=FRAME_SIZE,
    ),
)


def _setting(name: str, number: int, value: int, code: tuple[str, ...]) -> Case:
    return Case(
        name=name,
        clause="6.5.2",
        send=lambda _: [http2.settings([(number, value)])],
        effect="settings",
        connection=code,
        watch=(),
    )


SETTINGS = (
    Case(
        name="SETTINGS with ACK and a payload",
        clause="6.5",
        send=lambda _: [http2.frame(Type.SETTINGS, Flag.ACK, 0, bytes(6))],
        connection=FRAME_SIZE,
        watch=(),
    ),
    Case(
        name="SETTINGS on a stream",
        clause="6.5",
        send=lambda _: [http2.frame(Type.SETTINGS, 0, 1)],
        effect="settings",
        connection=PROTOCOL,
        watch=(),
    ),
    Case(
        name="SETTINGS of 3 octets",
        clause="6.5",
        send=lambda _: [http2.frame(Type.SETTINGS, 0, 0, bytes(3))],
        effect="settings",
        connection=FRAME_SIZE,
        watch=(),
    ),
    Case(
        name="SETTINGS of 8 octets",
        clause="6.5",
        send=lambda _: [http2.frame(Type.SETTINGS, 0, 0, struct.pack("!HIH", 3, 100, 4))],
        effect="settings",
        connection=FRAME_SIZE,
        watch=(),
    ),
    _setting("SETTINGS with ENABLE_PUSH 2", Setting.ENABLE_PUSH, 2, PROTOCOL),
    _setting("SETTINGS with ENABLE_PUSH 4294967295", Setting.ENABLE_PUSH, 0xFFFF_FFFF, PROTOCOL),
    _setting("SETTINGS with a window of 2147483648", Setting.INITIAL_WINDOW_SIZE, MOST + 1, FLOW),
    _setting("SETTINGS with a window of 4294967295", Setting.INITIAL_WINDOW_SIZE, 0xFFFF_FFFF, FLOW),
    _setting("SETTINGS with a frame size of 16383", Setting.MAX_FRAME_SIZE, 16_383, PROTOCOL),
    _setting("SETTINGS with a frame size of 0", Setting.MAX_FRAME_SIZE, 0, PROTOCOL),
    _setting("SETTINGS with a frame size of 16777216", Setting.MAX_FRAME_SIZE, 16_777_216, PROTOCOL),
)

PING = (
    Case(
        name="PING on a stream",
        clause="6.7",
        send=lambda _: [http2.ping(b"onstream", stream=1)],
        effect="ping",
        connection=PROTOCOL,
        watch=(),
    ),
    Case(
        name="PING of 6 octets",
        clause="6.7",
        send=lambda _: [http2.ping(b"6octet")],
        effect="ping",
        connection=FRAME_SIZE,
        watch=(),
    ),
    Case(
        name="PING of 9 octets",
        clause="6.7",
        send=lambda _: [http2.ping(b"9octets..")],
        effect="ping",
        connection=FRAME_SIZE,
        watch=(),
    ),
    Case(
        name="PING with ACK that nobody asked for",
        clause="6.7",
        send=lambda _: [http2.ping(b"unasked!", ack=True)],
        effect="ping",
        connection=PROTOCOL,
        free=True,
        watch=(),
    ),
    Case(
        name="GOAWAY on a stream",
        clause="6.8",
        send=lambda _: [http2.goaway(stream=1)],
        connection=PROTOCOL,
        watch=(),
    ),
    Case(
        name="GOAWAY of 4 octets",
        clause="6.8",
        send=lambda _: [http2.frame(Type.GOAWAY, 0, 0, bytes(4))],
        connection=FRAME_SIZE,
        watch=(),
    ),
    Case(
        name="PUSH_PROMISE of a client",
        clause="6.6",
        send=lambda s: [
            s.headers(),
            http2.frame(Type.PUSH_PROMISE, Flag.END_HEADERS, 1, struct.pack("!I", 2) + s.block()),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="PUSH_PROMISE of a client on an idle stream",
        clause="8.4",
        send=lambda s: [http2.frame(Type.PUSH_PROMISE, Flag.END_HEADERS, 1, struct.pack("!I", 2) + s.block())],
        effect="response",
        connection=PROTOCOL,
    ),
)

WINDOW = (
    Case(
        name="WINDOW_UPDATE of 0 on the connection",
        clause="6.9",
        send=lambda s: _open(s, http2.window_update(0, 0)),
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="WINDOW_UPDATE of 0 on a stream",
        clause="6.9",
        send=lambda s: _open(s, http2.window_update(1, 0)),
        effect="response",
        stream=PROTOCOL,
    ),
    Case(
        name="WINDOW_UPDATE of 3 octets",
        clause="6.9",
        send=lambda s: _open(s, http2.frame(Type.WINDOW_UPDATE, 0, 0, bytes(3))),
        effect="response",
        connection=FRAME_SIZE,
    ),
    Case(
        name="WINDOW_UPDATE of 5 octets on a stream",
        clause="6.9",
        send=lambda s: _open(s, http2.frame(Type.WINDOW_UPDATE, 0, 1, bytes([0, 0, 0, 1, 0]))),
        effect="response",
        connection=FRAME_SIZE,
    ),
    Case(
        name="WINDOW_UPDATE on an idle stream",
        clause="5.1",
        send=lambda s: _open(s, http2.window_update(3, 100)),
        connection=PROTOCOL,
    ),
    Case(
        name="WINDOW_UPDATE that overflows the connection's window",
        clause="6.9.1",
        send=lambda s: _open(s, http2.window_update(0, MOST), http2.window_update(0, MOST)),
        effect="response",
        connection=FLOW,
    ),
    Case(
        name="WINDOW_UPDATE that overflows a stream's window",
        clause="6.9.1",
        send=lambda s: _open(s, http2.window_update(1, MOST), http2.window_update(1, MOST)),
        effect="response",
        stream=FLOW,
    ),
    Case(
        name="SETTINGS that overflow a stream's window",
        clause="6.9.2",
        send=lambda s: _open(
            s, http2.window_update(1, MOST - 65_535), http2.settings([(Setting.INITIAL_WINDOW_SIZE, 65_536)])
        ),
        effect="response",
        connection=FLOW,
    ),
    Case(
        name="an answer while the stream's window is 0",
        clause="6.9.1",
        send=lambda s: [s.request()],
        effect="overrun",
        free=True,
        settings=((Setting.INITIAL_WINDOW_SIZE, 0),),
        limit=0,
    ),
    Case(
        name="an answer while the stream's window is 1",
        clause="6.9.1",
        send=lambda s: [s.request()],
        effect="overrun",
        free=True,
        settings=((Setting.INITIAL_WINDOW_SIZE, 1),),
        limit=1,
    ),
    Case(
        name="an answer after SETTINGS took the window below 0",
        clause="6.9.2",
        send=lambda s: [http2.settings([(Setting.INITIAL_WINDOW_SIZE, 0)]), s.request(), http2.window_update(1, 3)],
        effect="overrun",
        free=True,
        settings=((Setting.INITIAL_WINDOW_SIZE, 10),),
        limit=3,
    ),
)


def _within(name: str, between: Callable[[Script], bytes]) -> Case:
    """A frame between HEADERS and the CONTINUATION that belongs to it."""
    return Case(
        name=f"{name} within a header block",
        clause="4.3",
        send=lambda s: [
            http2.frame(Type.HEADERS, 0, 1, s.block()),
            between(s),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-more", b"1")),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    )


CONTINUATION = (
    Case(
        name="CONTINUATION that follows nothing",
        clause="6.10",
        send=lambda s: [http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, s.block())],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="CONTINUATION on stream 0",
        clause="6.10",
        send=lambda s: [
            http2.frame(Type.HEADERS, 0, 1, s.block()),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 0, http2.literal(b"x-more", b"1")),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="CONTINUATION on another stream",
        clause="6.10",
        send=lambda s: [
            http2.frame(Type.HEADERS, 0, 1, s.block()),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 3, http2.literal(b"x-more", b"1")),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="CONTINUATION after END_HEADERS",
        clause="6.10",
        send=lambda s: [
            s.headers(),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-more", b"1")),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="CONTINUATION after a CONTINUATION with END_HEADERS",
        clause="6.10",
        send=lambda s: [
            http2.frame(Type.HEADERS, 0, 1, s.block()),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-more", b"1")),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-more", b"2")),
            s.data(),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    Case(
        name="CONTINUATION after DATA",
        clause="6.10",
        send=lambda s: [
            s.headers(),
            s.data(end=False),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-more", b"1")),
            s.data(body=b""),
        ],
        effect="response",
        connection=PROTOCOL,
    ),
    _within("DATA", lambda s: s.data()),
    _within("HEADERS of another stream", lambda s: s.headers(3)),
    _within("PRIORITY", lambda _: http2.priority(1)),
    _within("PING", lambda _: http2.ping()),
    _within("SETTINGS", lambda _: http2.settings()),
    _within("an unknown frame", lambda _: http2.frame(0xB0, 0, 1, b"extension")),
)

__all__ = ["CONTINUATION", "DATA", "HEADERS", "PING", "PREFACES", "PRIORITY", "SETTINGS", "SIZES", "WINDOW"]
