"""Packets for a media port: one of each kind that shares it, told apart as RFC 7983 does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import stun
from imsproof.codec.rtp import RtpPacket
from imsproof.fuzzing.media import corpus, kind_of


def test_each_kind_is_there_and_well_formed() -> None:
    found = corpus()
    assert {kind_of(one).split()[0] for one in found} == {"RTP", "RTCP", "STUN", "DTLS", "TURN"}
    assert RtpPacket.parse(found[0]).payload_type == 0
    assert stun.Message.parse(next(one for one in found if kind_of(one).startswith("STUN"))).kind == 1


@pytest.mark.parametrize(
    ("first", "name"), [(b"\x80\0", "RTP"), (b"\x80\xc8", "RTCP"), (b"\x16", "DTLS"), (b"", "STUN")]
)
def test_kinds_are_told_by_the_first_octets(first: bytes, name: str) -> None:
    assert kind_of(first).startswith(name)


@given(st.binary(max_size=50))
def test_anything_has_a_kind(data: bytes) -> None:
    assert kind_of(data)
