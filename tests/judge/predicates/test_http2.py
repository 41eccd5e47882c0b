"""HTTP/2 by its frames: what shows that an offence was served, and which errors fit."""

from __future__ import annotations

from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.http2 import error, flood_met, not_served, served
from imsproof.seams import Kind, Outcome


def begun() -> Story:
    return Story().add(Kind.HANDSHAKE).add(Kind.SENT, transport="h2")


def got(data: bytes = b"", **facts: Any) -> Story:
    return begun().add(Kind.RECEIVED, transport="h2", data=data, **facts)


@pytest.mark.parametrize(
    ("effect", "story"),
    [
        ("response", got(status=201, stream=1)),
        ("tunnel", got(status=200, stream=1)),
        ("ping", got(b"onstream", frame="PING", ack=True)),
        ("settings", got(frame="SETTINGS", ack=True).add(Kind.RECEIVED, frame="SETTINGS", ack=True)),
        ("overrun", got(frame="DATA", stream=1, octets=2)),
    ],
)
def test_what_shows_that_an_offence_was_served(effect: str, story: Story) -> None:
    finding = not_served(story.events, exchange="1:x", effect=effect, accept=[201], limit=1)
    assert finding.outcome is Outcome.FAILS
    assert finding.events


@pytest.mark.parametrize(
    ("effect", "story"),
    [
        ("response", got(status=400, stream=1)),
        ("response", got(status=201, stream=5)),
        ("ping", got(b"imsproof", frame="PING", ack=True)),
        ("settings", got(frame="SETTINGS", ack=True)),
        ("overrun", got(frame="DATA", stream=1, octets=1)),
        ("", got(status=201, stream=1)),
    ],
    ids=["refused", "a rightful stream", "the fence", "the one due", "within the window", "nothing to see"],
)
def test_what_does_not_show_it(effect: str, story: Story) -> None:
    finding = not_served(story.events, exchange="1:x", effect=effect, accept=[201], legit=[5], limit=1)
    assert finding.outcome is Outcome.HOLDS


def test_a_field_that_the_lab_may_have_dropped_proves_nothing() -> None:
    story = got(status=201, stream=1)
    story.add(Kind.SENT, exchange="2:bare").add(Kind.RECEIVED, exchange="2:bare", status=201)
    params: dict[str, Any] = {"exchange": "1:x", "effect": "response", "accept": [201]}
    assert not_served(story.events, **params).outcome is Outcome.FAILS
    assert not_served(story.events, **params, without="2:bare").outcome is Outcome.HOLDS


@pytest.mark.parametrize(
    "story",
    [Story(), Story().add(Kind.REFUSED, reason="no"), begun().add(Kind.TIMEOUT, undone=True, reason="not ended")],
)
def test_a_case_that_could_not_be_brought_about_is_undecided(story: Story) -> None:
    assert not_served(story.events, exchange="1:x", effect="response", accept=[201]).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        (got(frame="GOAWAY", goaway=1, error="PROTOCOL_ERROR"), Outcome.HOLDS),
        (got(frame="GOAWAY", goaway=2, error="INTERNAL_ERROR"), Outcome.FAILS),
        (got(frame="RST_STREAM", reset=5, stream=1, error="STREAM_CLOSED"), Outcome.HOLDS),
        (got(frame="RST_STREAM", reset=1, stream=1, error="PROTOCOL_ERROR"), Outcome.FAILS),
        (got(status=400, stream=1), Outcome.HOLDS),
        (begun().add(Kind.CLOSED, by="lab"), Outcome.HOLDS),
        (begun().add(Kind.CLOSED, by="tester"), Outcome.FAILS),
        (got(status=201, stream=1), Outcome.FAILS),
    ],
)
def test_the_form_of_an_error(story: Story, outcome: Outcome) -> None:
    finding = error(
        story.events, exchange="1:x", connection=["PROTOCOL_ERROR"], stream=["STREAM_CLOSED"], malformed=True
    )
    assert finding.outcome is outcome


