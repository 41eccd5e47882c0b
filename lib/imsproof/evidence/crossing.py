"""Holds a journal against a capture: each datagram and each piece of a TCP stream must stand in both.

What was said inside TLS, DTLS and ESP is held against the plain text, where the capture could be decrypted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.evidence import packets
from imsproof.evidence.redact import MARK
from imsproof.seams import Address, Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imsproof.evidence.pcapng import Packet
    from imsproof.evidence.plaintext import Plain

STREAM = 256 * 1024 * 1024
"""Bytes of one stream that are joined, at most."""
PROTECTED = {"tls", "dtls", "h2", "http", "sctp", "esp"}
"""Transports whose events hold the plain text."""
ENDS = {Kind.CLOSED, Kind.ALERT, Kind.REFUSED}
_Way = tuple[Address, Address]


@dataclass(slots=True)
class Crossed:
    """What a capture holds: datagrams (ESP packets with ports 0) by way and payload, and joined TCP streams by way."""

    datagrams: Counter[tuple[Address, Address, bytes]] = field(default_factory=Counter)
    streams: dict[_Way, list[bytearray]] = field(default_factory=dict)
    span_ns: tuple[int, int] | None = None
    """Times of the first and the last packet, in nanoseconds since 1970 UTC."""
    _base: dict[_Way, int] = field(default_factory=dict)

    def holds(self, way: _Way, data: bytes) -> bool:
        """Whether these bytes went this way as they are, in a stream, or within a datagram or an ESP packet."""
        if any(data in stream for stream in self.streams.get(way, ())):
            return True
        ways = {way, ((way[0][0], 0), (way[1][0], 0))}
        return any(data in payload for source, target, payload in self.datagrams if (source, target) in ways)

    @classmethod
    def of(cls, captured: Iterable[Packet]) -> Crossed:
        """Read a capture (``ValueError`` from the reader comes through)."""
        self = cls()
        joining = packets.Reassembly()
        for packet in captured:
            first, last = self.span_ns or (packet.utc_ns, packet.utc_ns)
            self.span_ns = min(first, packet.utc_ns), max(last, packet.utc_ns)
            gram = joining.parse(packet.link, packet.data)
            if gram is None:
                continue
            if gram.protocol in {packets.UDP, packets.ESP}:
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
        way = way_of(event)
        if way is None or not event.data or event.transport not in {"udp", "rtp", "tcp"}:
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


@dataclass(slots=True)
class Protected:
    """How the protected messages of a journal stand to the plain text of the capture."""

    held: int = 0
    gone: list[Event] = field(default_factory=list)
    closed: int = 0
    """Messages of connections that were not decrypted, or not wholly, or that the tester kept back."""
    cut: int = 0
    """Messages on their way when the connection ended: they need not have crossed, or not to their end."""


def protected(events: Sequence[Event]) -> list[Event]:
    """Return the events that say what was sent or received inside TLS, DTLS or ESP."""
    return [
        event
        for event in events
        if event.transport in PROTECTED and way_of(event) and (event.data or "headers" in event.facts)
    ]


def against_plain(journal: Sequence[Event], crossed: Crossed, plain: Plain | None) -> Protected:
    """Hold the protected messages of a journal against the plain text, or against what crossed in the clear (a hello).

    Without plain text only those in the clear are told from the others.
    """
    found = Protected()
    ended = {event.exchange: event.seq for event in journal if event.kind in ENDS and event.facts.get("by") == "lab"}
    for event in protected(journal):
        way = way_of(event)
        if way is None:
            continue
        if event.data and crossed.holds(way, event.data):
            found.held += 1
        elif plain is None or not plain.opened(way) or event.facts.get("withheld"):
            found.closed += 1
        elif (not event.data or plain.holds(way, event.data)) and _headers_hold(plain, way, event):
            found.held += 1
        elif plain.partly_shut(way):
            found.closed += 1
        elif event.kind is Kind.SENT and (
            ended.get(event.exchange, 0) > event.seq or plain.ends_within(way, event.data)
        ):
            found.cut += 1
        else:
            found.gone.append(event)
    return found


def _headers_hold(plain: Plain, way: _Way, event: Event) -> bool:
    """Whether the header fields of an HTTP/2 message crossed; those that cannot be read are not held against it."""
    headers, stream = event.facts.get("headers"), event.facts.get("stream")
    if event.transport != "h2" or not isinstance(headers, list) or not isinstance(stream, int):
        return True
    pairs = [(str(name), str(value)) for name, value in headers]
    if event.kind is Kind.RECEIVED and event.facts.get("status"):
        pairs.append((":status", str(event.facts["status"])))
    code = "utf-8" if event.kind is Kind.SENT else "latin-1"
    wanted = [
        (name.lower().encode(code, "replace"), value.encode(code, "replace"))
        for name, value in pairs
        if MARK not in name + value
    ]
    return plain.has_headers(way, stream, wanted) is not False


def way_of(event: Event) -> _Way | None:
    """Return source and target of an event that sent or received something; ``None`` for the others."""
    if event.kind not in {Kind.SENT, Kind.RECEIVED} or not event.local or not event.remote:
        return None
    try:
        local, remote = ((packets.text(packets.packed(host)), port) for host, port in (event.local, event.remote))
    except ValueError:
        return event.local, event.remote
    return (local, remote) if event.kind is Kind.SENT else (remote, local)
