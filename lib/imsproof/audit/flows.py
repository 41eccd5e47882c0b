"""From packets to datagrams and TCP streams: tunnels opened, fragments joined, segments put in order; bounded.

Sources: RFC 9293 (TCP), TS 29.281 clause 5 (GTP-U), RFC 2003 and RFC 2473 (IP in IP).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from imsproof.evidence import packets, pcapng

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.seams import Address

Way = tuple["Address", "Address"]
"""Source and target."""

GTP_PORT, GPDU = 2152, 255
IP_IN_IP = {4, 41}
DEEPEST = 4
"""Tunnels within tunnels."""
STREAM_LIMIT = 4 << 20
"""Bytes of one direction of a connection that are kept; what is beyond is counted and not looked at."""
TOTAL_LIMIT = 256 << 20
WAITING = 256 << 10
"""Bytes that wait for a segment before them; then it counts as lost."""
HALF = 1 << 31


class Seen(NamedTuple):
    """An IP packet's contents: its number in the capture, its time (nanoseconds since 1970 UTC), and the datagram."""

    frame: int
    utc_ns: int
    gram: packets.Datagram
    inner: bytes
    """The IP packet, whole and without link layer and tunnels."""


class Mark(NamedTuple):
    """Where a segment begins in a stream, and the packet with which it could be read."""

    offset: int
    frame: int
    utc_ns: int


@dataclass(slots=True)
class Run:
    """A part of a stream without a gap."""

    data: bytearray = field(default_factory=bytearray)
    marks: list[Mark] = field(default_factory=list)

    def at(self, offset: int) -> Mark:
        """Return the mark of the segment that holds this byte."""
        low, high = 0, len(self.marks)
        while low < high - 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.marks[middle].offset <= offset else (low, middle)
        return self.marks[low]


@dataclass(slots=True)
class Direction:
    """One direction of a TCP connection, in order; ``lost`` counts its gaps, ``left`` bytes that were not kept."""

    runs: list[Run] = field(default_factory=lambda: [Run()])
    lost: int = 0
    left: int = 0
    _next: int | None = None
    _last: tuple[int, int] = (0, 0)
    _waiting: dict[int, tuple[bytes, int, int]] = field(default_factory=dict)

    def begin(self, seq: int) -> None:
        """A SYN with this number: the stream begins behind it."""
        self._next = (seq + 1) & 0xFFFFFFFF

    def take(self, seq: int, data: bytes, frame: int, utc_ns: int, room: int) -> int:
        """Take a segment and return how many bytes are kept more."""
        if self._next is None:
            self._next = seq
        self._waiting.setdefault(seq, (data, frame, utc_ns))
        if len(self._waiting[seq][0]) < len(data):
            self._waiting[seq] = (data, frame, utc_ns)
        kept = self._join(room)
        if sum(len(one[0]) for one in self._waiting.values()) > WAITING:
            kept += self._give_up(room)
        return kept

    def end(self, room: int) -> int:
        """No more comes: what waits stands behind gaps."""
        kept = 0
        while self._waiting:
            kept += self._give_up(room - kept)
        return kept

    def _join(self, room: int) -> int:
        kept = 0
        while (found := self._fitting()) is not None:
            seq, skip = found
            data, frame, utc_ns = self._waiting.pop(seq)
            fresh = data[skip:]
            assert self._next is not None
            self._next = (self._next + len(fresh)) & 0xFFFFFFFF
            run = self.runs[-1]
            if not fresh:
                continue
            if len(fresh) > room - kept or sum(len(one.data) for one in self.runs) + len(fresh) > STREAM_LIMIT:
                self.left += len(fresh)
                continue
            # What waited for a segment before it could be read only when that one came.
            self._last = max(self._last, (frame, utc_ns))
            run.marks.append(Mark(len(run.data), *self._last))
            run.data += fresh
            kept += len(fresh)
        return kept

    def _fitting(self) -> tuple[int, int] | None:
        """Return a waiting segment that begins at or before the next byte, and how much of it is known already."""
        assert self._next is not None
        for seq, (data, _, _) in self._waiting.items():
            behind = (self._next - seq) & 0xFFFFFFFF
            if behind < HALF:
                return seq, min(behind, len(data))
        return None

    def _give_up(self, room: int) -> int:
        """The bytes before what waits are lost: a new run begins with the first that is there."""
        assert self._next is not None
        here = self._next
        self._next = min(self._waiting, key=lambda seq: (seq - here) & 0xFFFFFFFF)
        self.lost += 1
        if self.runs[-1].data:
            self.runs.append(Run())
        return self._join(room)


