"""Streams in the wrong state or of the wrong number: RFC 9113 section 5.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.http2cases.model import CLOSED, PROTOCOL, REFUSED, Case
from imsproof.codec import http2
from imsproof.codec.http2 import Flag, Setting, Type

if TYPE_CHECKING:
    from imsproof.actors.http2script import Script, Steps


def _half_closed(s: Script, then: bytes) -> Steps:
    """A request that is complete, then the offence on its stream."""
    return [s.request() + then]


def _beyond_the_limit(s: Script) -> Steps:
    """Open streams without ending them, one more than the lab allows; then end the one that is too many."""
    most = min(s.peer.get(Setting.MAX_CONCURRENT_STREAMS, 0), 1_000)
    if not most:
        return [http2.ping()]
    opened = b"".join(s.headers(2 * number + 1) for number in range(most))
    beyond = 2 * most + 1
    return [opened, s.headers(beyond), s.data(beyond), -beyond]


STATES = (
    Case(
        name="DATA after the end of the request",
        clause="5.1",
        send=lambda s: _half_closed(s, s.data()),
        stream=CLOSED,
        legit=(1,),
    ),
    Case(
        name="HEADERS after the end of the request",
        clause="5.1",
        send=lambda s: _half_closed(s, s.headers(end=True)),
        stream=CLOSED,
        legit=(1,),
    ),
    Case(
        name="CONTINUATION after the end of the request",
        clause="5.1",
        send=lambda s: _half_closed(s, http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, s.block())),
        connection=(*PROTOCOL, "STREAM_CLOSED"),
        legit=(1,),
    ),
    Case(
        name="DATA after RST_STREAM",
        clause="5.1",
        send=lambda s: [s.headers(), http2.reset(1), s.data()],
        effect="response",
        stream=CLOSED,
        free=True,
        watch=(),
        late=True,
    ),
    Case(
        name="HEADERS after RST_STREAM",
        clause="5.1",
        send=lambda s: [s.headers(), http2.reset(1), s.request()],
        effect="response",
        stream=CLOSED,
        free=True,
        watch=(),
        late=True,
    ),
    Case(
        name="DATA on a stream that is done",
        clause="5.1",
        send=lambda s: [s.request(), 1, s.data()],
        stream=CLOSED,
        free=True,
        legit=(1,),
    ),
    Case(
        name="HEADERS on a stream that is done",
        clause="5.1",
        send=lambda s: [s.request(), 1, s.headers(end=True)],
        stream=CLOSED,
        free=True,
        legit=(1,),
    ),
    Case(
        name="CONTINUATION on a stream that is done",
        clause="5.1",
        send=lambda s: [s.request(), 1, http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, s.block())],
        connection=(*PROTOCOL, "STREAM_CLOSED"),
        legit=(1,),
    ),
    Case(
        name="HEADERS on a stream with an even number",
        clause="5.1.1",
        send=lambda s: [s.request(2)],
        effect="response",
        connection=PROTOCOL,
        watch=(2,),
    ),
    Case(
        name="HEADERS on a stream below one that was used",
        clause="5.1.1",
        send=lambda s: [s.request(5), 5, s.request(3)],
        effect="response",
        connection=(*PROTOCOL, "STREAM_CLOSED"),
        legit=(5,),
        watch=(3,),
    ),
    Case(
        name="one stream more than the lab allows at once",
        clause="5.1.2",
        send=_beyond_the_limit,
        effect="response",
        stream=REFUSED,
        free=True,
        watch=(),
        late=True,
    ),
    Case(
        name="trailers that do not end the stream",
        clause="8.1",
        send=lambda s: [s.headers(), s.data(end=False), s.headers(1, http2.literal(b"x-trailer", b"1"))],
        effect="response",
        stream=PROTOCOL,
        late=True,
    ),
    Case(
        name="trailers that are followed by more of the body",
        clause="8.1",
        send=lambda s: [s.headers(), s.headers(1, http2.literal(b"x-trailer", b"1"), end=True), s.data()],
        stream=CLOSED,
    ),
    Case(
        name="a pseudo-header field in trailers",
        clause="8.1",
        send=lambda s: [s.headers(), s.data(end=False), s.headers(1, http2.literal(b":method", b"DELETE"), end=True)],
        effect="response",
        stream=PROTOCOL,
        late=True,
    ),
)
