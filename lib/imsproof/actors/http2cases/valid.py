"""What RFC 9113 and RFC 7541 allow a client: strictness against offences must not be bought with service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from imsproof.actors.http2cases.model import Case
from imsproof.actors.http2script import TABLE
from imsproof.codec import http2
from imsproof.codec.http2 import INCREMENTAL, NEVER_INDEXED, WITHOUT_INDEXING, Flag, Setting, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.http2script import Script, Steps

USER_AGENT = 58
"""Index of the name user-agent in the static table (RFC 7541 appendix A)."""
GET, SCHEME_HTTPS = 2, 7


def _case(name: str, clause: str, send: Callable[[Script], Steps], watch: tuple[int, ...] = (1,)) -> Case:
    return Case(name=name, clause=clause, send=send, effect="response", watch=watch)


def _before(name: str, clause: str, data: bytes) -> Case:
    """Something allowed, then a request."""
    return _case(name, clause, lambda s: [data, s.request()])


def _between(name: str, clause: str, data: bytes) -> Case:
    """Something allowed between the header block and the end of a request."""
    return _case(name, clause, lambda s: [s.headers(), data, s.data()])


def _after(name: str, clause: str, data: bytes) -> Case:
    """Something allowed after the end of a request, on its stream."""
    return _case(name, clause, lambda s: [s.request() + data])


def _packed(name: str, section: str, extra: bytes, *, before: bool = False) -> Case:
    """A request whose block has one more representation."""
    return _case(
        name,
        f"RFC 7541 {section}",
        lambda s: [s.request(1, s.start() + extra + s.block() if before else s.block() + extra)],
    )


def _coded(name: str, how: tuple[int, int], *, huffman: bool) -> Case:
    """A request all of whose fields are literals of one kind."""
    one = partial(http2.literal, how=how, huffman=huffman)
    return _case(
        name,
        "RFC 7541 6.2",
        lambda s: [s.request(1, s.start() + b"".join(one(field, value) for field, value in s.fields))],
    )


def _padded_headers(s: Script) -> Steps:
    payload = b"\x08" + s.block() + bytes(8)
    return [s.headers(1, payload, flags=Flag.PADDED), s.data()]


def _padded_data(s: Script) -> Steps:
    """The body with padding; nothing where the request has none, for padding around nothing is another case."""
    if not s.body:
        return []
    return [s.headers(), http2.frame(Type.DATA, Flag.PADDED | Flag.END_STREAM, 1, b"\x08" + s.body + bytes(8))]


def _nothing_padded(s: Script) -> Steps:
    padding = http2.frame(Type.DATA, Flag.PADDED | Flag.END_STREAM, 1, b"\x04" + bytes(4))
    return [s.headers(), *([s.data(end=False)] if s.body else []), padding]


def _with_priority(s: Script) -> Steps:
    return [s.headers(1, http2.priority_fields(0, 200, exclusive=True) + s.block(), flags=Flag.PRIORITY), s.data()]


def _single_octets(s: Script) -> Steps:
    """At most fifty DATA frames, so that it does not look like a flood."""
    size = max(1, len(s.body) // 50 + 1)
    pieces = [s.body[at : at + size] for at in range(0, len(s.body), size)]
    return [s.headers(), *(s.data(1, piece, end=False) for piece in pieces), s.data(1, b"")]


def _blocks(s: Script, count: int) -> Steps:
    block = s.block()
    size = len(block) // count + 1
    pieces = [block[at : at + size] for at in range(0, len(block), size)]
    last = len(pieces) - 1
    frames = [
        http2.frame(Type.CONTINUATION if number else Type.HEADERS, Flag.END_HEADERS if number == last else 0, 1, piece)
        for number, piece in enumerate(pieces)
    ]
    return [b"".join(frames), s.data()]


def _trailers(s: Script) -> Steps:
    return [s.headers(), s.data(end=False), s.headers(1, http2.literal(b"x-trailer", b"1"), end=True)]


def _from_the_table(s: Script) -> Steps:
    """A second request that refers to what the first put into the dynamic table; nothing where the lab has none."""
    if s.table < TABLE:
        return []
    first = s.block() + http2.literal(b"x-kept", b"1", how=INCREMENTAL)
    return [s.request(1, first), 1, s.request(3, s.block() + http2.indexed(62))]


def _smaller_table(s: Script) -> Steps:
    if s.table < TABLE:
        return []
    return [s.request(1, http2.table_size(0) + http2.table_size(100) + s.block())]


def _by_octets(s: Script) -> Steps:
    whole = s.request()
    return [*(bytes([octet]) for octet in whole[:60]), whole[60:]]


def _at_once(s: Script) -> Steps:
    return [s.request(1) + s.request(3) + s.request(5)] if s.streams >= 3 else []


def _one_of_two(s: Script) -> Steps:
    return [s.headers(1), s.request(3), http2.reset(1)] if s.streams >= 2 else []


VALID = (
    _case("a request", "8.1", lambda s: [s.request()]),
    _case(
        "a request in pieces of one octet",
        "4.1",
        _by_octets,
    ),
    _case(
        "three requests one after the other",
        "5.1",
        lambda s: [s.request(1), 1, s.request(3), 3, s.request(5)],
        (1, 3, 5),
    ),
    _case("three requests at once", "5.1.2", _at_once, (1, 3, 5)),
    _case("stream numbers with gaps", "5.1.1", lambda s: [s.request(7)], (7,)),
    _case("a high stream number", "5.1.1", lambda s: [s.request(0x7FFF_FFFD)], (0x7FFF_FFFD,)),
    _before("an unknown frame on stream 0", "4.1", http2.frame(0xB0, 0, 0, b"extension")),
    _before("an unknown frame with all flags", "5.5", http2.frame(0xB1, 0xFF, 0, b"extension")),
    _between("an unknown frame on an open stream", "5.5", http2.frame(0xB0, 0, 1, b"extension")),
    _before("PING with flags that have no meaning", "4.1", http2.frame(Type.PING, 0xFE, 0, bytes(8))),
    _before("PING with the reserved bit", "4.1", http2.frame(Type.PING, 0, 0x8000_0000, bytes(8))),
    _before("several PINGs", "6.7", http2.ping(b"12345678") * 3),
    _before("an empty SETTINGS", "6.5", http2.settings()),
    _before("SETTINGS with a parameter that is not known", "6.5.2", http2.settings([(0xF001, 1)])),
    Case(  # Go's server takes it for an attack
        name="SETTINGS with the same parameter several times",
        clause="6.5.3",
        send=lambda s: [http2.settings([(4, 1), (4, 100_000), (4, 65_535)]), s.request()],
        effect="response",
        free=True,
    ),
    _before("SETTINGS with a larger frame size", "6.5.2", http2.settings([(Setting.MAX_FRAME_SIZE, 32_768)])),
    _before("SETTINGS with a table size of 0", "6.5.2", http2.settings([(Setting.HEADER_TABLE_SIZE, 0)])),
    _before("WINDOW_UPDATE on stream 0", "6.9", http2.window_update(0, 100)),
    _between("WINDOW_UPDATE on an open stream", "6.9", http2.window_update(1, 100)),
    _after("WINDOW_UPDATE on a half-closed stream", "5.1", http2.window_update(1, 100)),
    _before("PRIORITY on an idle stream", "6.3", http2.priority(1, 0, 0)),
    _before("PRIORITY with weight 256", "6.3", http2.priority(3, 0, 255)),
    _between("PRIORITY on an open stream", "6.3", http2.priority(1, 0, 16)),
    _between("PRIORITY that depends on an idle stream", "6.3", http2.priority(1, 9, 16)),
    _between("PRIORITY that is exclusive", "6.3", http2.priority(1, 0, 16, exclusive=True)),
    _after("PRIORITY on a half-closed stream", "5.1", http2.priority(1)),
    _case("PRIORITY on a closed stream", "5.1", lambda s: [s.request(), 1, http2.priority(1), s.request(3)], (1, 3)),
    _case("RST_STREAM on one of two streams", "6.4", _one_of_two, (3,)),
    Case(  # Apache 2.4 ends the connection where it had answered before
        name="RST_STREAM on a stream that was reset",
        clause="5.1",
        send=lambda s: [s.headers(1), http2.reset(1), http2.reset(1), s.request(3)],
        effect="response",
        watch=(3,),
        free=True,
    ),
    _case("HEADERS with padding", "6.2", _padded_headers),
    _case("HEADERS with a priority", "6.2", _with_priority),
    _case("DATA with padding", "6.1", _padded_data),
    Case(  # HAProxy 2.6 takes it for an error
        name="DATA that is padding only", clause="6.1", send=_nothing_padded, effect="response", free=True
    ),
    _case("DATA in many frames", "6.1", _single_octets),
    _case("an empty DATA frame at the end", "6.1", lambda s: [s.headers(), s.data(end=False), s.data(1, b"")]),
    _case("a CONTINUATION", "6.10", lambda s: _blocks(s, 2)),
    _case("several CONTINUATION frames", "6.10", lambda s: _blocks(s, 5)),
    Case(name="trailers", clause="8.1", send=_trailers, effect="response", free=True),
    _packed("an indexed field", "6.1", http2.indexed(16)),
    _packed(
        "a literal with an indexed name, added to the table",
        "6.2.1",
        http2.literal(b"", b"1", how=INCREMENTAL, index=USER_AGENT),
    ),
    _packed(
        "a literal with an indexed name, not added",
        "6.2.2",
        http2.literal(b"", b"1", how=WITHOUT_INDEXING, index=USER_AGENT),
    ),
    _packed(
        "a literal with an indexed name, never to be added",
        "6.2.3",
        http2.literal(b"", b"1", how=NEVER_INDEXED, index=USER_AGENT),
    ),
    _coded("literals added to the table", INCREMENTAL, huffman=False),
    _coded("literals added to the table, in Huffman code", INCREMENTAL, huffman=True),
    _coded("literals in Huffman code", WITHOUT_INDEXING, huffman=True),
    _coded("literals never to be added", NEVER_INDEXED, huffman=False),
    _coded("literals never to be added, in Huffman code", NEVER_INDEXED, huffman=True),
    _case("a field from the dynamic table", "RFC 7541 2.3.2", _from_the_table, (1, 3)),
    _packed("a table size update", "6.3", http2.table_size(0), before=True),
    _case("several table size updates", "RFC 7541 6.3", _smaller_table),
    _packed("a value of 4000 octets", "5.2", http2.literal(b"x-long", b"a" * 4_000)),
    _case("te: trailers", "8.2.2", lambda s: [s.request(1, s.block((b"te", b"trailers")))]),
    _case("a cookie in pieces", "8.2.3", lambda s: [s.request(1, s.block((b"cookie", b"a=1"), (b"cookie", b"b=2")))]),
)