@dataclass(slots=True)
class Connection:
    """A TCP connection: who opened it (or spoke first), and both directions."""

    client: Address
    server: Address
    frame: int
    utc_ns: int
    there: Direction = field(default_factory=Direction)
    back: Direction = field(default_factory=Direction)
    syn: int | None = None

    def directions(self) -> tuple[tuple[Way, Direction], tuple[Way, Direction]]:
        """Return both, each with its way, the client's first."""
        return ((self.client, self.server), self.there), ((self.server, self.client), self.back)


class Opener:
    """Takes packets apart down to the datagram within all tunnels; fragments are joined."""

    def __init__(self) -> None:
        """Begin with no fragment known."""
        self._joining = packets.Reassembly()

    def open(self, frame: int, packet: pcapng.Packet) -> Seen | None:
        """Return what a packet holds, ``None`` when it is no IP, is cut off before its ports, or is not whole yet."""
        gram = self._joining.parse(packet.link, packet.data)
        inner = packets.network(packet.link, packet.data)
        for _ in range(DEEPEST):
            if gram is None:
                return None
            within = _tunnelled(gram)
            if within is None:
                break
            inner, gram = within, self._joining.parse(pcapng.LINK_RAW, within)
        return Seen(frame, packet.utc_ns, gram, _whole(gram, inner)) if gram is not None else None


def _whole(gram: packets.Datagram, inner: bytes) -> bytes:
    """Return the IP packet; of what may have been fragments, one that is written anew."""
    if gram.protocol == packets.UDP and len(gram.payload) <= packets.LONGEST:
        return packets.udp(gram.source, gram.target, gram.payload)
    if gram.protocol == packets.ESP and len(gram.payload) <= packets.LONGEST:
        return packets.ip(gram.source[0], gram.target[0], packets.ESP, gram.payload)
    return inner


def _tunnelled(gram: packets.Datagram) -> bytes | None:
    """Return the IP packet in GTP-U or IP-in-IP."""
    if gram.protocol in IP_IN_IP and not gram.offset:
        return gram.payload
    data = gram.payload
    if gram.protocol != packets.UDP or GTP_PORT not in {gram.source[1], gram.target[1]} or len(data) < 12:
        return None
    if data[0] >> 5 != 1 or data[1] != GPDU:
        return None
    at = 8
    if data[0] & 0x07:
        at, following = 12, data[11]
        while following and at < len(data) and data[at]:
            size = data[at] * 4
            following, at = data[min(at + size, len(data)) - 1], at + size
    return data[at:] if at < len(data) and data[at] >> 4 in {4, 6} else None


class Connections:
    """The TCP connections of a capture, put in order as their segments come."""

    def __init__(self) -> None:
        """Begin with none."""
        self.all: list[Connection] = []
        self.kept = 0
        self._open: dict[frozenset[Address], Connection] = {}

    def take(self, seen: Seen) -> None:
        """Take a TCP segment."""
        gram = seen.gram
        ends = frozenset((gram.source, gram.target))
        known = self._open.get(ends)
        begins = gram.flags & (packets.SYN | packets.ACK) == packets.SYN
        if known is None or (begins and known.syn != gram.seq):
            if known is None and not gram.flags & packets.SYN and not gram.payload:
                return
            answers = gram.flags & packets.SYN and not begins
            client, server = (gram.target, gram.source) if answers else (gram.source, gram.target)
            known = Connection(client, server, seen.frame, seen.utc_ns, syn=gram.seq if begins else None)
            self._open[ends] = known
            self.all.append(known)
        direction = known.there if gram.source == known.client else known.back
        if gram.flags & packets.SYN:
            direction.begin(gram.seq)
        elif gram.payload:
            self.kept += direction.take(gram.seq, gram.payload, seen.frame, seen.utc_ns, TOTAL_LIMIT - self.kept)

    def finish(self) -> Iterator[Connection]:
        """Yield all connections; what still waits for lost segments stands behind gaps now."""
        for one in self.all:
            for _, direction in one.directions():
                self.kept += direction.end(TOTAL_LIMIT - self.kept)
            yield one
