"""Accepted, refused, in which form, and still alive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.answer import accepted, alert_in, oauth_error, refused, serves, status_in
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def answered(status: int, **facts: Any) -> Story:
    return Story().add(Kind.OPENED).add(Kind.SENT).add(Kind.RECEIVED, status=status, **facts)


def test_accepted_and_refused_are_opposites_where_the_lab_answered() -> None:
    for status in (200, 204, 302, 400, 401, 500):
        events = answered(status).events
        assert {accepted(events, exchange="1:x").outcome, refused(events, exchange="1:x").outcome} == {H, F}


def test_a_server_that_wanted_a_certificate_was_not_asked_rightly() -> None:
    story = Story().add(Kind.OPENED).add(Kind.ALERT, alert="handshake_failure", wanted="client certificate")
    told = accepted(story.events, exchange="1:x")
    assert told.outcome is U
    assert "sbi.consumers" in told.sentence
    assert refused(story.events, exchange="1:x").outcome is H
    broken = Story().add(Kind.OPENED).add(Kind.REFUSED, stage="handshake", wanted="client certificate")
    assert accepted(broken.events, exchange="1:x").outcome is U


def test_silence_refuses_and_does_not_accept() -> None:
    events = Story().add(Kind.OPENED).add(Kind.SENT).add(Kind.TIMEOUT).events
    assert accepted(events, exchange="1:x").outcome is F
    assert refused(events, exchange="1:x").outcome is H


def test_a_lab_that_cannot_be_reached_accepts_nothing_but_is_not_judged_for_it() -> None:
    events = Story().add(Kind.REFUSED, reason="refused", stage="connect").events
    assert accepted(events, exchange="1:x").outcome is U


def test_the_form_is_graded_by_status_and_by_alert() -> None:
    assert status_in(answered(403).events, exchange="1:x", statuses=[401, 403]).outcome is H
    assert status_in(answered(500).events, exchange="1:x", statuses=[401, 403]).outcome is F
    events = Story().add(Kind.OPENED).add(Kind.ALERT, alert="protocol_version").events
    assert alert_in(events, exchange="1:x", alerts=["protocol_version"]).outcome is H
    assert alert_in(events, exchange="1:x", alerts=["handshake_failure"]).outcome is F


@pytest.mark.parametrize(
    "story",
    [
        answered(401, headers=[["www-authenticate", 'Bearer realm="mf", error="invalid_token"']]),
        answered(401, headers=[["WWW-Authenticate", "Bearer error=invalid_token"]]),
        Story().add(Kind.RECEIVED, status=400, data=json.dumps({"error": "invalid_token"}).encode()),
        Story().add(
            Kind.RECEIVED, status=400, data=json.dumps({"accessTokenError": {"error": "invalid_token"}}).encode()
        ),
    ],
)
def test_the_oauth_error_is_found_where_the_rfcs_put_it(story: Story) -> None:
    assert oauth_error(story.events, exchange="1:x", errors=["invalid_token"]).outcome is H


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'"text"', b"\xff"])
def test_a_body_that_is_no_json_names_no_error_and_breaks_nothing(body: bytes) -> None:
    story = Story().add(Kind.RECEIVED, status=400, data=body)
    assert oauth_error(story.events, exchange="1:x", errors=["invalid_token"]).outcome is F


def test_a_throttled_source_is_no_dead_lab() -> None:
    story = Story().add(Kind.SENT, exchange="1:a").add(Kind.TIMEOUT, exchange="1:a")
    story.add(Kind.SENT, exchange="2:b").add(Kind.RECEIVED, exchange="2:b", status=200)
    throttled = serves(story.events, exchanges=["1:a", "2:b"])
    assert throttled.outcome is H
    assert "throttled" in throttled.sentence
    assert serves(story.events, exchanges=["1:a"]).outcome is F


def test_the_servers_own_words_tell_why_a_control_was_not_accepted() -> None:
    story = Story().add(Kind.SENT).add(Kind.RECEIVED, status=400, data=b'{"cause": "C", "detail": "no media"}')
    assert accepted(story.events, exchange="1:x").sentence == "1:x: the lab answered 400 (C: no media)"
    story = Story().add(Kind.SENT).add(Kind.RECEIVED, status=400, data=b"<html>")
    assert accepted(story.events, exchange="1:x").sentence == "1:x: the lab answered 400"


def test_a_lab_that_is_gone_no_longer_serves_and_one_that_throttles_may() -> None:
    gone = Story().add(Kind.REFUSED, transport="tcp", stage="connect", reason="refused")
    assert serves(gone.events, exchanges=["1:x"]).outcome is F
    assert accepted(gone.events, exchange="1:x").outcome is U
    slow = Story().add(Kind.SENT, transport="h2").add(Kind.RECEIVED, transport="h2", status=429)
    assert serves(slow.events, exchanges=["1:x"]).outcome is U


def test_a_redirection_says_where_it_leads() -> None:
    told = accepted(answered(307, headers=[["Location", "https://other/x"]]).events, exchange="1:x")
    assert "leads to https://other/x" in told.sentence
    assert accepted(answered(304, headers=[]).events, exchange="1:x").sentence.endswith("answered 304")


def test_a_producer_that_answers_401_may_lack_a_token_or_not_like_it() -> None:
    def asked(path: str, *headers: list[str], status: int = 401) -> str:
        story = Story().add(Kind.SENT, transport="h2", method="GET", path=path, headers=list(headers))
        return accepted(
            story.add(Kind.RECEIVED, transport="h2", status=status, headers=[]).events, exchange="1:x"
        ).sentence

    assert "fill in sbi.tokens" in asked("/things")
    assert "see sbi.tokens" in asked("/things", ["Authorization", "Bearer a.b.c"])
    assert asked("/things", status=404).endswith("answered 404")
    assert asked("/oauth2/token").endswith("answered 401")
    story = Story().add(Kind.NOTE, says="no iss").add(Kind.SENT, transport="h2")
    told = accepted(story.add(Kind.RECEIVED, transport="h2", status=401).events, exchange="1:x").sentence
    assert "which says no iss" in told


def refused_register(response: str, status: int, *, injected: bool = False, autn: str = "") -> str:
    data = f'REGISTER sip:x SIP/2.0\r\nAuthorization: Digest nonce="n", response="{response}"\r\n\r\n'.encode()
    story = Story().add(Kind.SENT, data=data, sip="request", injected=injected)
    if autn:
        story.add(Kind.NOTE, autn=autn)
    return accepted(story.add(Kind.RECEIVED, status=status).events, exchange="1:x").sentence


def test_a_refused_answer_to_a_challenge_says_what_may_be_wrong_in_the_profile() -> None:
    assert "the profile's password" in refused_register("12ab", 403)
    assert "the profile's password" not in refused_register("12ab", 403, injected=True)
    assert "the profile's password" not in refused_register("", 403)
    assert "the profile's password" not in refused_register("12ab", 480)
    assert "MAC in AUTN" in refused_register("", 401, autn="wrong-mac")


@pytest.mark.parametrize(
    ("sent", "answer", "outcome"),
    [
        (b"", b"SIP/2.0 421 x\r\nRequire: sec-agree\r\n\r\n", U),
        (b"", b"SIP/2.0 494 x\r\nSecurity-Server: ipsec-3gpp\r\n\r\n", U),
        (b"Security-Client: ipsec-3gpp\r\n", b"SIP/2.0 494 x\r\nSecurity-Server: ipsec-3gpp\r\n\r\n", F),
        (b"", b"SIP/2.0 421 x\r\nRequire: 100rel\r\n\r\n", F),
    ],
)
def test_who_was_to_agree_first_is_told_what_the_profile_lacks(sent: bytes, answer: bytes, outcome: Outcome) -> None:
    story = Story().add(Kind.SENT, data=b"REGISTER sip:x SIP/2.0\r\n" + sent + b"\r\n", sip="request")
    told = accepted(story.add(Kind.RECEIVED, data=answer, status=int(answer[8:11])).events, exchange="1:x")
    assert told.outcome is outcome
    assert ("sec_agree_required" in told.sentence) is (outcome is U)
