"""A TCP segment as it stands inside ESP in transport mode (RFC 9293 section 3.1): ports, numbers, flags, data."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from ipaddress import ip_address

from imsproof.codec import ipv4

HEADER = 20
PROTOCOL = 6
WINDOW = 65535


class TcpError(ValueError):
    """The bytes are no TCP segment."""


class Flag(IntFlag):
    """Control bits."""

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; numbers are modulo 2^32."""

    sequence: int
    acknowledged: int
    flags: Flag
    data: bytes = b""

    @property
    def length(self) -> int:
        """What it takes of the sequence: its octets, and one each for SYN and FIN."""
        return len(self.data) + bool(self.flags & Flag.SYN) + bool(self.flags & Flag.FIN)


def build(source: tuple[str, int], target: tuple[str, int], segment: Segment) -> bytes:
    """Write a segment without options and with its checksum; addresses are textual IP and port in host order."""
    numbers = (source[1], target[1], segment.sequence, segment.acknowledged)
    start = struct.pack("!HHIIBBHHH", *numbers, (HEADER // 4) << 4, int(segment.flags), WINDOW, 0, 0)
    whole = start + segment.data
    checksum = ipv4.checksum(_pseudo(source[0], target[0], len(whole)) + whole)
    return whole[:16] + struct.pack("!H", checksum) + whole[18:]


def parse(data: bytes) -> tuple[int, int, Segment]:
    """Return source port, target port and segment; the checksum is not looked at, ESP's ICV has covered it.

    Raises:
        TcpError: it is too short, or its header is.
    """
    if len(data) < HEADER:
        raise TcpError(f"{len(data)} bytes are too few for a TCP header")
    source, target, sequence, acknowledged, offset, flags = struct.unpack("!HHIIBB", data[:14])
    size = (offset >> 4) * 4
    if not HEADER <= size <= len(data):
        raise TcpError(f"the TCP header is said to have {size} bytes, there are {len(data)}")
    return source, target, Segment(sequence, acknowledged, Flag(flags & 0x1F), data[size:])


def _pseudo(source: str, target: str, length: int) -> bytes:
    one, other = ip_address(source), ip_address(target)
    if one.version == 4:
        return one.packed + other.packed + struct.pack("!BBH", 0, PROTOCOL, length)
    return one.packed + other.packed + struct.pack("!IHBB", length, 0, 0, PROTOCOL)
