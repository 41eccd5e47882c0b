"""Predicates about malformed messages, on journals made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates import robustness as r
from imsproof.seams import Kind, Outcome

HOLDS, FAILS, UNKNOWN = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
OK = b"SIP/2.0 200 OK\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
SDP = b"v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n"


def answered(status: int | None, data: bytes = b"") -> Story:
    story = Story().add(Kind.SENT, data=b"x")
    return story.add(Kind.TIMEOUT) if status is None else story.add(Kind.RECEIVED, data=data, status=status)


@pytest.mark.parametrize(("status", "outcome"), [(401, HOLDS), (403, HOLDS), (100, HOLDS), (400, FAILS), (None, FAILS)])
def test_processed_is_an_answer_that_does_not_blame_the_form(status: int | None, outcome: Outcome) -> None:
    assert r.processed(answered(status).events, exchange="1:x", wrong=[400]).outcome is outcome


def test_strays_are_not_answered() -> None:
    assert r.stray_not_answered(answered(None).events, exchange="1:x").outcome is HOLDS
    assert r.stray_not_answered(answered(200).events, exchange="1:x").outcome is FAILS
    assert r.stray_not_answered([], exchange="1:x").outcome is UNKNOWN


def test_a_mark_in_an_answer_is_a_reflection() -> None:
    assert r.not_reflected(answered(400, b"Warning: mark").events, exchange="1:x", marker="mark").outcome is FAILS
    assert r.not_reflected(answered(400, b"other").events, exchange="1:x", marker="mark").outcome is HOLDS
    assert r.not_reflected(answered(None).events, exchange="1:x", marker="mark").outcome is HOLDS


def timed(*seconds: float | None) -> Story:
    story = Story()
    for number, wait in enumerate(seconds, 1):
        story.add(Kind.SENT, exchange=f"{number}:x")
        sent = story.events[-1].mono_ns
        if wait is not None:
            story.add(Kind.RECEIVED, exchange=f"{number}:x")
            story.events[-1] = replace(story.events[-1], mono_ns=sent + int(wait * 1e9))
    return story


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [(0.01, 0.9, HOLDS), (0.01, 1.5, FAILS), (0.1, 1.5, HOLDS), (0.01, None, FAILS), (None, 0.1, UNKNOWN)],
)
def test_slower_is_beyond_floor_and_factor(before: float | None, after: float | None, outcome: Outcome) -> None:
    found = r.not_slower(timed(before, after).events, exchange="2:x", reference="1:x", factor=20, floor=1.0)
    assert found.outcome is outcome


def test_every_message_of_a_stream_is_answered_also_in_one_piece() -> None:
    both = answered(200, OK % b"a" + OK % b"b").events
    one = answered(200, OK % b"a").events
    assert r.all_answered(both, exchange="1:x", call_ids=["a", "b"], wrong=[400]).outcome is HOLDS
    assert r.all_answered(one, exchange="1:x", call_ids=["a", "b"], wrong=[400]).outcome is FAILS
    assert r.all_answered(both, exchange="1:x", call_ids=["a", "b"], wrong=[200]).outcome is FAILS


def test_what_stands_in_a_body_is_not_served() -> None:
    story = answered(200, OK % b"inner").events
    assert r.none_served(story, exchange="1:x", call_ids=["inner"], accept=[200]).outcome is FAILS
    assert r.none_served(story, exchange="1:x", call_ids=["other"], accept=[200]).outcome is HOLDS
    assert r.none_served(answered(400, b"\xff").events, exchange="1:x", call_ids=["a"], accept=[200]).outcome is HOLDS


def test_a_mark_arrives_or_not_at_an_actor() -> None:
    story = answered(200, b"the mark").events
    assert r.mark_not_arrived(story, actor="tester", marker="mark").outcome is FAILS
    assert r.mark_not_arrived(story, actor="ue-b", marker="mark").outcome is HOLDS
    assert r.mark_arrived(story, actor="tester", marker="mark").outcome is HOLDS
    assert r.mark_arrived(story, actor="ue-b", marker="mark").outcome is FAILS


@pytest.mark.parametrize(
    ("status", "body", "taken"),
    [(200, SDP % 4000, True), (200, SDP % 0, False), (200, b"", False), (488, b"", False), (None, b"", False)],
)
def test_a_medium_is_taken_by_a_2xx_with_its_port(status: int | None, body: bytes, taken: bool) -> None:
    data = b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n" + body
    events = answered(status, data).events
    assert r.medium_taken(events, exchange="1:x", medium="audio").outcome is (HOLDS if taken else FAILS)
    assert r.medium_not_taken(events, exchange="1:x", medium="audio").outcome is (FAILS if taken else HOLDS)


def test_what_follows_on_a_connection_is_answered_as_good_or_the_connection_is_closed() -> None:
    def seen(story: Story) -> Outcome:
        return r.next_understood(story.events, exchange="1:x", call_id="next", wrong=[400]).outcome

    assert seen(answered(200, OK % b"bad" + OK % b"next")) is HOLDS
    assert seen(answered(400, (OK % b"next").replace(b"200 OK", b"400 Bad Request"))) is FAILS
    silent = answered(200, OK % b"bad")
    assert seen(silent) is FAILS
    assert seen(Story().add(Kind.SENT).add(Kind.CLOSED, by="tester")) is FAILS
    assert seen(silent.add(Kind.CLOSED, by="lab")) is HOLDS
    assert seen(Story()) is Outcome.UNKNOWN
