"""What became of a conversation: the effect counts, at whichever layer it shows."""

from __future__ import annotations

from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.effect import Result, effect
from imsproof.seams import Kind


def test_a_2xx_is_accepted_and_an_error_status_is_refused() -> None:
    accepted = Story().add(Kind.SENT).add(Kind.RECEIVED, status=201)
    refused = Story().add(Kind.SENT).add(Kind.RECEIVED, status=401)
    assert effect(accepted.events, "1:x").result is Result.ACCEPTED
    assert effect(refused.events, "1:x").result is Result.REFUSED


def test_a_provisional_answer_is_no_answer_yet() -> None:
    story = Story().add(Kind.SENT).add(Kind.RECEIVED, status=100).add(Kind.TIMEOUT)
    assert effect(story.events, "1:x").result is Result.SILENT


def test_what_says_that_nothing_arrives_there_is_told_with_the_silence() -> None:
    told = "ICMP: nobody takes ESP at 192.0.2.1 (protocol unreachable)"
    seen = effect(Story().add(Kind.SENT).add(Kind.TIMEOUT, unheard=told).events, "1:x")
    assert (seen.result, seen.how) == (Result.SILENT, f"did not answer ({told})")


def challenged() -> Story:
    """A SIP request that was challenged and sent again with credentials."""
    story = Story().add(Kind.SENT, sip="request", cseq="1 INVITE")
    story.add(Kind.RECEIVED, sip="response", status=407, cseq="1 INVITE").add(Kind.SENT, sip="request", cseq="1 ACK")
    return story.add(Kind.SENT, sip="request", cseq="2 INVITE")


def test_a_challenge_that_was_answered_decides_nothing() -> None:
    seen = effect(challenged().add(Kind.TIMEOUT).events, "1:x")
    assert (seen.result, seen.status) == (Result.SILENT, None)
    assert seen.how == "challenged with 407, and did not answer when that was answered"
    answered = challenged().add(Kind.RECEIVED, sip="response", status=486, cseq="2 INVITE")
    assert effect(answered.events, "1:x").status == 486


def test_a_challenge_that_is_only_acknowledged_is_a_refusal() -> None:
    story = Story().add(Kind.SENT, sip="request", cseq="1 INVITE")
    story.add(Kind.RECEIVED, sip="response", status=407, cseq="1 INVITE").add(Kind.SENT, sip="request", cseq="1 ACK")
    assert effect(story.events, "1:x").result is Result.REFUSED


def test_the_profile_may_say_which_statuses_are_acceptance() -> None:
    story = Story().add(Kind.SENT).add(Kind.RECEIVED, status=404)
    assert effect(story.events, "1:x", [404]).result is Result.ACCEPTED


def test_an_alert_after_a_completed_handshake_is_a_refusal() -> None:
    """With TLS 1.3 the client's handshake completes before the server looks at the client's certificate."""
    story = (
        Story().add(Kind.OPENED).add(Kind.HANDSHAKE, version="TLSv1.3").add(Kind.ALERT, alert="certificate_required")
    )
    seen = effect(story.events, "1:x")
    assert (seen.result, seen.alert) == (Result.REFUSED, "certificate_required")


def test_close_notify_after_a_handshake_is_no_refusal_of_the_handshake() -> None:
    story = Story().add(Kind.OPENED).add(Kind.HANDSHAKE, version="TLSv1.3").add(Kind.ALERT, alert="close_notify")
    assert effect(story.events, "1:x").result is Result.ACCEPTED


def test_a_handshake_alone_is_acceptance_when_nothing_was_asked() -> None:
    story = Story().add(Kind.OPENED).add(Kind.SENT).add(Kind.HANDSHAKE, version="TLSv1.2")
    assert effect(story.events, "1:x").result is Result.ACCEPTED


def test_a_request_that_is_met_by_a_close_is_refused() -> None:
    story = Story().add(Kind.OPENED).add(Kind.HANDSHAKE).add(Kind.SENT).add(Kind.CLOSED, by="lab")
    assert effect(story.events, "1:x").result is Result.REFUSED


def test_our_own_close_says_nothing_of_the_lab() -> None:
    story = Story().add(Kind.OPENED).add(Kind.HANDSHAKE).add(Kind.CLOSED, by="tester")
    assert effect(story.events, "1:x").result is Result.ACCEPTED


def test_a_refused_connection_is_unreachable_not_refused() -> None:
    story = Story().add(Kind.REFUSED, reason="refused", stage="connect")
    assert effect(story.events, "1:x").result is Result.UNREACHABLE


def test_whom_the_tester_refused_did_not_break_off() -> None:
    story = Story().add(Kind.SENT, transport="dtls").add(Kind.REFUSED, reason="why", stage="handshake", by="tester")
    assert effect(story.events, "1:x").how == "was refused by the tester (why)"


@pytest.mark.parametrize("facts", [{"reset": 7}, {"goaway": 1}])
def test_a_reset_stream_or_connection_is_a_refusal(facts: dict[str, Any]) -> None:
    story = Story().add(Kind.HANDSHAKE).add(Kind.SENT).add(Kind.RECEIVED, **facts)
    assert effect(story.events, "1:x").result is Result.REFUSED


def test_events_of_another_conversation_do_not_count() -> None:
    story = Story().add(Kind.SENT).add(Kind.RECEIVED, exchange="2:y", status=200).add(Kind.TIMEOUT)
    assert effect(story.events, "1:x").result is Result.SILENT


def test_nothing_recorded_is_unknown() -> None:
    assert effect([], "1:x").result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("status", "headers", "transport", "result"),
    [
        (429, [], "h2", Result.UNKNOWN),
        (503, [["Retry-After", "1"]], "http", Result.UNKNOWN),
        (503, [], "h2", Result.REFUSED),
        (429, [], "udp", Result.REFUSED),
    ],
)
def test_a_server_that_has_too_many_requests_has_not_looked_at_this_one(
    status: int, headers: list[list[str]], transport: str, result: Result
) -> None:
    story = Story().add(Kind.SENT, transport=transport)
    story.add(Kind.RECEIVED, transport=transport, status=status, headers=headers)
    assert effect(story.events, "1:x").result is result
