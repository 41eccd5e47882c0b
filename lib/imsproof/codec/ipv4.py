"""IPv4 packets as somebody writes them who speaks for a whole host: headers, fragments, ICMP errors (RFC 791, 792)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

HEADER = 20
ESP, ICMP, UDP = 50, 1, 17
MORE, DO_NOT = 0x2000, 0x4000
"""Flags: more fragments follow; do not fragment."""
UNREACHABLE = 3
HOST_UNREACHABLE, PROTOCOL_UNREACHABLE, PROHIBITED = 1, 2, 13
"""Why: codes of ICMP (RFC 792, RFC 1812 section 5.2.7.1)."""
UNIT = 8
"""Fragments begin at multiples of so many octets."""


def checksum(data: bytes) -> int:
    """Compute the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(ends: tuple[str, str], protocol: int, payload: bytes, *, ident: int = 0, flags: int = DO_NOT) -> bytes:
    """Write a packet; ``ends`` are source and target, ``flags`` holds the fragment's offset too (``ValueError``)."""
    addresses = IPv4Address(ends[0]).packed + IPv4Address(ends[1]).packed
    start = struct.pack("!BBHHHBBH", 0x45, 0, HEADER + len(payload), ident, flags, 64, protocol, 0)
    return start[:10] + struct.pack("!H", checksum(start + addresses)) + addresses + payload


def fragments(ends: tuple[str, str], protocol: int, payload: bytes, size: int, ident: int) -> list[bytes]:
    """Write a packet in pieces of at most ``size`` octets of payload each, in order.

    Raises:
        ValueError: ``size`` is no positive multiple of 8.
    """
    if size <= 0 or size % UNIT:
        raise ValueError(f"fragments of {size} octets: it must be a multiple of {UNIT}")
    pieces = []
    for start in range(0, len(payload), size):
        flags = (MORE if start + size < len(payload) else 0) | start // UNIT
        pieces.append(packet(ends, protocol, payload[start : start + size], ident=ident, flags=flags))
    return pieces


def unreachable(quoted: bytes, code: int) -> bytes:
    """Write the ICMP error that says that the quoted packet did not arrive."""
    message = struct.pack("!BBHHH", UNREACHABLE, code, 0, 0, 0) + quoted
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]
