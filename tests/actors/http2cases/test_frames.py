"""The tables of conditions: distinct names, a clause, something to send, and something to be judged by."""

from __future__ import annotations

import pytest

from imsproof.actors.http2cases import Case, compression, fields, frames, streams, valid
from imsproof.actors.http2script import Script
from imsproof.codec.http2 import ERRORS, Flag, FrameReader, Type

OFFENCES = {
    "preface": frames.PREFACES,
    "size": frames.SIZES,
    "data": frames.DATA,
    "headers": frames.HEADERS,
    "priority": frames.PRIORITY,
    "settings": frames.SETTINGS,
    "ping": frames.PING,
    "window": frames.WINDOW,
    "continuation": frames.CONTINUATION,
    "states": streams.STATES,
    "pseudo": fields.PSEUDO,
    "injection": fields.INJECTION,
    "smuggling": fields.SMUGGLING,
    "hpack": compression.ERRORS,
    "bombs": compression.BOMBS,
    "endless": compression.ENDLESS,
}
SCRIPT = Script(
    (
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"mf"),
        (b":path", b"/contexts"),
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer " + b"a" * 300),
    ),
    b'{"a": 1}',
    {3: 100, 5: 16_384},
)


@pytest.mark.parametrize("table", OFFENCES.values(), ids=OFFENCES)
def test_offences_say_what_is_sent_and_how_it_is_judged(table: tuple[Case, ...]) -> None:
    assert len({case.name for case in table}) == len(table)
    assert any(case.effect for case in table), "a table without an effect could not fail"
    for case in table:
        assert any(isinstance(step, bytes) and step for step in case.send(SCRIPT)), case.name
        assert case.free or case.connection or case.stream, case.name
        assert {*case.connection, *case.stream} <= set(ERRORS)


def test_there_are_at_least_as_many_conditions_as_h2spec_has() -> None:
    assert sum(map(len, OFFENCES.values())) + len(valid.VALID) >= 147


def test_nothing_is_longer_than_the_longest_frame_there_is() -> None:
    everything = Script(SCRIPT.fields, SCRIPT.body, {5: 0xFF_FFFF})
    assert all(not case.send(everything) for case in frames.SIZES)


def test_an_offence_after_a_whole_header_block_is_marked_as_late() -> None:
    for table in OFFENCES.values():
        for case in table:
            frames = FrameReader().feed(b"".join(step for step in case.send(SCRIPT) if isinstance(step, bytes)))
            first = next((one for one in frames if one.type == Type.HEADERS and one.stream == 1), None)
            if case.effect != "response" or first is None or not case.greet or case.legit:
                continue
            unended = first.flags & Flag.END_HEADERS and not first.flags & Flag.END_STREAM
            right = first.payload == SCRIPT.block() and not first.flags & (Flag.PADDED | Flag.PRIORITY)
            before = frames.index(first) == 0 and len(frames) > 2
            assert case.late or not (unended and right and before), case.name
