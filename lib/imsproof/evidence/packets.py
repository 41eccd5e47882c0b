"""IP, UDP and TCP headers: made up around what the link's tap kept, and read from what the kernel captured.

Sources: RFC 791, RFC 8200 (IP), RFC 768 (UDP), RFC 9293 (TCP), RFC 4303 (ESP), RFC 1071 (checksum).
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from imsproof.evidence import pcapng

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imsproof.seams import Address, TapPacket

ICMP, TCP, UDP, ESP, ICMPV6 = 1, 6, 17, 50, 58
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
SEGMENT = 16_384
"""Bytes of stream in one made-up TCP segment, at most."""
WINDOW = 65_535
FRAGMENTS = 1024
"""Fragmented packets that are kept while they are not whole."""
LONGEST = 65_507
"""Bytes of the longest UDP payload over IPv4."""


class Datagram(NamedTuple):
    """An IP packet, taken apart as far as its ports; a later fragment has ports 0 and ``offset`` above 0."""

    protocol: int
    source: Address
    target: Address
    payload: bytes
    flags: int = 0
    seq: int = 0
    offset: int = 0
    ident: int = 0


@dataclass(slots=True)
class _Direction:
    """The state of one direction of a made-up TCP connection: the next sequence number."""

    seq: int


class Fabric:
    """Wraps tap packets into IP with correct checksums; TCP connections get consistent sequence numbers."""

    def __init__(self) -> None:
        """Begin with no connection known."""
        self._next: dict[tuple[Address, Address], _Direction] = {}

    def wrap(self, taps: Iterable[TapPacket]) -> Iterator[pcapng.Packet]:
        """Yield the packets, in the order of the tap, as raw IP (link type 101)."""
        for tap in taps:
            for data in self._one(tap):
                yield pcapng.Packet(tap.utc_ns, pcapng.LINK_RAW, data)

    def _one(self, tap: TapPacket) -> Iterator[bytes]:
        if tap.protocol != "tcp" and len(tap.data) > LONGEST:
            return  # the system refused to send it, so it never crossed
        if tap.protocol == "udp":
            yield udp(tap.source, tap.target, tap.data)
        elif tap.protocol == "esp":
            yield ip(tap.source[0], tap.target[0], ESP, tap.data)
        else:
            yield from self._tcp(tap)

    def _tcp(self, tap: TapPacket) -> Iterator[bytes]:
        there, back = (tap.source, tap.target), (tap.target, tap.source)
        if tap.flags == "open":
            self._next[there], self._next[back] = _Direction(1), _Direction(1)
            yield tcp(*there, 0, 0, SYN)
            yield tcp(*back, 0, 1, SYN | ACK)
            yield tcp(*there, 1, 1, ACK)
            return
        if tap.flags == "reset" and there not in self._next:
            # The connect was refused: the SYN that was answered with this RST never reached the tap.
            yield tcp(*back, 0, 0, SYN)
            yield tcp(*there, 0, 1, RST | ACK)
            return
        ours = self._next.setdefault(there, _Direction(1))
        theirs = self._next.setdefault(back, _Direction(1))
        for at in range(0, len(tap.data), SEGMENT):
            piece = tap.data[at : at + SEGMENT]
            yield tcp(*there, ours.seq, theirs.seq, PSH | ACK, piece)
            ours.seq = (ours.seq + len(piece)) & 0xFFFFFFFF
        if tap.flags == "close":
            yield tcp(*there, ours.seq, theirs.seq, FIN | ACK)
            ours.seq = (ours.seq + 1) & 0xFFFFFFFF
            yield tcp(*back, theirs.seq, ours.seq, ACK)
        elif tap.flags == "reset":
            yield tcp(*there, ours.seq, theirs.seq, RST | ACK)
            del self._next[there], self._next[back]


def ip(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    """Return an IPv4 or IPv6 packet, by the form of the addresses (``ValueError`` when they are none)."""
    src, dst = packed(source), packed(target)
    if len(src) == 16:
        return struct.pack("!IHBB", 0x60000000, len(payload), protocol, 64) + src + dst + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + src + dst
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


def udp(source: Address, target: Address, payload: bytes) -> bytes:
    """Return a UDP datagram in IP."""
    length = 8 + len(payload)
    head = struct.pack("!HHHH", source[1], target[1], length, 0)
    total = checksum(_pseudo(source, target, UDP, length) + head + payload) or 0xFFFF
    return ip(source[0], target[0], UDP, head[:6] + total.to_bytes(2, "big") + payload)


def tcp(source: Address, target: Address, seq: int, ack: int, flags: int, payload: bytes = b"") -> bytes:
    """Return a TCP segment in IP."""
    head = struct.pack("!HHIIBBHHH", source[1], target[1], seq, ack, 0x50, flags, WINDOW, 0, 0)
    total = checksum(_pseudo(source, target, TCP, len(head) + len(payload)) + head + payload)
    return ip(source[0], target[0], TCP, head[:16] + total.to_bytes(2, "big") + head[18:] + payload)


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


def parse(link: int, data: bytes) -> Datagram | None:
    """Take a captured packet apart; ``None`` when it is not IP or is cut off before the ports.

    For an ICMP error the datagram that it quotes is returned with protocol ``ICMP`` or ``ICMPV6`` and the addresses
    of the quoted one.
    """
    try:
        found = _ip(network(link, data))
        return _transport(found) if found else None
    except (struct.error, IndexError):
        return None


class Reassembly:
    """Joins the fragments of IP packets (RFC 791, RFC 8200 4.5); what never becomes whole is forgotten."""

    def __init__(self) -> None:
        """Begin with no fragment known."""
        self._pieces: dict[tuple[str, str, int, int], dict[int, _Ip]] = {}

    def parse(self, link: int, data: bytes) -> Datagram | None:
        """Take a captured packet apart as :func:`parse` does; ``None`` for all but the fragment that completes one."""
        try:
            found = _ip(network(link, data))
            if found is None:
                return None
            whole = self._joined(found) if found.offset or found.more else found
            return _transport(whole) if whole else None
        except (struct.error, IndexError):
            return None

    def _joined(self, piece: _Ip) -> _Ip | None:
        key = (piece.source, piece.target, piece.protocol, piece.ident)
        pieces = self._pieces.setdefault(key, {})
        pieces[piece.offset * 8] = piece
        if len(self._pieces) > FRAGMENTS:
            del self._pieces[next(iter(self._pieces))]
        body = b""
        for at, each in sorted(pieces.items()):
            if at != len(body):
                return None
            body += each.body
            if not each.more:
                self._pieces.pop(key, None)
                return each._replace(body=body, offset=0, more=False)
        return None


class _Ip(NamedTuple):
    """An IP packet: what it carries, and which part of it (``offset`` in units of 8 bytes)."""

    protocol: int
    source: str
    target: str
    body: bytes
    offset: int
    more: bool
    ident: int


def network(link: int, data: bytes) -> bytes:
    """Return what stands behind the link layer, whose kind is a link type of pcapng; VLAN tags are passed over."""
    if link == pcapng.LINK_ETHERNET:
        at = 12
        while data[at : at + 2] in {b"\x81\x00", b"\x88\xa8"}:
            at += 4
        return data[at + 2 :]
    skip = {pcapng.LINK_NULL: 4, pcapng.LINK_SLL: 16, pcapng.LINK_SLL2: 20}
    return data[skip.get(link, 0) :]


def _ip(data: bytes) -> _Ip | None:
    version = data[0] >> 4
    if version == 4:
        head = (data[0] & 15) * 4
        total, ident, fragment, protocol = struct.unpack_from("!HHHxB", data, 2)
        if head < 20:
            return None
        body = data[head : total or None]  # a length of 0: segmentation offload
        more, offset = bool(fragment & 0x2000), fragment & 0x1FFF
        return _Ip(protocol, text(data[12:16]), text(data[16:20]), body, offset, more, ident)
    return _ip6(data) if version == 6 else None


def _ip6(data: bytes) -> _Ip:
    length = struct.unpack_from("!H", data, 4)[0]
    protocol, body = data[6], data[40 : 40 + length if length else None]
    offset = ident = fragment = 0
    while protocol in {0, 43, 60, 44} and not offset:
        size = 8 if protocol == 44 else (body[1] + 1) * 8
        if protocol == 44:
            fragment, ident = struct.unpack_from("!HI", body, 2)
            offset = fragment >> 3
        protocol, body = body[0], body[size:]
    return _Ip(protocol, text(data[8:24]), text(data[24:40]), body, offset, bool(fragment & 1), ident)


def _transport(packet: _Ip, *, quoted: bool = False) -> Datagram | None:
    protocol, source, target, body, offset, _, ident = packet
    if offset or protocol not in {UDP, TCP, ICMP, ICMPV6}:
        return Datagram(protocol, (source, 0), (target, 0), body, offset=offset, ident=ident)
    if protocol in {ICMP, ICMPV6}:
        error = body[0] in {3, 11, 12} if protocol == ICMP else body[0] < 128
        quote = _ip(body[8:]) if error and not quoted else None
        inner = _transport(quote, quoted=True) if quote else None
        return inner._replace(protocol=protocol, payload=b"") if inner else None
    sport, dport = struct.unpack_from("!HH", body)
    if protocol == UDP:
        length = struct.unpack_from("!H", body, 4)[0]
        return Datagram(UDP, (source, sport), (target, dport), body[8 : length or None], ident=ident)
    if quoted:
        return Datagram(TCP, (source, sport), (target, dport), b"")
    seq, flags = struct.unpack_from("!I5xB", body, 4)
    return Datagram(TCP, (source, sport), (target, dport), body[(body[12] >> 4) * 4 :], flags, seq, ident=ident)


@lru_cache(maxsize=4096)
def packed(address: str) -> bytes:
    """Return an address in network order; a zone (``fe80::1%lo``) is left out."""
    return ipaddress.ip_address(address.partition("%")[0]).packed


@lru_cache(maxsize=4096)
def text(address: bytes) -> str:
    """Return the textual form of 4 or 16 bytes (``struct.error`` when there are fewer)."""
    if len(address) not in {4, 16}:
        raise struct.error("cut off in an address")
    return str(ipaddress.ip_address(address))


def _pseudo(source: Address, target: Address, protocol: int, length: int) -> bytes:
    return packed(source[0]) + packed(target[0]) + struct.pack("!II", length, protocol)
