"""RTP flows in a capture: how many packets, how long, and whether a packet index was used for two contents.

Sources: RFC 3550 section 5.1 and appendix A.1 (what a flow of RTP is), RFC 3711 section 9.1 (keystream reuse).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.audit.draft import Draft, between
from imsproof.codec.rtp import RtpPacket, RtpSyntaxError
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.audit.flows import Way

FLOWS = 5000
LEAST = 4
"""Packets whose sequence numbers follow on each other, before a flow is taken for RTP."""
NEAR = 64
WINDOW = 1024
"""Packets within which a sequence number that comes again is not one of the next round."""


@dataclass(slots=True)
class _Flow:
    frame: int
    utc_ns: int
    packets: int = 0
    following: int = 0
    last: int = -1
    types: Counter[int] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    reused: list[int] = field(default_factory=list)
    recent: OrderedDict[int, int] = field(default_factory=OrderedDict)


class RtpFlows:
    """The RTP flows of a capture, by way and source, packet by packet."""

    def __init__(self) -> None:
        """Begin with none."""
        self.left = 0
        self._flows: dict[tuple[Way, int], _Flow] = {}

    def take(self, frame: int, utc_ns: int, way: Way, datagram: bytes) -> None:
        """Take a datagram that may be RTP or SRTP."""
        try:
            packet = RtpPacket.parse(datagram)
        except RtpSyntaxError:
            return
        flow = self._flows.get((way, packet.ssrc))
        if flow is None:
            if len(self._flows) >= FLOWS:
                self.left += 1
                return
            flow = self._flows[way, packet.ssrc] = _Flow(frame, utc_ns)
        flow.packets += 1
        flow.following += flow.last >= 0 and 0 < (packet.sequence - flow.last) & 0xFFFF <= NEAR
        flow.last = packet.sequence
        flow.types[packet.payload_type] += 1
        if len(flow.sizes) < 64:
            flow.sizes[packet.payload_type, len(packet.payload)] += 1
        content = hash(packet.payload)
        before = flow.recent.get(packet.sequence)
        if before is not None and before != content and len(flow.reused) < 8:
            flow.reused.append(frame)
        flow.recent[packet.sequence] = content
        if len(flow.recent) > WINDOW:
            flow.recent.popitem(last=False)

    def drafts(self) -> list[Draft]:
        """Return the flows."""
        return [
            Draft(one.frame, one.utc_ns, Kind.COUNTED, "rtp", between(way), way, b"", _facts(ssrc, one))
            for (way, ssrc), one in self._flows.items()
            if one.following >= LEAST
        ]


def _facts(ssrc: int, one: _Flow) -> dict[str, object]:
    return {
        "ssrc": ssrc,
        "received": one.packets,
        "types": dict(sorted((str(number), count) for number, count in one.types.items())),
        "sizes": [[number, size, count] for (number, size), count in one.sizes.most_common(16)],
        "reused": one.reused,
    }