def test_what_is_allowed_is_served_on_every_stream() -> None:
    story = got(status=201, stream=1)
    assert served(story.events, exchange="1:x", streams=[1], accept=[201]).outcome is Outcome.HOLDS
    assert served(story.events, exchange="1:x", streams=[1, 3], accept=[201]).outcome is Outcome.FAILS
    assert served(story.events, exchange="1:x", streams=[1], accept=[200]).outcome is Outcome.FAILS
    assert served([], exchange="1:x", streams=[1], accept=[200]).outcome is Outcome.UNKNOWN


def test_a_flood_was_met_when_it_was_sent_or_when_the_lab_ended_it() -> None:
    sent = begun().add(Kind.COUNTED, sent=10)
    assert flood_met(sent.events, exchange="1:x", at_least=10).outcome is Outcome.HOLDS
    assert flood_met(sent.events, exchange="1:x", at_least=11).outcome is Outcome.FAILS
    sent.add(Kind.CLOSED, by="lab")
    assert flood_met(sent.events, exchange="1:x", at_least=11).outcome is Outcome.HOLDS


def test_a_lab_that_answers_before_the_end_of_a_request_is_judged_by_the_offence_that_it_takes() -> None:
    params: dict[str, Any] = {"exchange": "1:x", "effect": "response", "accept": [200], "early": "2:before"}

    def outcome(story: Story, *, early: int = 200, usual: str = "") -> Outcome:
        story.add(Kind.SENT, exchange="2:before").add(Kind.RECEIVED, exchange="2:before", status=early)
        if usual:
            story.add(Kind.RECEIVED, exchange="2:before", reset=8, error=usual)
        return not_served(story.events, **params).outcome

    assert outcome(got(status=200, stream=1)) is Outcome.UNKNOWN
    assert outcome(got(status=200, stream=1), early=408) is Outcome.FAILS
    offended = got(status=200, stream=1).add(Kind.RECEIVED, reset=8, error="CANCEL")
    assert outcome(offended) is Outcome.HOLDS
    offended = got(status=200, stream=1).add(Kind.RECEIVED, reset=8, error="CANCEL")
    assert outcome(offended, usual="CANCEL") is Outcome.UNKNOWN, "it stops every request that it has answered like that"


def test_an_answer_to_connect_that_ends_the_stream_is_no_tunnel() -> None:
    params: dict[str, Any] = {"exchange": "1:x", "effect": "tunnel"}
    story = got(status=200, stream=1, frame="HEADERS", flags=4)
    assert not_served(story.events, **params).outcome is Outcome.FAILS
    story.add(Kind.RECEIVED, stream=1, frame="DATA", flags=1)
    assert not_served(story.events, **params).outcome is Outcome.HOLDS


def test_a_lab_may_say_goodbye_in_peace_after_it_has_served() -> None:
    params: dict[str, Any] = {"exchange": "1:x", "streams": [1, 3], "accept": [201]}
    story = got(status=201, stream=1)
    assert served(story.events, **params).outcome is Outcome.FAILS
    story.add(Kind.RECEIVED, goaway=0, error="NO_ERROR")
    assert served(story.events, **params).outcome is Outcome.HOLDS
    assert served(got(goaway=0, error="NO_ERROR").events, **params).outcome is Outcome.FAILS
    closed = got(status=201, stream=1).add(Kind.ALERT, alert="close_notify")
    assert served(closed.events, **params).outcome is Outcome.HOLDS
    assert served(got(status=201, stream=1).add(Kind.CLOSED, by="lab").events, **params).outcome is Outcome.HOLDS
    reset = got(status=201, stream=1).add(Kind.ALERT, alert="internal_error")
    assert served(reset.events, **params).outcome is Outcome.FAILS


def test_a_lab_that_throttles_has_neither_served_nor_refused() -> None:
    story = got(status=429, stream=1, headers=[["retry-after", "1"]])
    params: dict[str, Any] = {"exchange": "1:x", "accept": [201]}
    assert served(story.events, streams=[1], **params).outcome is Outcome.UNKNOWN
    assert not_served(story.events, effect="response", **params).outcome is Outcome.UNKNOWN
