"""RTP packets, and telling them from their neighbours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.rtp import Packets, RtpPacket, RtpSyntaxError, classify

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=50),
    marker=st.booleans(),
    padding=st.booleans(),
    csrcs=st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(st.integers(0, 0xFFFF), st.integers(0, 4).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))),
    version=st.integers(0, 3),
)


@given(packets)
def test_packet_round_trip(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.to_bytes()) == packet


@given(st.binary(max_size=100))
def test_any_bytes_are_parsed_without_loss_or_a_syntax_error(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except RtpSyntaxError:
        return
    assert packet.to_bytes() == data


@pytest.mark.parametrize(
    ("datagram", "kind"),
    [
        (b"", Packets.UNKNOWN),
        (b"\x00\x01", Packets.STUN),
        (b"\x16\xfe\xfd", Packets.DTLS),
        (b"\x80\x00", Packets.RTP),
        (b"\x80\xc8", Packets.RTCP),
        (b"\x80", Packets.UNKNOWN),
        (b"INVITE", Packets.UNKNOWN),
    ],
)
def test_datagrams_of_a_media_port_are_told_apart(datagram: bytes, kind: Packets) -> None:
    assert classify(datagram) is kind


def test_the_following_packet_counts_on_and_wraps() -> None:
    packet = RtpPacket(0, 0xFFFF, 2**32 - 1, 7, b"a", marker=True).following(b"b")
    assert (packet.sequence, packet.timestamp, packet.payload, packet.marker) == (0, 159, b"b", False)
