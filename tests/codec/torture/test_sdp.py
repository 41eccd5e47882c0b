"""Malformed offers: many, each different from the good one, made the same each time."""

from __future__ import annotations

from imsproof.codec.sdp import Fingerprint, Sdp, data_channel_offer
from imsproof.codec.torture import Kind, sdp

GOOD = data_channel_offer(
    "192.0.2.1", 9, fingerprints=[Fingerprint("SHA-256", sdp.SHA256)], tls_id="a" * 20, audio_port=40000
).to_bytes()


def test_there_are_at_least_eighty_of_distinct_names_and_bytes() -> None:
    assert len({one.name for one in sdp.ALL}) == len(sdp.ALL) >= 80
    assert len({one.body(GOOD) for one in sdp.ALL}) == len(sdp.ALL)


def test_each_changes_a_good_offer() -> None:
    assert [one.name for one in sdp.ALL if one.body(GOOD) == GOOD] == []


def test_valid_ones_keep_their_data_channel() -> None:
    for one in sdp.CHANNEL_CASES:
        if one.kind is Kind.VALID:
            assert Sdp.parse(one.body(GOOD)).data_channel() is not None, one.name
