"""Header blocks that cannot be decompressed, and some that should not: RFC 7541, RFC 9113 sections 4.3 and 10.5.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.http2cases.model import COMPRESSION, Case, Effect
from imsproof.codec import http2
from imsproof.codec.http2 import INCREMENTAL, Flag, Setting, Type

if TYPE_CHECKING:
    from imsproof.actors.http2script import Script, Steps

CALM = ("ENHANCE_YOUR_CALM", "PROTOCOL_ERROR", "COMPRESSION_ERROR", "INTERNAL_ERROR", "REFUSED_STREAM", "CANCEL")
ENTRY = 4_000
"""Octets of the value that a bomb refers to: just below the table's 4096 with its name and overhead."""
REFERENCES = 12_000
LEAST, UNSAID, MOST = 512 * 1024, 2 * 1024 * 1024, 8 * 1024 * 1024
"""Octets of a header list beyond all measure: at least, and where the lab announces no limit. Where it announces
more than the last of them, no list is sent that would be beyond that."""


def _broken(name: str, section: str, tail: bytes, *, claimed: bool = True) -> Case:
    """The probe's request with octets appended that are no header block."""

    def send(s: Script) -> Steps:
        return [s.request(1, s.block() + tail)]

    effect: Effect = "response" if claimed else ""
    return Case(name=name, clause=f"RFC 7541 {section}", send=send, effect=effect, connection=COMPRESSION)


def _update_beyond(s: Script) -> Steps:
    allowed = s.peer.get(Setting.HEADER_TABLE_SIZE, 4_096)
    return [s.request(1, http2.table_size(allowed + 1) + s.block())]


def _huffman(coded: bytes) -> bytes:
    """A literal field whose value is said to be Huffman coded, whatever it is."""
    return b"\x00" + http2.string(b"x-h") + http2.integer(len(coded), 7, 0x80) + coded


ERRORS = (
    _broken("an index of 0", "6.1", http2.indexed(0)),
    _broken("an index beyond the tables", "2.3.3", http2.indexed(70)),
    _broken("an index of 2147483647", "2.3.3", http2.indexed(0x7FFF_FFFF)),
    _broken("a literal whose name is beyond the tables", "2.3.3", http2.literal(b"", b"1", index=70, how=INCREMENTAL)),
    _broken("an integer that has no end", "5.1", b"\xff" + b"\xff" * 16),
    _broken("a string that is longer than the block", "5.2", b"\x00" + http2.integer(100, 7) + b"x"),
    _broken("Huffman padding of more than 7 bits", "5.2", _huffman(http2.huffman_code(b"a") + b"\xff"), claimed=False),
    _broken("Huffman padding of zeros", "5.2", _huffman(b"\x18")),
    _broken("Huffman code of EOS", "5.2", _huffman(b"\xff\xff\xff\xff")),
    _broken("a table size update at the end", "4.2", http2.table_size(0), claimed=False),
    Case(
        name="a table size update beyond SETTINGS",
        clause="RFC 7541 6.3",
        send=_update_beyond,
        effect="response",
        connection=COMPRESSION,
    ),
    _broken("a literal that is cut off", "6.2", b"\x40\x03x-"),
)


def _bomb(s: Script) -> Steps:
    """One entry for the dynamic table, then thousands of references to it: few octets, many megabytes."""
    entry = http2.literal(b"x-bomb", b"a" * ENTRY, how=INCREMENTAL)
    room = s.max_frame - len(s.block()) - len(entry) - 16
    return [s.request(1, s.block() + entry + http2.indexed(62) * min(room, REFERENCES))]


def _bomb_over_requests(s: Script) -> Steps:
    """The same, with the entry made by an earlier request that is right."""
    entry = http2.literal(b"x-bomb", b"a" * ENTRY, how=INCREMENTAL)
    first = s.request(1, s.block() + entry)
    return [first, 1, s.request(3, s.block() + http2.indexed(62) * 3_000)]


def _beyond(s: Script) -> int:
    """How large a header list must be to pass what the lab takes (RFC 9113 section 6.5.2); 0: none is to be sent."""
    announced = s.peer.get(Setting.MAX_HEADER_LIST_SIZE)
    if announced is None:
        return UNSAID
    return 0 if announced > MOST else max(LEAST, announced + announced // 4)


def _big(s: Script) -> Steps:
    """One field that is too large, over as many CONTINUATION frames as it takes."""
    return _long_block(s, http2.literal(b"x-big", b"a" * _beyond(s)))


def _many(s: Script) -> Steps:
    """Small fields, each of which counts as 32 octets more than it has (RFC 9113 6.5.2), until they are too many."""
    return _long_block(s, http2.literal(b"x", b"") * max(40_000, _beyond(s) // 33))


def _long_block(s: Script, more: bytes) -> Steps:
    if not _beyond(s):
        return []
    block = s.block() + more
    pieces = [block[at : at + 16_384] for at in range(0, len(block), 16_384)]
    return [_in_pieces(pieces, end=not s.body), *([s.data()] if s.body else [])]


def _in_pieces(pieces: list[bytes], *, end: bool) -> bytes:
    last = len(pieces) - 1
    frames = [
        http2.frame(
            Type.CONTINUATION if number else Type.HEADERS,
            (Flag.END_HEADERS if number == last else 0) | (Flag.END_STREAM if end and not number else 0),
            1,
            piece,
        )
        for number, piece in enumerate(pieces)
    ]
    return b"".join(frames)


def _endless(what: str, payload: bytes, count: int = 0) -> Case:
    """A header block that never ends; the last frame would end it, if the lab had the patience.

    Without a ``count`` there are as many frames as make it too large.
    """

    def send(s: Script) -> Steps:
        frames = count or -(-_beyond(s) // len(payload))
        if not frames:
            return []
        start = http2.frame(Type.HEADERS, 0 if s.body else Flag.END_STREAM, 1, s.block())
        more = http2.frame(Type.CONTINUATION, 0, 1, payload)
        half = frames // 2
        last = http2.frame(Type.CONTINUATION, Flag.END_HEADERS, 1, b"")
        return [start, more * half, more * (frames - half), last, *([s.data()] if s.body else [])]

    return Case(
        name=f"CONTINUATION frames, {what}",
        clause="10.5.1",
        send=send,
        effect="" if count else "response",
        connection=CALM,
        stream=CALM,
        free=True,
    )


BOMBS = (
    Case(
        name="a small block that decodes to tens of megabytes",
        clause="10.5.1",
        send=_bomb,
        effect="response",
        connection=CALM,
        stream=CALM,
        free=True,
    ),
    Case(
        name="a bomb whose entry came with an earlier request",
        clause="10.5.1",
        send=_bomb_over_requests,
        effect="response",
        connection=CALM,
        stream=CALM,
        free=True,
        legit=(1,),
        watch=(3,),
    ),
    Case(
        name="a field beyond what the lab takes",
        clause="10.5.1",
        send=_big,
        effect="response",
        connection=CALM,
        stream=CALM,
        free=True,
    ),
    Case(
        name="fields without number",
        clause="10.5.1",
        send=_many,
        effect="response",
        connection=CALM,
        stream=CALM,
        free=True,
    ),
)

ENDLESS = (
    _endless("each of 8000 octets", http2.literal(b"x-more", b"a" * 8_000)),
    _endless("a thousand and empty", b"", 1_000),
    _endless("a thousand with one small field each", http2.literal(b"x", b"1"), 1_000),
)
