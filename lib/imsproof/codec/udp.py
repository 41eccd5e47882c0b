"""A UDP datagram as it stands inside ESP in transport mode (RFC 768): ports, length, checksum."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from imsproof.codec import ipv4

HEADER, IP_HEADER = 8, 20
PROTOCOL = 17


class UdpError(ValueError):
    """The bytes are no UDP datagram."""


def build(source: tuple[str, int], target: tuple[str, int], data: bytes) -> bytes:
    """Write a datagram with its checksum; addresses are textual IP and port in host order."""
    length = HEADER + len(data)
    header = struct.pack("!HHHH", source[1], target[1], length, 0)
    checksum = ipv4.checksum(_pseudo(source[0], target[0], length) + header + data) or 0xFFFF
    return struct.pack("!HHHH", source[1], target[1], length, checksum) + data


def parse(datagram: bytes) -> tuple[int, int, bytes]:
    """Return source port, target port and data; the checksum is not looked at, ESP's ICV has covered it.

    Raises:
        UdpError: it is too short, or the length does not fit.
    """
    if len(datagram) < HEADER:
        raise UdpError(f"{len(datagram)} bytes are too few for a UDP header")
    source, target, length, _ = struct.unpack("!HHHH", datagram[:HEADER])
    if not HEADER <= length <= len(datagram):
        raise UdpError(f"the UDP length is {length}, there are {len(datagram)} bytes")
    return source, target, datagram[HEADER:length]


def tunnel(source: tuple[str, int], target: tuple[str, int], data: bytes) -> bytes:
    """Write a whole IPv4 packet with a datagram in it, as ESP carries it in tunnel mode (RFC 791, RFC 3948)."""
    datagram = build(source, target, data)
    try:
        return ipv4.packet((source[0], target[0]), PROTOCOL, datagram)
    except ValueError as error:
        raise UdpError("tunnel mode is done for IPv4 only") from error


def untunnel(packet: bytes) -> tuple[int, int, bytes]:
    """Return source port, target port and data of a whole IPv4 packet (``UdpError`` when it holds no datagram)."""
    size = (packet[0] & 0x0F) * 4 if packet else 0
    if len(packet) < IP_HEADER or packet[0] >> 4 != 4 or size < IP_HEADER or packet[9] != PROTOCOL:
        raise UdpError("this is no IPv4 packet with a UDP datagram in it")
    return parse(packet[size:])


def _pseudo(source: str, target: str, length: int) -> bytes:
    one, other = ip_address(source), ip_address(target)
    if one.version == 4:
        return one.packed + other.packed + struct.pack("!BBH", 0, PROTOCOL, length)
    return one.packed + other.packed + struct.pack("!IHBB", length, 0, 0, PROTOCOL)
