"""HTTP/2 frames and header blocks: what is written is read by others, and reading survives every cut."""

from __future__ import annotations

from itertools import pairwise

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import http2
from imsproof.codec.http2 import INCREMENTAL, NEVER_INDEXED, WITHOUT_INDEXING, Frame, FrameReader, Type

FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=300))
NAMES = st.binary(min_size=1, max_size=40)


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(0, 10**6), max_size=8), st.binary(max_size=24))
def test_frames_are_read_as_they_were_written_however_they_are_cut(
    frames: list[Frame], cuts: list[int], before: bytes
) -> None:
    data = before + b"".join(http2.frame(one.type, one.flags, one.stream, one.payload) for one in frames)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    reader = FrameReader(skip=len(before))
    assert [one for start, end in pairwise(edges) for one in reader.feed(data[start:end])] == frames


def test_a_length_can_be_a_lie_and_the_reserved_bit_is_dropped() -> None:
    data = http2.frame(Type.PING, 0, 0x8000_0001, b"12345678", length=4)
    assert FrameReader().feed(data) == [Frame(Type.PING, 0, 1, b"1234")]


@given(st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=8), st.booleans())
@pytest.mark.parametrize("how", [WITHOUT_INDEXING, NEVER_INDEXED, INCREMENTAL])
def test_literals_are_read_by_another_library(
    how: tuple[int, int], fields: list[tuple[bytes, bytes]], huffman: bool
) -> None:
    block = b"".join(http2.literal(name, value, how=how, huffman=huffman) for name, value in fields)
    decoded = hpack.Decoder().decode(block, raw=True)
    assert [(bytes(name), bytes(value)) for name, value in decoded] == fields


@given(st.integers(0, 2**28), st.integers(1, 8))
def test_integers_are_read_by_another_library(value: int, prefix: int) -> None:
    written = http2.integer(value, prefix)
    assert hpack.hpack.decode_integer(written, prefix) == (value, len(written))


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)), unique_by=lambda pair: pair[0]))
def test_settings_are_read_as_they_were_written(values: list[tuple[int, int]]) -> None:
    (frame,) = FrameReader().feed(http2.settings(values))
    assert http2.read_settings(frame.payload) == dict(values)


def test_names_are_those_of_the_rfc_and_numbers_where_there_is_none() -> None:
    assert [http2.error_name(code) for code in (0, 1, 13, 14)] == [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "HTTP_1_1_REQUIRED",
        "0xe",
    ]
    assert [http2.type_name(number) for number in (0, 9, 10)] == ["DATA", "CONTINUATION", "0x0a"]


def test_an_indexed_field_and_a_table_size_update_are_read_by_another_library() -> None:
    decoder = hpack.Decoder()
    assert decoder.decode(http2.table_size(0) + http2.indexed(2), raw=True) == [(b":method", b"GET")]
