"""What is served for which token, told by what crossed; refused requests are no occasions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.codec import jose
from imsproof.judge.predicates import seen_tokens
from imsproof.seams import Kind, Outcome

NOW = 1_767_225_600
CLAIMS: dict[str, Any] = {"iss": "n", "sub": "c", "aud": "MF", "scope": "nmf-mrm", "exp": NOW + 60}
SIGNED = {"alg": "ES256"}


def token(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token; ``None`` leaves a claim out."""
    held = {key: value for key, value in {**CLAIMS, **claims}.items() if value is not None}
    return jose.encode(header or SIGNED, held, lambda _: b"x")


def asked(text: str, status: int = 200, path: str = "/nmf-mrm/v1/contexts", **facts: Any) -> Story:
    """A request with a token, and its answer."""
    story = Story().add(
        Kind.SENT, "1", "h2", method="POST", path=path, headers=[["authorization", f"Bearer {text}"]], **facts
    )
    return story.add(Kind.SENT, "1", "h2", status=status, headers=[["server", "x"]])


@pytest.mark.parametrize(
    ("judge", "text", "wrong"),
    [
        (seen_tokens.seen_token_signed, token(), False),
        (seen_tokens.seen_token_signed, jose.unsecured(token()), True),
        (seen_tokens.seen_token_in_date, token(), False),
        (seen_tokens.seen_token_in_date, token(exp=NOW - 30), False),
        (seen_tokens.seen_token_in_date, token(exp=NOW - 90), True),
        (seen_tokens.seen_token_in_date, token(exp=None), True),
        (seen_tokens.seen_token_scope, token(scope="nudm-sdm nmf-mrm:read"), False),
        (seen_tokens.seen_token_scope, token(scope="nudm-sdm"), True),
        (seen_tokens.seen_token_audience, token(), False),
        (seen_tokens.seen_token_audience, token(aud="NRF"), True),
        (seen_tokens.seen_token_audience, token(aud=["5a4b2c1d-0000-4000-8000-000000000001"]), None),
    ],
)
def test_what_is_served_is_judged_by_its_token(judge: Any, text: str, wrong: bool | None) -> None:
    found = judge(asked(text).events)
    assert found.outcome is {True: Outcome.FAILS, False: Outcome.HOLDS, None: Outcome.UNKNOWN}[wrong]
    assert judge(asked(text, 401).events).events == ()


def test_an_audience_is_told_however_the_type_is_written() -> None:
    text = token(aud="IMS_AS", scope="nimsas-mc")
    assert seen_tokens.seen_token_audience(asked(text, path="/nimsas-mc/v1/x").events).outcome is Outcome.HOLDS


def issued(text: str, *headers: list[str]) -> Story:
    """A token that was issued."""
    story = Story().add(Kind.SENT, "1", "h2", method="POST", path="/oauth2/token", headers=[])
    body = json.dumps({"access_token": text}).encode()
    return story.add(Kind.SENT, "1", "h2", body, status=200, headers=list(headers))


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (token(), Outcome.HOLDS),
        (token(scope=None), Outcome.FAILS),
        (token(exp=NOW - 90), Outcome.FAILS),
        (jose.unsecured(token()), Outcome.FAILS),
        ("opaque", Outcome.FAILS),
    ],
)
def test_tokens_are_issued_signed_complete_and_in_date(text: str, outcome: Outcome) -> None:
    assert seen_tokens.seen_issued_token(issued(text).events).outcome is outcome


def test_answers_with_a_token_say_that_they_must_not_be_stored() -> None:
    assert seen_tokens.seen_token_not_stored(issued(token()).events).outcome is Outcome.FAILS
    kept = issued(token(), ["cache-control", "no-store"])
    assert seen_tokens.seen_token_not_stored(kept.events).outcome is Outcome.HOLDS


def test_the_sbi_in_clear_is_doubtful_and_wrong_where_tls_is_claimed() -> None:
    story = asked(token(), clear=True)
    assert seen_tokens.seen_sbi_clear(story.events).outcome is Outcome.UNKNOWN
    assert seen_tokens.seen_sbi_clear(story.events, claimed=True).outcome is Outcome.FAILS
    assert seen_tokens.seen_sbi_clear(asked(token(), 403, clear=True).events, claimed=True).outcome is Outcome.HOLDS


def test_a_version_in_an_answer_is_wrong() -> None:
    assert seen_tokens.seen_sbi_product(asked(token()).events).outcome is Outcome.HOLDS
    story = Story().add(Kind.SENT, "1", "h2", method="GET", path="/x", headers=[])
    story.add(Kind.SENT, "1", "h2", status=200, headers=[["server", "nginx/1.22.1"]])
    assert seen_tokens.seen_sbi_product(story.events).outcome is Outcome.FAILS
