"""Data channel establishment protocol (RFC 8832 section 5), payload protocol identifiers (RFC 8831 section 8)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

PPID_DCEP: Final = 50
PPID_STRING: Final = 51
PPID_BINARY: Final = 53
PPID_STRING_EMPTY: Final = 56
PPID_BINARY_EMPTY: Final = 57

DATA_CHANNEL_ACK: Final = 2
DATA_CHANNEL_OPEN: Final = 3

RELIABLE: Final = 0x00
RELIABLE_UNORDERED: Final = 0x80
PARTIAL_REXMIT: Final = 0x01
PARTIAL_REXMIT_UNORDERED: Final = 0x81
PARTIAL_TIMED: Final = 0x02
PARTIAL_TIMED_UNORDERED: Final = 0x82

_OPEN = struct.Struct("!BBHLHH")


class DcepSyntaxError(ValueError):
    """The bytes are not a DCEP message."""


@dataclass(frozen=True, slots=True)
class Open:
    """DATA_CHANNEL_OPEN.

    ``label`` and ``protocol`` are bytes (UTF-8 when right); the two lengths are what the header declares when that
    is not the real length. ``trailing`` keeps what stands behind, so that nothing is lost.
    """

    label: bytes
    protocol: bytes = b""
    channel_type: int = RELIABLE
    priority: int = 256
    reliability: int = 0
    label_length: int | None = None
    protocol_length: int | None = None
    trailing: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the message."""
        header = _OPEN.pack(
            DATA_CHANNEL_OPEN,
            self.channel_type,
            self.priority,
            self.reliability,
            len(self.label) if self.label_length is None else self.label_length,
            len(self.protocol) if self.protocol_length is None else self.protocol_length,
        )
        return header + self.label + self.protocol + self.trailing


@dataclass(frozen=True, slots=True)
class Ack:
    """DATA_CHANNEL_ACK: one byte, and whatever stands behind it."""

    trailing: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the message."""
        return bytes((DATA_CHANNEL_ACK,)) + self.trailing


def parse(data: bytes) -> Open | Ack:
    """Parse a DCEP message; ``to_bytes`` of the result is ``data`` again.

    Raises:
        DcepSyntaxError: empty, an unknown type, or an OPEN shorter than its fixed part.
    """
    if not data:
        raise DcepSyntaxError("an empty DCEP message")
    if data[0] == DATA_CHANNEL_ACK:
        return Ack(data[1:])
    if data[0] != DATA_CHANNEL_OPEN:
        raise DcepSyntaxError(f"unknown DCEP message type {data[0]}")
    if len(data) < _OPEN.size:
        raise DcepSyntaxError(f"a DATA_CHANNEL_OPEN has at least {_OPEN.size} bytes, this has {len(data)}")
    _, channel_type, priority, reliability, label_length, protocol_length = _OPEN.unpack_from(data)
    rest = data[_OPEN.size :]
    label, rest = rest[:label_length], rest[label_length:]
    protocol, trailing = rest[:protocol_length], rest[protocol_length:]
    return Open(
        label=label,
        protocol=protocol,
        channel_type=channel_type,
        priority=priority,
        reliability=reliability,
        label_length=None if len(label) == label_length else label_length,
        protocol_length=None if len(protocol) == protocol_length else protocol_length,
        trailing=trailing,
    )
