"""SCTP packets and chunks (RFC 9260 section 3), losslessly, with wrong lengths and checksums when asked."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

DATA: Final = 0
INIT: Final = 1
INIT_ACK: Final = 2
SACK: Final = 3
HEARTBEAT: Final = 4
HEARTBEAT_ACK: Final = 5
ABORT: Final = 6
SHUTDOWN: Final = 7
SHUTDOWN_ACK: Final = 8
ERROR: Final = 9
COOKIE_ECHO: Final = 10
COOKIE_ACK: Final = 11
SHUTDOWN_COMPLETE: Final = 14
RE_CONFIG: Final = 130
FORWARD_TSN: Final = 192

CHUNK_NAMES: Final = {
    DATA: "DATA",
    INIT: "INIT",
    INIT_ACK: "INIT_ACK",
    SACK: "SACK",
    HEARTBEAT: "HEARTBEAT",
    HEARTBEAT_ACK: "HEARTBEAT_ACK",
    ABORT: "ABORT",
    SHUTDOWN: "SHUTDOWN",
    SHUTDOWN_ACK: "SHUTDOWN_ACK",
    ERROR: "ERROR",
    COOKIE_ECHO: "COOKIE_ECHO",
    COOKIE_ACK: "COOKIE_ACK",
    SHUTDOWN_COMPLETE: "SHUTDOWN_COMPLETE",
    RE_CONFIG: "RE_CONFIG",
    FORWARD_TSN: "FORWARD_TSN",
}

LAST_FRAGMENT: Final = 0x01
FIRST_FRAGMENT: Final = 0x02
UNORDERED: Final = 0x04
WHOLE: Final = FIRST_FRAGMENT | LAST_FRAGMENT

_HEADER = struct.Struct("!HHL")
_HEADER_SIZE = 12
_CHUNK = struct.Struct("!BBH")
_DATA = struct.Struct("!LHHL")
_INIT = struct.Struct("!LLHHL")


class SctpSyntaxError(ValueError):
    """The bytes are not an SCTP packet."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for start in range(256):
        value = start
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC32C = _crc_table()


def crc32c(data: bytes) -> int:
    """Return the CRC32c of ``data`` (RFC 9260 appendix A)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk.

    Attributes:
        kind: the chunk type.
        value: the contents, without padding.
        flags: 8 bits.
        length: what the header declares when that is not the real length (header and value).
        padding: the bytes that fill up to 4; ``None`` for the right number of zeroes.
    """

    kind: int
    value: bytes = b""
    flags: int = 0
    length: int | None = None
    padding: bytes | None = None

    @property
    def name(self) -> str:
        """The RFC's name of the type, or its number."""
        return CHUNK_NAMES.get(self.kind, str(self.kind))

    def to_bytes(self) -> bytes:
        """Return header, value and padding."""
        declared = _CHUNK.size + len(self.value) if self.length is None else self.length
        padding = bytes(-len(self.value) % 4) if self.padding is None else self.padding
        return _CHUNK.pack(self.kind, self.flags, declared) + self.value + padding


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: common header and chunks.

    Attributes:
        source_port: SCTP port of the sender (host order here, network order on the wire).
        target_port: SCTP port of the receiver.
        tag: the verification tag.
        chunks: in order.
        checksum: the CRC32c as a number, when it is to be a wrong one; ``None`` computes it.
        trailing: bytes behind the last chunk that are not a chunk.
    """

    source_port: int
    target_port: int
    tag: int
    chunks: tuple[Chunk, ...] = ()
    checksum: int | None = None
    trailing: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """Parse a packet; ``to_bytes`` of the result is ``data`` again, a wrong checksum included.

        A chunk that declares less than its header, or more than there is, keeps its declared ``length`` and takes
        all that is left.

        Raises:
            SctpSyntaxError: shorter than the common header.
        """
        if len(data) < _HEADER_SIZE:
            raise SctpSyntaxError(f"an SCTP header has {_HEADER_SIZE} bytes, this packet has {len(data)}")
        source, target, tag = _HEADER.unpack_from(data)
        checksum = int.from_bytes(data[8:12], "little")
        chunks: list[Chunk] = []
        position = _HEADER_SIZE
        while len(data) - position >= _CHUNK.size:
            kind, flags, declared = _CHUNK.unpack_from(data, position)
            if declared < _CHUNK.size or position + declared > len(data):
                chunks.append(Chunk(kind, data[position + _CHUNK.size :], flags, declared, b""))
                position = len(data)
                break
            end = position + declared
            padding = data[end : end + -declared % 4]
            regular = padding == bytes(-declared % 4)
            chunks.append(
                Chunk(kind, data[position + _CHUNK.size : end], flags, None, None if regular else padding),
            )
            position = end + len(padding)
        right = checksum == crc32c(data[:8] + bytes(4) + data[12:])
        return cls(source, target, tag, tuple(chunks), None if right else checksum, data[position:])

    @property
    def checksum_right(self) -> bool:
        """Whether the packet carries the checksum that its contents ask for."""
        return self.checksum is None

    def to_bytes(self) -> bytes:
        """Return the packet."""
        head = _HEADER.pack(self.source_port, self.target_port, self.tag)
        tail = b"".join(chunk.to_bytes() for chunk in self.chunks) + self.trailing
        checksum = crc32c(head + bytes(4) + tail) if self.checksum is None else self.checksum
        return head + checksum.to_bytes(4, "little") + tail


@dataclass(frozen=True, slots=True)
class Data:
    """The contents of a DATA chunk (RFC 9260 section 3.3.1)."""

    tsn: int
    stream: int
    sequence: int
    ppid: int
    payload: bytes
    flags: int = WHOLE

    @classmethod
    def parse(cls, chunk: Chunk) -> Data:
        """Read a DATA chunk (``SctpSyntaxError`` when it is another type or cut short)."""
        if chunk.kind != DATA or len(chunk.value) < _DATA.size:
            raise SctpSyntaxError(f"{chunk.name} of {len(chunk.value)} bytes is not a DATA chunk")
        tsn, stream, sequence, ppid = _DATA.unpack_from(chunk.value)
        return cls(tsn, stream, sequence, ppid, chunk.value[_DATA.size :], chunk.flags)

    def chunk(self) -> Chunk:
        """Return the chunk."""
        return Chunk(DATA, _DATA.pack(self.tsn, self.stream, self.sequence, self.ppid) + self.payload, self.flags)


def init_chunk(
    tag: int, tsn: int, *, window: int = 1 << 17, outbound: int = 65535, inbound: int = 65535, params: bytes = b""
) -> Chunk:
    """Return an INIT (RFC 9260 section 3.3.2); ``window`` in bytes, ``params`` as they stand on the wire."""
    return Chunk(INIT, _INIT.pack(tag, window, outbound, inbound, tsn) + params)
