"""The probe's request in pieces: what h2 makes of them."""

from __future__ import annotations

import hpack

from imsproof.actors.http2cases.valid import VALID
from imsproof.actors.http2script import Script
from imsproof.codec.http2 import Flag, FrameReader, Setting, Type

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


def test_a_smaller_table_is_acknowledged_once_at_the_beginning_of_the_first_block() -> None:
    script = Script(SCRIPT.fields, b"", {Setting.HEADER_TABLE_SIZE: 0})
    decoder = hpack.Decoder()
    decoder.max_allowed_table_size = 0
    assert decoder.decode(script.block(), raw=True)
    assert decoder.decode(script.block(), raw=True)
    assert (script.start(), Script(SCRIPT.fields).start()) == (b"", b"")


def test_what_a_lab_does_not_take_at_once_is_not_asked_for() -> None:
    cases = {one.name: one for one in VALID}
    narrow, plain = Script(SCRIPT.fields, b"x", {Setting.MAX_CONCURRENT_STREAMS: 1}), Script(SCRIPT.fields, b"x")
    for name in ("three requests at once", "RST_STREAM on one of two streams"):
        assert not cases[name].send(narrow)
        assert cases[name].send(plain)
    small = Script(SCRIPT.fields, b"x", {Setting.HEADER_TABLE_SIZE: 100})
    for name in ("a field from the dynamic table", "several table size updates"):
        assert not cases[name].send(small)
        assert cases[name].send(plain)
