"""Frames of the wrong length, on the wrong stream, or with the wrong content: RFC 9113 sections 3.4, 4 and 6."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from imsproof.actors.http2cases.model import FLOW, FRAME_SIZE, PROTOCOL, Case, Effect
from imsproof.codec import http2
from imsproof.codec.http2 import PREFACE, Flag, Setting, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.http2script import Script, Steps

    Codes = tuple[str, ...]
    Octets = bytes | Callable[[Script], bytes]

LONGEST = 0xFF_FFFF
"""The largest frame size that can be announced; nothing is longer."""
MOST = 0x7FFF_FFFF
MORE = http2.literal(b"x-more", b"1")


def _written(octets: Octets, s: Script) -> bytes:
    return octets if isinstance(octets, bytes) else octets(s)


def _within(
    name: str,
    clause: str,
    *offence: Octets,
    connection: Codes = (),
    stream: Codes = (),
    claimed: bool = True,
    free: bool = False,
    ends: bool = True,
) -> Case:
    """The header block of a request, then the offence, then (where it ``ends``) the body that is still to come."""

    def send(s: Script) -> Steps:
        return [s.headers(), *(_written(one, s) for one in offence), *([s.data()] if ends else [])]

    return Case(
        name=name,
        clause=clause,
        send=send,
        effect="response" if claimed else "",
        connection=connection,
        stream=stream,
        free=free,
        late=True,
    )


def _alone(
    name: str, clause: str, octets: bytes, connection: Codes, *, effect: Effect = "", free: bool = False
) -> Case:
    """Frames that are no request, and nothing else."""
    return Case(
        name=name,
        clause=clause,
        send=lambda _: [octets],
        effect=effect,
        connection=connection,
        free=free,
        watch=(),
    )


def _instead(
    name: str,
    clause: str,
    send: Callable[[Script], Steps],
    *,
    connection: Codes = (),
    stream: Codes = (),
    claimed: bool = True,
    watch: tuple[int, ...] = (1,),
) -> Case:
    """A request whose very frames are the offence."""
    effect: Effect = "response" if claimed else ""
    return Case(name=name, clause=clause, send=send, effect=effect, connection=connection, stream=stream, watch=watch)


def _first(name: str, send: Callable[[Script], Steps], *, claimed: bool = True, fence: bool = True) -> Case:
    """What begins a connection."""
    effect: Effect = "response" if claimed else ""
    return Case(name=name, clause="3.4", send=send, effect=effect, connection=PROTOCOL, greet=False, fence=fence)


PREFACES = (
    _first(
        "a preface that is another text",
        lambda s: [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + http2.settings(), s.request()],
    ),
    _first(
        "a request in HTTP/1.1 on a connection for HTTP/2",
        lambda _: [b"GET / HTTP/1.1\r\nHost: sbi\r\n\r\n"],
        fence=False,
    ),
    _first("frames without a preface", lambda s: [http2.settings(), s.request()]),
    _first("a request where SETTINGS must come first", lambda s: [PREFACE, s.request()], claimed=False),
)


def _longer(s: Script, steps: Callable[[int], Steps]) -> Steps:
    """Steps for a payload that is one octet too long; none where the lab takes frames of any length there is."""
    return steps(s.max_frame + 1) if s.max_frame < LONGEST else []


def _long_data(s: Script, size: int) -> Steps:
    return [s.headers(), http2.frame(Type.DATA, Flag.END_STREAM, 1, s.body + b" " * (size - len(s.body)))]


def _long_continuation(s: Script, size: int) -> Steps:
    long = http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, http2.literal(b"x-long", b"a" * size))
    return [http2.frame(Type.HEADERS, 0, 1, s.block()), long, s.data()]


SIZES = (
    Case(
        name="DATA beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(s, lambda size: _long_data(s, size)),
        effect="response",
        stream=FRAME_SIZE,
        late=True,
    ),
    _instead(
        "HEADERS beyond the largest frame size",
        "4.2",
        lambda s: _longer(s, lambda size: [s.request(1, s.block((b"x-long", b"a" * size)))]),
        connection=FRAME_SIZE,
    ),
    _instead(
        "CONTINUATION beyond the largest frame size",
        "4.2",
        lambda s: _longer(s, lambda size: _long_continuation(s, size)),
        connection=FRAME_SIZE,
        claimed=False,
    ),
    Case(
        name="SETTINGS beyond the largest frame size",
        clause="4.2",
        send=lambda s: _longer(s, lambda size: [http2.settings([(0xF000, 1)] * (size // 6 + 1))]),
        effect="settings",
        connection=(*FRAME_SIZE, "ENHANCE_YOUR_CALM"),
        watch=(),
    ),
    _instead(
        "an unknown frame beyond the largest frame size",
        "4.2",
        lambda s: _longer(s, lambda size: [http2.frame(0xB0, 0, 0, bytes(size))]),
        connection=FRAME_SIZE,
        claimed=False,
        watch=(),
    ),
)

IDLE = (*PROTOCOL, "STREAM_CLOSED")
DATA = (
    _within("DATA on stream 0", "6.1", lambda s: s.data(0), connection=PROTOCOL, ends=False),
    _within(
        "DATA with more padding than payload",
        "6.1",
        http2.frame(Type.DATA, Flag.PADDED, 1, bytes([21])),
        connection=PROTOCOL,
    ),
    _within(
        "padded DATA without the octet that says how much",
        "6.1",
        http2.frame(Type.DATA, Flag.PADDED, 1, b""),
        connection=FRAME_SIZE,
    ),
    _instead(
        "DATA on an idle stream",
        "6.1",
        lambda s: [s.data(1, end=False), s.request()],
        connection=IDLE,
        claimed=False,
    ),
    _within("DATA on an idle stream beside an open one", "5.1", lambda s: s.data(3), connection=IDLE, ends=False),
)

HEADERS = (
    _instead("HEADERS on stream 0", "6.2", lambda s: [s.request(0)], connection=PROTOCOL, watch=(0,)),
    _instead(
        "HEADERS with more padding than payload",
        "6.2",
        lambda s: [
            http2.frame(Type.HEADERS, Flag.PADDED, 1, bytes([60]) + s.block()[:50]),
            http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, s.block()[50:]),
            s.data(),
        ],
        connection=PROTOCOL,
        stream=PROTOCOL,
    ),
    _instead(
        "HEADERS with a priority that is cut off",
        "6.2",
        lambda _: [http2.frame(Type.HEADERS, Flag.PRIORITY | Flag.END_HEADERS, 1, b"\x00\x00\x00")],
        connection=(*FRAME_SIZE, "COMPRESSION_ERROR"),
    ),
    _instead(
        "HEADERS that are empty",
        "8.3.1",
        lambda _: [http2.frame(Type.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, b"")],
        connection=("FRAME_SIZE_ERROR",),
        stream=PROTOCOL,
    ),
)

PRIORITY = (
    _alone("PRIORITY on stream 0", "6.3", http2.priority(0), PROTOCOL),
    _within(
        "PRIORITY of 4 octets", "6.3", http2.frame(Type.PRIORITY, 0, 1, bytes(4)), stream=FRAME_SIZE, claimed=False
    ),
    _within(
        "PRIORITY of 6 octets", "6.3", http2.frame(Type.PRIORITY, 0, 1, bytes(6)), stream=FRAME_SIZE, claimed=False
    ),
    Case(
        name="HEADERS of a stream that depends on itself",
        clause="5.3.1",
        send=lambda s: [s.headers(1, http2.priority_fields(1) + s.block(), flags=Flag.PRIORITY), s.data()],
        stream=PROTOCOL,
        free=True,
    ),
    _within(
        "PRIORITY of a stream that depends on itself",
        "5.3.1",
        http2.priority(1, 1),
        stream=PROTOCOL,
        claimed=False,
        free=True,
    ),
    _within("RST_STREAM on stream 0", "6.4", http2.reset(0), connection=PROTOCOL),
    _within("RST_STREAM on an idle stream", "6.4", http2.reset(3), connection=PROTOCOL, claimed=False),
    _within("RST_STREAM of 3 octets", "6.4", http2.frame(Type.RST_STREAM, 0, 1, bytes(3)), connection=FRAME_SIZE),
    _within("RST_STREAM of 5 octets", "6.4", http2.frame(Type.RST_STREAM, 0, 1, bytes(5)), connection=FRAME_SIZE),
)


def _settings(name: str, octets: bytes, connection: Codes, *, clause: str = "6.5", claimed: bool = True) -> Case:
    """SETTINGS that may not be acknowledged (where that is claimed)."""
    return _alone(f"SETTINGS {name}", clause, octets, connection, effect="settings" if claimed else "")


def _setting(name: str, number: int, value: int, connection: Codes) -> Case:
    return _settings(f"with {name}", http2.settings([(number, value)]), connection, clause="6.5.2")


SETTINGS = (
    _settings("with ACK and a payload", http2.frame(Type.SETTINGS, Flag.ACK, 0, bytes(6)), FRAME_SIZE, claimed=False),
    _settings("on a stream", http2.frame(Type.SETTINGS, 0, 1), PROTOCOL),
    _settings("of 3 octets", http2.frame(Type.SETTINGS, 0, 0, bytes(3)), FRAME_SIZE),
    _settings("of 8 octets", http2.frame(Type.SETTINGS, 0, 0, struct.pack("!HIH", 3, 100, 4)), FRAME_SIZE),
    _setting("ENABLE_PUSH 2", Setting.ENABLE_PUSH, 2, PROTOCOL),
    _setting("ENABLE_PUSH 4294967295", Setting.ENABLE_PUSH, 0xFFFF_FFFF, PROTOCOL),
    _setting("a window of 2147483648", Setting.INITIAL_WINDOW_SIZE, MOST + 1, FLOW),
    _setting("a window of 4294967295", Setting.INITIAL_WINDOW_SIZE, 0xFFFF_FFFF, FLOW),
    _setting("a frame size of 16383", Setting.MAX_FRAME_SIZE, 16_383, PROTOCOL),
    _setting("a frame size of 0", Setting.MAX_FRAME_SIZE, 0, PROTOCOL),
    _setting("a frame size of 16777216", Setting.MAX_FRAME_SIZE, 16_777_216, PROTOCOL),
)


def _promise(s: Script) -> bytes:
    return http2.frame(Type.PUSH_PROMISE, Flag.END_HEADERS, 1, struct.pack("!I", 2) + s.block())


PING = (
    _alone("PING on a stream", "6.7", http2.ping(b"onstream", stream=1), PROTOCOL, effect="ping"),
    _alone("PING of 6 octets", "6.7", http2.ping(b"6octet"), FRAME_SIZE, effect="ping"),
    _alone("PING of 9 octets", "6.7", http2.ping(b"9octets.."), FRAME_SIZE, effect="ping"),
    _alone(
        "PING with ACK that nobody asked for",
        "6.7",
        http2.ping(b"unasked!", ack=True),
        PROTOCOL,
        effect="ping",
        free=True,
    ),
    _alone("GOAWAY on a stream", "6.8", http2.goaway(stream=1), PROTOCOL),
    _alone("GOAWAY of 4 octets", "6.8", http2.frame(Type.GOAWAY, 0, 0, bytes(4)), FRAME_SIZE),
    _within("PUSH_PROMISE of a client", "6.6", _promise, connection=PROTOCOL),
    _instead("PUSH_PROMISE of a client on an idle stream", "8.4", lambda s: [_promise(s)], connection=PROTOCOL),
)


def _update(name: str, clause: str, *octets: bytes, connection: Codes = (), stream: Codes = ()) -> Case:
    return _within(f"WINDOW_UPDATE {name}", clause, *octets, connection=connection, stream=stream)


def _bounded(name: str, clause: str, window: int, limit: int, send: Callable[[Script], Steps]) -> Case:
    """An answer that a small window holds back: no more than ``limit`` octets of DATA may come."""
    return Case(
        name=name,
        clause=clause,
        send=send,
        effect="overrun",
        free=True,
        settings=((Setting.INITIAL_WINDOW_SIZE, window),),
        limit=limit,
    )


WINDOW = (
    _update("of 0 on the connection", "6.9", http2.window_update(0, 0), connection=PROTOCOL),
    _update("of 0 on a stream", "6.9", http2.window_update(1, 0), stream=PROTOCOL),
    _update("of 3 octets", "6.9", http2.frame(Type.WINDOW_UPDATE, 0, 0, bytes(3)), connection=FRAME_SIZE),
    _update(
        "of 5 octets on a stream",
        "6.9",
        http2.frame(Type.WINDOW_UPDATE, 0, 1, bytes([0, 0, 0, 1, 0])),
        connection=FRAME_SIZE,
    ),
    _within("WINDOW_UPDATE on an idle stream", "5.1", http2.window_update(3, 100), connection=PROTOCOL, claimed=False),
    _update(
        "that overflows the connection's window",
        "6.9.1",
        http2.window_update(0, MOST),
        http2.window_update(0, MOST),
        connection=FLOW,
    ),
    _update(
        "that overflows a stream's window",
        "6.9.1",
        http2.window_update(1, MOST),
        http2.window_update(1, MOST),
        stream=FLOW,
    ),
    _within(
        "SETTINGS that overflow a stream's window",
        "6.9.2",
        http2.window_update(1, MOST - 65_535),
        http2.settings([(Setting.INITIAL_WINDOW_SIZE, 65_536)]),
        connection=FLOW,
        claimed=False,  # HAProxy and h2o serve on, and nothing comes of it
    ),
    _bounded("an answer while the stream's window is 0", "6.9.1", 0, 0, lambda s: [s.request()]),
    _bounded("an answer while the stream's window is 1", "6.9.1", 1, 1, lambda s: [s.request()]),
    _bounded(
        "an answer after SETTINGS took the window below 0",
        "6.9.2",
        10,
        3,
        lambda s: [http2.settings([(Setting.INITIAL_WINDOW_SIZE, 0)]), s.request(), http2.window_update(1, 3)],
    ),
)


def _continued(stream: int, block: bytes = MORE) -> bytes:
    """A CONTINUATION that ends a header block."""
    return http2.frame(Type.CONTINUATION, Flag.END_HEADERS, stream, block)


def _astray(name: str, send: Callable[[Script], Steps]) -> Case:
    return _instead(f"CONTINUATION {name}", "6.10", send, connection=PROTOCOL)


def _begun(s: Script) -> bytes:
    """HEADERS whose block goes on in a CONTINUATION."""
    return http2.frame(Type.HEADERS, 0, 1, s.block())


def _interrupted(name: str, between: Octets) -> Case:
    """A frame between HEADERS and the CONTINUATION that belongs to it."""
    return _instead(
        f"{name} within a header block",
        "4.3",
        lambda s: [_begun(s), _written(between, s), _continued(1), s.data()],
        connection=PROTOCOL,
    )


CONTINUATION = (
    _astray("that follows nothing", lambda s: [_continued(1, s.block())]),
    _astray("on stream 0", lambda s: [_begun(s), _continued(0), s.data()]),
    _astray("on another stream", lambda s: [_begun(s), _continued(3), s.data()]),
    _within("CONTINUATION after END_HEADERS", "6.10", _continued(1), connection=PROTOCOL),
    Case(
        name="CONTINUATION after a CONTINUATION with END_HEADERS",
        clause="6.10",
        send=lambda s: [_begun(s), _continued(1), _continued(1), s.data()],
        effect="response",
        connection=PROTOCOL,
        late=True,
    ),
    _within(
        "CONTINUATION after DATA",
        "6.10",
        lambda s: s.data(end=False) + _continued(1) + s.data(body=b""),
        connection=PROTOCOL,
        ends=False,
    ),
    _interrupted("DATA", lambda s: s.data()),
    _interrupted("HEADERS of another stream", lambda s: s.headers(3)),
    _interrupted("PRIORITY", http2.priority(1)),
    _interrupted("PING", http2.ping()),
    _interrupted("SETTINGS", http2.settings()),
    _interrupted("an unknown frame", http2.frame(0xB0, 0, 1, b"extension")),
)
