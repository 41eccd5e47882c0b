"""Captures in the classic pcap form (tcpdump -w -): what crossed, by flow; and writing one of TCP segments.

Source: draft-ietf-opsawg-pcap. Link types: Ethernet, loopback, Linux cooked, raw IP. Fragments of IP are left out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Address = tuple[str, int]

LINK_RAW = 101
TCP, UDP, ESP = 6, 17, 50
PROTOCOLS = {TCP: "tcp", UDP: "udp", ESP: "esp"}
_MAGIC = 0xA1B2C3D4
_MAGIC_NANO = 0xA1B23C4D
_HEADER = 24
_RECORD = 16
_BEFORE_IP = {0: 4, 1: 14, 12: 0, LINK_RAW: 0, 113: 16, 228: 0, 229: 0, 276: 20}
"""Octets before the IP header, by link type."""
_VLAN = b"\x81\x00"
_VLAN_SIZE = 4
_EXTENSIONS = (0, 43, 60)
_MOST = 1 << 18


class PcapSyntaxError(ValueError):
    """The octets are no pcap capture."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of a conversation; ``data``: its payload in the order of the capture, at most 256 kB."""

    protocol: str
    source: Address
    target: Address
    data: bytes


def header(link: int = LINK_RAW) -> bytes:
    """The beginning of a capture."""
    return struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, 1 << 18, link)


def packet(seconds: float, data: bytes) -> bytes:
    """One packet of a capture, with when it was seen (UTC, seconds since 1970)."""
    return struct.pack("<IIII", int(seconds), int(seconds % 1 * 1e6), len(data), len(data)) + data


def tcp_segment(source: Address, target: Address, sequence: int, data: bytes) -> bytes:
    """An IPv4 packet with a TCP segment (ACK and PSH set, no checksums)."""
    tcp = struct.pack("!HHIIBBHHH", source[1], target[1], sequence % (1 << 32), 0, 5 << 4, 0x18, 65535, 0, 0)
    addresses = ip_address(source[0]).packed + ip_address(target[0]).packed
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(data), 0, 0, 64, TCP, 0) + addresses
    return ip + tcp + data


def flows(capture: bytes) -> list[Flow]:
    """The flows of a capture, in the order of their first packets; a last packet that is cut off is left out.

    Raises:
        PcapSyntaxError: it does not begin as a capture does, or its link type is not known.
    """
    found: dict[tuple[str, Address, Address], bytearray] = {}
    for one in _packets(capture):
        parsed = _parse(one)
        if parsed is not None and parsed.data:
            kept = found.setdefault((parsed.protocol, parsed.source, parsed.target), bytearray())
            kept += parsed.data[: _MOST - len(kept)]
    return [Flow(*key, bytes(data)) for key, data in found.items()]


def _packets(capture: bytes) -> Iterator[bytes]:
    """The IP packets."""
    order = next((o for o in "<>" if capture[:4] in (struct.pack(f"{o}I", m) for m in (_MAGIC, _MAGIC_NANO))), "")
    if not order or len(capture) < _HEADER:
        raise PcapSyntaxError("it does not begin as a pcap capture does (tcpdump -w -, not pcapng)")
    (link,) = struct.unpack_from(f"{order}I", capture, 20)
    before = _BEFORE_IP.get(link & 0xFFFF)
    if before is None:
        raise PcapSyntaxError(f"link type {link & 0xFFFF} is not known")
    at = _HEADER
    while at + _RECORD <= len(capture):
        (size,) = struct.unpack_from(f"{order}I", capture, at + 8)
        at += _RECORD
        if at + size > len(capture):
            return
        frame = capture[at : at + size]
        at += size
        tagged = link & 0xFFFF == 1 and frame[12:14] == _VLAN
        yield frame[before + (_VLAN_SIZE if tagged else 0) :]


def _parse(ip: bytes) -> Flow | None:
    """Read an IP packet; ``None`` for what is no whole TCP, UDP or ESP."""
    version = ip[0] >> 4 if ip else 0
    if version == 4 and len(ip) >= 20 and not int.from_bytes(ip[6:8]) & 0x3FFF:
        start, total, kind = (ip[0] & 15) * 4, int.from_bytes(ip[2:4]), ip[9]
        source, target = ip[12:16], ip[16:20]
    elif version == 6 and len(ip) >= 40:
        start, total, kind = 40, 40 + int.from_bytes(ip[4:6]), ip[6]
        source, target = ip[8:24], ip[24:40]
        while kind in _EXTENSIONS and len(ip) >= start + 8:
            kind, start = ip[start], start + 8 + ip[start + 1] * 8
    else:
        return None
    return _transport(kind, ip[start:total], str(ip_address(source)), str(ip_address(target)))


def _transport(kind: int, data: bytes, source: str, target: str) -> Flow | None:
    if kind == ESP:
        return Flow("esp", (source, 0), (target, 0), data)
    size = 8 if kind == UDP else (data[12] >> 4) * 4 if kind == TCP and len(data) >= 20 else 0
    if not size or len(data) < size:
        return None
    ports = struct.unpack_from("!HH", data)
    return Flow(PROTOCOLS[kind], (source, ports[0]), (target, ports[1]), data[size:])
