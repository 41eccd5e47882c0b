"""Packets of a protected leg, by hand-made journals."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.media import payload_arrived, payload_not_arrived
from imsproof.judge.predicates.srtp import (
    keystream_used_once,
    media_protected,
    no_media_received,
    numbers_not_arrived,
    payload_arrived_once,
    payload_not_in_clear,
    reports_protected,
    rollover_right,
    srtp_profile,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
LEG = "1:access leg"
MARK = base64.b64encode(b"mark").decode()


def came(story: Story, data: bytes = b"sealed", **facts: Any) -> Story:
    return story.add(Kind.RECEIVED, LEG, "rtp", data, **{"ssrc": 7, "seq": 1, "authentic": True, "index": 1} | facts)


def test_a_payload_counts_in_clear_and_inside_a_packet_that_was_opened() -> None:
    opened = came(Story(), payload=base64.b64encode(b"..mark..").decode()).events
    clear, other = came(Story(), b"..mark..").events, came(Story()).events
    for events in (opened, clear):
        assert payload_arrived(events, exchange=LEG, payload=MARK).outcome is H
        assert payload_not_arrived(events, exchange=LEG, payload=MARK).outcome is F
    assert payload_not_arrived(other, exchange=LEG, payload=MARK).outcome is H
    assert payload_not_in_clear(opened, exchange=LEG, payload=MARK).outcome is H
    assert payload_not_in_clear(clear, exchange=LEG, payload=MARK).outcome is F


@pytest.mark.parametrize(("times", "outcome"), [(0, U), (1, H), (2, F)])
def test_once_is_neither_never_nor_twice(times: int, outcome: Outcome) -> None:
    story = Story().add(Kind.SENT, LEG)
    for _ in range(times):
        came(story, b"mark")
    assert payload_arrived_once(story.events, exchange=LEG, payload=MARK).outcome is outcome


def test_one_packet_that_is_not_authentic_is_enough_and_none_is_too_few() -> None:
    good = came(came(Story())).events
    assert media_protected(good, exchange=LEG, least=2).outcome is H
    assert media_protected(good, exchange=LEG, least=3).outcome is U
    assert media_protected([], exchange=LEG).outcome is U
    assert media_protected(came(came(Story()), authentic=False).events, exchange=LEG).outcome is F
    assert media_protected(came(came(Story()), authentic=None).events, exchange=LEG).outcome is H
    assert media_protected(came(came(Story()), rtcp=True, authentic=False).events, exchange=LEG).outcome is H


@pytest.mark.parametrize(("authentic", "outcome"), [(True, H), (False, F), (None, H)])
def test_what_came_before_the_keys_is_judged_by_what_it_was(authentic: object, outcome: Outcome) -> None:
    story = came(Story()).add(Kind.NOTE, LEG, "rtp", b"early", early=True, authentic=authentic)
    assert media_protected(story.events, exchange=LEG).outcome is outcome


def test_reports_have_an_index_each_as_media_have() -> None:
    story = came(came(Story(), b"one", rtcp=True), b"two", rtcp=True)
    assert keystream_used_once(story.events, exchange=LEG, reports=True).outcome is F
    assert keystream_used_once(story.events, exchange=LEG).outcome is U
    story = came(came(Story(), b"one", rtcp=True), b"two", rtcp=True, index=2)
    assert keystream_used_once(story.events, exchange=LEG, reports=True).outcome is H


def test_a_sentence_says_what_arrived() -> None:
    found = payload_arrived_once(
        came(came(Story(), b"mark"), b"mark").events, exchange=LEG, payload=MARK, what="a report"
    )
    assert found.sentence == f"{LEG}: a report arrived 2 times"
    assert "plain RTP did not arrive" in payload_not_arrived([], exchange=LEG, payload=MARK, what="plain RTP").sentence


def test_a_keystream_is_used_again_by_other_data_under_the_same_index() -> None:
    once = came(came(came(Story()), b"next", index=2), b"other source", ssrc=8)
    assert keystream_used_once(once.events, exchange=LEG, least=3).outcome is H
    assert keystream_used_once(came(once).events, exchange=LEG).outcome is H  # the same packet again
    assert keystream_used_once(came(once, b"other").events, exchange=LEG).outcome is F
    assert keystream_used_once([], exchange=LEG).outcome is U


@pytest.mark.parametrize(("roc", "outcome"), [(1, H), (0, F)])
def test_the_counter_that_is_due_counts(roc: int, outcome: Outcome) -> None:
    events = came(Story(), payload=MARK, roc=roc, expected_roc=1).events
    assert rollover_right(events, exchange=LEG, payload=MARK).outcome is outcome
    assert rollover_right([], exchange=LEG, payload=MARK).outcome is F


def test_reports_are_authentic_and_encrypted() -> None:
    good = came(Story(), rtcp=True, encrypted=True).events
    assert reports_protected(good, exchange=LEG).outcome is H
    assert reports_protected(came(Story()).events, exchange=LEG).outcome is U
    assert reports_protected(came(Story(), rtcp=True, encrypted=False).events, exchange=LEG).outcome is F
    assert reports_protected(came(Story(), rtcp=True, authentic=False).events, exchange=LEG).outcome is F


def test_what_came_before_does_not_count() -> None:
    story = came(Story()).add(Kind.SENT, "2:x")
    assert no_media_received(story.events, exchange=LEG).outcome is F
    assert no_media_received(story.events, exchange=LEG, after="2:x").outcome is H
    assert no_media_received(story.events, exchange=LEG, after="3:x").outcome is U
    assert no_media_received(came(story).events, exchange=LEG, after="2:x").outcome is F


def test_numbers_are_those_of_the_same_source() -> None:
    sent = Story().add(Kind.SENT, "2:x", "rtp", ssrc=7, seq=1)
    assert numbers_not_arrived(sent.events, exchange=LEG, sent="2:x").outcome is H
    assert numbers_not_arrived(came(sent, ssrc=8).events, exchange=LEG, sent="2:x").outcome is H
    assert numbers_not_arrived(came(sent).events, exchange=LEG, sent="2:x").outcome is F
    assert numbers_not_arrived([], exchange=LEG, sent="2:x").outcome is U


def test_a_profile_is_agreed_in_a_handshake() -> None:
    done = Story().add(Kind.HANDSHAKE, "1:x", "dtls", srtp="A").events
    assert srtp_profile(done, exchange="1:x", profile="A").outcome is H
    assert srtp_profile(done, exchange="1:x", profile="B").outcome is F
    assert srtp_profile([], exchange="1:x", profile="A").outcome is F
