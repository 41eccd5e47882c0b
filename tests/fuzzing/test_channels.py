"""The doors behind a data channel: what they build around a case is right."""

from __future__ import annotations

import pytest

from imsproof.codec import dcep, sctp
from imsproof.fuzzing import channels


@pytest.mark.parametrize("chunks", [b"\x0b\0\0\4", b"", b"\xff" * 7])
def test_packets_have_the_genuine_header_and_the_right_checksum(chunks: bytes) -> None:
    genuine = sctp.Packet(5000, 5001, 77, (sctp.Chunk(11, b""),)).to_bytes()
    packet = channels._packet(genuine, chunks)
    assert packet[:8] == genuine[:8]
    assert packet[12:] == chunks
    assert int.from_bytes(packet[8:12], "little") == sctp.crc32c(packet[:8] + bytes(4) + chunks)


def test_chunks_are_padded_and_have_their_length() -> None:
    chunk = channels._chunk(10, b"cookie")
    assert len(chunk) % 4 == 0
    assert int.from_bytes(chunk[2:4], "big") == 10


def test_there_is_a_chunk_of_every_type_and_a_record_of_every_content() -> None:
    assert set(range(12)) <= set(channels.CHUNKS)
    assert {20, 21, 22, 23} <= set(channels.RECORDS)


def test_messages_to_begin_with_are_read_back() -> None:
    opened = dcep.parse(channels.OPENS[0].to_bytes())
    assert isinstance(opened, dcep.Open)
    assert opened.protocol == b"http"
    for one in channels.MSRP:
        if one.startswith(b"MSRP"):
            name = one.split(b" ")[1]
            assert one.rstrip(b"\r\n")[:-1].endswith(b"-------" + name)
