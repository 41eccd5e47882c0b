"""The probe's request in pieces: what h2 makes of them."""

from __future__ import annotations

import hpack

from imsproof.actors.http2script import Script
from imsproof.codec.http2 import Flag, FrameReader, Type

SCRIPT = Script(((b":method", b"POST"), (b"a", b"1")), b"x" * 20_000, {5: 16_384})


def fields(block: bytes) -> list[tuple[bytes, bytes]]:
    return [(bytes(name), bytes(value)) for name, value in hpack.Decoder().decode(block, raw=True)]


def test_fields_are_added_changed_and_left_out() -> None:
    block = SCRIPT.block((b"c", b"3"), first=((b"b", b"2"),), change={b":method": b"GET", b"a": None})
    assert fields(block) == [(b"b", b"2"), (b":method", b"GET"), (b"c", b"3")]


def test_a_request_ends_its_stream_once_and_a_body_comes_in_frames() -> None:
    frames = FrameReader().feed(SCRIPT.request(3))
    assert [frame.type for frame in frames] == [Type.HEADERS, Type.DATA, Type.DATA]
    assert [frame.flags & Flag.END_STREAM for frame in frames] == [0, 0, Flag.END_STREAM]
    assert {frame.stream for frame in frames} == {3}
    (alone,) = FrameReader().feed(Script(SCRIPT.fields).request())
    assert alone.flags == Flag.END_STREAM | Flag.END_HEADERS


def test_a_lab_that_announces_nothing_takes_16384_octets() -> None:
    assert Script(()).max_frame == 16_384
