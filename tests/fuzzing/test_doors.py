"""The doors behind the front: what they build around a case is right."""

from __future__ import annotations

import pytest

from imsproof.codec import sctp
from imsproof.fuzzing import doors


@pytest.mark.parametrize("chunks", [b"\x0b\0\0\4", b"", b"\xff" * 7])
def test_packets_have_the_genuine_header_and_the_right_checksum(chunks: bytes) -> None:
    genuine = sctp.Packet(5000, 5001, 77, (sctp.Chunk(11, b""),)).to_bytes()
    packet = doors._packet(genuine, chunks)
    assert packet[:8] == genuine[:8]
    assert packet[12:] == chunks
    assert int.from_bytes(packet[8:12], "little") == sctp.crc32c(packet[:8] + bytes(4) + chunks)


def test_chunks_are_padded_and_have_their_length() -> None:
    chunk = doors._chunk(10, b"cookie")
    assert len(chunk) % 4 == 0
    assert int.from_bytes(chunk[2:4], "big") == 10


def test_a_frame_has_its_length_and_stream() -> None:
    assert doors._frame(6, 0, 1, b"12345678") == b"\0\0\x08\6\0\0\0\0\x0112345678"


def test_there_is_a_chunk_of_every_type_and_a_record_of_every_content() -> None:
    assert set(range(12)) <= set(doors.CHUNKS)
    assert {20, 21, 22, 23} <= set(doors.RECORDS)
