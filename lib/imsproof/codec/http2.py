"""HTTP/2 frames and header blocks, right and wrong on purpose: RFC 9113 section 4 and RFC 7541.

Encoding keeps no state: header blocks are literals that touch no dynamic table unless the caller asks for it, so that
any piece can be left out, repeated or broken without changing the meaning of the others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first (RFC 9113 section 3.4)."""
HEADER_OCTETS = 9
STREAM_MASK = 0x7FFF_FFFF


class Type(IntEnum):
    """Frame types (RFC 9113 section 6)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


_TYPES = {one.value: one.name for one in Type}


class Flag(IntEnum):
    """Frame flags (RFC 9113 section 6); END_STREAM and ACK are the same bit of different frames."""

    END_STREAM = 0x1
    ACK = 0x1
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20


class Setting(IntEnum):
    """Parameters of SETTINGS (RFC 9113 section 6.5.2)."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


ERRORS = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)
"""Names of the error codes, by number (RFC 9113 section 7)."""


def error_name(code: int) -> str:
    """Return the name of an error code, or its number in hexadecimal."""
    return ERRORS[code] if 0 <= code < len(ERRORS) else f"0x{code:x}"


def type_name(number: int) -> str:
    """Return the name of a frame type, or its number in hexadecimal."""
    return _TYPES.get(number) or f"0x{number:02x}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        type: the type's number, known or not.
        flags: all eight bits.
        stream: 31 bits; the reserved bit is dropped on parsing.
        payload: what follows the header.
    """

    type: int
    flags: int
    stream: int
    payload: bytes = b""


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", *, length: int | None = None) -> bytes:
    """Write a frame; ``length`` says something else than the payload's length, ``stream`` may hold the reserved bit."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + struct.pack("!BBI", kind, flags, stream) + payload


class FrameReader:
    """Cuts a byte stream into frames; keeps what is not whole yet."""

    def __init__(self, skip: int = 0) -> None:
        """Begin; ``skip`` octets come first that are no frame (the client's preface)."""
        self._skip = skip
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take octets and return the frames that are whole now."""
        passed = min(self._skip, len(data))
        self._skip -= passed
        self._buffer += data[passed:]
        frames: list[Frame] = []
        while len(self._buffer) >= HEADER_OCTETS:
            length = int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < HEADER_OCTETS + length:
                break
            kind, flags, stream = struct.unpack_from("!BBI", self._buffer, 3)
            payload = bytes(self._buffer[HEADER_OCTETS : HEADER_OCTETS + length])
            frames.append(Frame(kind, flags, stream & STREAM_MASK, payload))
            del self._buffer[: HEADER_OCTETS + length]
        return frames


def unpadded(one: Frame) -> bytes:
    """Return the payload of a DATA or HEADERS frame without its padding (RFC 9113 6.1)."""
    if not one.flags & Flag.PADDED or not one.payload:
        return one.payload
    return one.payload[1 : len(one.payload) - one.payload[0]]


def settings(values: Iterable[tuple[int, int]] = (), *, ack: bool = False) -> bytes:
    """Write a SETTINGS frame."""
    payload = b"".join(struct.pack("!HI", number, value) for number, value in values)
    return frame(Type.SETTINGS, Flag.ACK if ack else 0, 0, payload)


def read_settings(payload: bytes) -> dict[int, int]:
    """Read SETTINGS; what is left over at the end is dropped."""
    whole = len(payload) // 6 * 6
    return dict(struct.iter_unpack("!HI", payload[:whole]))


def ping(data: bytes = bytes(8), *, ack: bool = False, stream: int = 0) -> bytes:
    """Write a PING frame with whatever data."""
    return frame(Type.PING, Flag.ACK if ack else 0, stream, data)


def reset(stream: int, code: int = 8) -> bytes:
    """Write RST_STREAM (CANCEL by default)."""
    return frame(Type.RST_STREAM, 0, stream, struct.pack("!I", code))


def goaway(last: int = 0, code: int = 0, *, stream: int = 0) -> bytes:
    """Write GOAWAY."""
    return frame(Type.GOAWAY, 0, stream, struct.pack("!II", last, code))


def window_update(stream: int, increment: int) -> bytes:
    """Write WINDOW_UPDATE."""
    return frame(Type.WINDOW_UPDATE, 0, stream, struct.pack("!I", increment))


def priority(stream: int, depends_on: int = 0, weight: int = 15, *, exclusive: bool = False) -> bytes:
    """Write PRIORITY (deprecated by RFC 9113 section 5.3.2, still to be parsed)."""
    return frame(Type.PRIORITY, 0, stream, priority_fields(depends_on, weight, exclusive=exclusive))


def priority_fields(depends_on: int = 0, weight: int = 15, *, exclusive: bool = False) -> bytes:
    """Write the five octets of a stream dependency."""
    return struct.pack("!IB", depends_on | (0x8000_0000 if exclusive else 0), weight)


def integer(value: int, prefix: int, first: int = 0) -> bytes:
    """Write an integer with a prefix of ``prefix`` bits into the octet ``first`` (RFC 7541 section 5.1)."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    value -= most
    written = bytearray([first | most])
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def string(value: bytes, *, huffman: bool = False) -> bytes:
    """Write a string literal (RFC 7541 section 5.2)."""
    coded = huffman_code(value) if huffman else value
    return integer(len(coded), 7, 0x80 if huffman else 0) + coded


def huffman_code(value: bytes) -> bytes:
    """Return the Huffman code of a string, padded with ones (RFC 7541 section 5.2)."""
    bits, size = 0, 0
    for octet in value:
        bits = bits << REQUEST_CODES_LENGTH[octet] | REQUEST_CODES[octet]
        size += REQUEST_CODES_LENGTH[octet]
    padding = -size % 8
    return ((bits << padding) | ((1 << padding) - 1)).to_bytes((size + padding) // 8, "big")


NEVER_INDEXED, WITHOUT_INDEXING, INCREMENTAL = (0x10, 4), (0x00, 4), (0x40, 6)
"""How a literal is represented: first octet, and bits of its index (RFC 7541 section 6.2)."""


def literal(
    name: bytes, value: bytes, *, how: tuple[int, int] = WITHOUT_INDEXING, huffman: bool = False, index: int = 0
) -> bytes:
    """Write a literal field; with ``index`` the name is that of the table."""
    first, prefix = how
    return (
        integer(index, prefix, first)
        + (b"" if index else string(name, huffman=huffman))
        + string(value, huffman=huffman)
    )


def indexed(index: int) -> bytes:
    """Write an indexed field (RFC 7541 section 6.1)."""
    return integer(index, 7, 0x80)


def table_size(size: int) -> bytes:
    """Write a dynamic table size update (RFC 7541 section 6.3)."""
    return integer(size, 5, 0x20)


def block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write fields as a header block of plain literals."""
    return b"".join(literal(name, value) for name, value in fields)
