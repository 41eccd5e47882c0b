"""Holds a journal against a capture: each datagram and each piece of a plain TCP stream must stand in both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.evidence import packets
from imsproof.seams import Address, Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imsproof.evidence.pcapng import Packet

STREAM = 256 * 1024 * 1024
"""Bytes of one stream that are joined, at most."""
_Way = tuple[Address, Address]


@dataclass(slots=True)
class Crossed:
    """What a capture holds: datagrams by way and payload, and joined TCP streams by way."""

    datagrams: Counter[tuple[Address, Address, bytes]] = field(default_factory=Counter)
    streams: dict[_Way, list[bytearray]] = field(default_factory=dict)
    _base: dict[_Way, int] = field(default_factory=dict)

    @classmethod
    def of(cls, captured: Iterable[Packet]) -> Crossed:
        """Read a capture (``ValueError`` from the reader comes through)."""
        self = cls()
        joining = packets.Reassembly()
        for packet in captured:
            gram = joining.parse(packet.link, packet.data)
            if gram is None:
                continue
            if gram.protocol == packets.UDP:
                self.datagrams[gram.source, gram.target, gram.payload] += 1
            elif gram.protocol == packets.TCP:
                self._segment(gram)
        return self

    def _segment(self, gram: packets.Datagram) -> None:
        way = (gram.source, gram.target)
        if gram.flags & packets.SYN:
            self.streams.setdefault(way, []).append(bytearray())
            self._base[way] = gram.seq + 1
            return
        if not gram.payload:
            return
        stream = self.streams.setdefault(way, [bytearray()])[-1]
        at = (gram.seq - self._base.setdefault(way, gram.seq)) & 0xFFFFFFFF
        end = at + len(gram.payload)
        if end > STREAM:
            return
        if len(stream) < end:
            stream.extend(bytes(end - len(stream)))
        stream[at:end] = gram.payload


def missing(events: Sequence[Event], crossed: Crossed) -> tuple[list[Event], int]:
    """Return the events whose bytes do not stand in the capture, and how many were held against it.

    Looked for are sent and received datagrams (``udp``, ``rtp``: the bytes as they crossed) and pieces of plain
    ``tcp``. Protected transports are left out: their events hold the plain text.
    """
    left = Counter(crossed.datagrams)
    gone: list[Event] = []
    looked = 0
    for event in events:
        way = _way(event)
        if way is None or event.transport not in {"udp", "rtp", "tcp"}:
            continue
        looked += 1
        if event.transport == "tcp":
            if not any(event.data in stream for stream in crossed.streams.get(way, ())):
                gone.append(event)
        elif left[(*way, event.data)] > 0:
            left[(*way, event.data)] -= 1
        else:
            gone.append(event)
    return gone, looked


def _way(event: Event) -> _Way | None:
    """Return source and target of an event that carries bytes; ``None`` for the others."""
    if event.kind not in {Kind.SENT, Kind.RECEIVED} or not event.data or not event.local or not event.remote:
        return None
    try:
        local, remote = ((packets.text(packets.packed(host)), port) for host, port in (event.local, event.remote))
    except ValueError:
        return event.local, event.remote
    return (local, remote) if event.kind is Kind.SENT else (remote, local)
