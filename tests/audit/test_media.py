"""RTP flows are told by the sequence of their numbers, and an index that comes twice by its contents."""

from __future__ import annotations

from tests.audit import wire

from imsproof.audit.media import RtpFlows
from imsproof.codec.rtp import RtpPacket

WAY = (wire.UE, wire.FAR)


def flow(*numbers: int, size: int = 160) -> RtpFlows:
    """A flow of these sequence numbers; each packet has other contents."""
    flows = RtpFlows()
    for frame, number in enumerate(numbers, 1):
        flows.take(frame, frame, WAY, RtpPacket(0, number, 0, 7, bytes([frame]) * size).to_bytes())
    return flows


def test_a_flow_is_counted_with_its_types_and_sizes() -> None:
    (draft,) = flow(65534, 65535, 0, 1, 2).drafts()
    assert (draft.facts["received"], draft.facts["sizes"], draft.facts["reused"]) == (5, [[0, 160, 5]], [])


def test_datagrams_without_a_sequence_are_no_flow() -> None:
    assert flow(1, 900, 77, 20000, 5, 600).drafts() == []


def test_an_index_for_two_contents_is_noticed_and_the_same_packet_twice_is_not() -> None:
    assert flow(1, 2, 3, 4, 5, 3).drafts()[0].facts["reused"] == [6]
    flows = flow(1, 2, 3, 4, 5)
    flows.take(9, 9, WAY, RtpPacket(0, 5, 0, 7, bytes([5]) * 160).to_bytes())
    assert flows.drafts()[0].facts["reused"] == []
