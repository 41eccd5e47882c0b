"""SCTP packets and chunks."""

from __future__ import annotations

import pytest
from aiortc.rtcsctptransport import InitChunk, parse_packet, serialize_packet
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import sctp

chunks = st.builds(sctp.Chunk, st.integers(0, 255), st.binary(max_size=40), st.integers(0, 255))
packets = st.builds(
    sctp.Packet,
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.integers(0, 2**32 - 1),
    st.lists(chunks, max_size=4).map(tuple),
)


@given(packets)
def test_packet_round_trip(packet: sctp.Packet) -> None:
    parsed = sctp.Packet.parse(packet.to_bytes())
    assert parsed == packet
    assert parsed.checksum_right


@given(st.binary(max_size=120))
def test_any_bytes_are_parsed_without_loss_or_a_syntax_error(data: bytes) -> None:
    try:
        packet = sctp.Packet.parse(data)
    except sctp.SctpSyntaxError:
        return
    assert packet.to_bytes() == data


def test_checksum_is_the_castagnoli_crc() -> None:
    """The check value of CRC-32C over the digits 1 to 9."""
    assert sctp.crc32c(b"123456789") == 0xE3069283


def test_aiortc_reads_what_is_written_and_the_other_way() -> None:
    ours = sctp.Packet(5000, 5001, 0, (sctp.init_chunk(77, 88, window=4096, outbound=3, inbound=4),))
    _, _, tag, [chunk] = parse_packet(ours.to_bytes())
    assert isinstance(chunk, InitChunk)
    assert (tag, chunk.initiate_tag, chunk.initial_tsn, chunk.inbound_streams) == (0, 77, 88, 4)
    assert sctp.Packet.parse(serialize_packet(5000, 5001, 0, chunk)) == ours


def test_wrong_checksum_and_lengths_are_kept() -> None:
    packet = sctp.Packet(1, 2, 3, (sctp.Chunk(sctp.DATA, b"abc", length=400, padding=b""),), checksum=1)
    parsed = sctp.Packet.parse(packet.to_bytes())
    assert parsed == packet
    assert not parsed.checksum_right


def test_data_chunk_round_trip() -> None:
    data = sctp.Data(tsn=9, stream=1000, sequence=1, ppid=51, payload=b"hello")
    assert sctp.Data.parse(data.chunk()) == data
    with pytest.raises(sctp.SctpSyntaxError):
        sctp.Data.parse(sctp.Chunk(sctp.ABORT))
