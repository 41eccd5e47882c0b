"""Levels and edits: every protocol in three levels, what is broken is still bytes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from imsproof.fuzzing.strategies import LEVELS, edited, wild

few = settings(max_examples=40, deadline=None)


@few
@given(edited(st.just(b"v=0\r\n")), wild)
def test_what_is_broken_is_still_bytes(data: bytes, other: bytes) -> None:
    assert isinstance(data, bytes)
    assert isinstance(other, bytes)


@few
@given(st.sampled_from(sorted(LEVELS)).flatmap(lambda name: LEVELS[name].all()))
def test_each_protocol_has_three_levels(drawn: tuple[str, bytes]) -> None:
    level, data = drawn
    assert level in ("valid", "nearly", "wild")
    assert isinstance(data, bytes)
    assert data or level != "valid"


def test_all_protocols_of_a_lab_are_there() -> None:
    named = {"sip", "sdp", "sec-agree", "token", "json", "dcep", "sctp", "dtls", "rtp", "msrp"}
    assert named <= set(LEVELS)
