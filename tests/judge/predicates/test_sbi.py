"""Predicates of the SBI alone: traps, headers, issued tokens, search results."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.judge.events import Story

from imsproof.codec import jose
from imsproof.judge.predicates.sbi import (
    json_equals,
    nobody_came,
    not_discovered,
    refused_in_form,
    response_header,
    token_audience,
    token_claims,
    token_lifetime,
    token_scope,
    token_signed,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
X = "1:x"
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode("ascii")
)
STORY_TIME = 1_767_225_600
"""When the events of a story happen: 2026-01-01, in seconds since 1970."""
GOOD: dict[str, Any] = {"sub": "me", "aud": ["a"], "scope": "s", "exp": STORY_TIME + 600}


def issued(claims: dict[str, Any], key: ec.EllipticCurvePrivateKey = KEY) -> Story:
    return answered({"access_token": jose.encode({"alg": "ES256"}, claims, jose.signer("ES256", key))})


def answered(body: Any, status: int = 200, **headers: str) -> Story:
    pairs = [[name.replace("_", "-"), value] for name, value in headers.items()]
    story = Story().add(Kind.OPENED).add(Kind.HANDSHAKE).add(Kind.SENT, transport="h2")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return story.add(Kind.RECEIVED, transport="h2", data=data, status=status, headers=pairs)


def test_a_trap_that_nobody_watched_proves_nothing() -> None:
    assert nobody_came([], exchange=X).outcome is U
    watched = Story().add(Kind.NOTE, listening=True)
    assert nobody_came(watched.events, exchange=X).outcome is H
    assert nobody_came(watched.add(Kind.RECEIVED).events, exchange=X).outcome is F


def test_a_directive_is_looked_for_among_several() -> None:
    story = answered({}, cache_control="private, No-Store")
    assert response_header(story.events, exchange=X, name="Cache-Control", contains="no-store").outcome is H
    assert response_header(story.events, exchange=X, name="Cache-Control", contains="no-cache").outcome is F
    assert response_header([], exchange=X, name="a", contains="b").outcome is U


def test_claims_may_be_lists_and_every_member_counts() -> None:
    good = issued(GOOD).events
    assert token_claims(good, exchange=X, expected={"sub": ["ME"], "aud": ["a", "b"]}).outcome is H
    assert token_claims(good, exchange=X, expected={"iss": ["nrf"]}).outcome is F
    more = issued({**GOOD, "aud": ["a", "c"]}).events
    assert token_claims(more, exchange=X, expected={"aud": ["a"]}).outcome is F


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token": "opaque"}', b'{"access_token": 7}'])
def test_what_is_no_token_cannot_be_told(body: bytes) -> None:
    events = answered(body).events
    assert token_claims(events, exchange=X, expected={"sub": ["me"]}).outcome is U
    assert token_signed(events, exchange=X).outcome is U


def test_a_refused_request_issued_nothing() -> None:
    assert token_scope(answered({}, status=400).events, exchange=X, allowed=["s"]).outcome is U


@pytest.mark.parametrize(("scope", "outcome"), [("s", H), ("s t", H), ("s u", F), ("", F), (None, F)])
def test_scope_beyond_what_was_asked_for_is_a_flaw(scope: object, outcome: Outcome) -> None:
    assert token_scope(issued({**GOOD, "scope": scope}).events, exchange=X, allowed=["s", "t"]).outcome is outcome


@pytest.mark.parametrize(
    ("exp", "outcome"),
    [(STORY_TIME + 600, H), (STORY_TIME - 1, F), (STORY_TIME + 90_000, F), (None, F), ("soon", F), (True, F)],
)
def test_a_token_expires_in_time(exp: object, outcome: Outcome) -> None:
    assert token_lifetime(issued({**GOOD, "exp": exp}).events, exchange=X, longest=86_400).outcome is outcome


def test_the_signature_is_held_against_the_key() -> None:
    assert token_signed(issued(GOOD).events, exchange=X, public_key=PEM).outcome is H
    assert token_signed(issued(GOOD).events, exchange=X).outcome is H
    stranger = issued(GOOD, ec.generate_private_key(ec.SECP256R1()))
    assert token_signed(stranger.events, exchange=X, public_key=PEM).outcome is F
    assert token_signed(issued(GOOD).events, exchange=X, public_key="no key").outcome is U


def test_an_unsecured_token_is_not_signed() -> None:
    text = jose.unsecured(jose.encode({"alg": "ES256"}, GOOD, jose.signer("ES256", KEY)))
    assert token_signed(answered({"access_token": text}).events, exchange=X).outcome is F


def test_a_json_value_is_found_by_its_path() -> None:
    events = answered({"a": {"b": 1}}).events
    assert json_equals(events, exchange=X, path=["a", "b"], value=1).outcome is H
    assert json_equals(events, exchange=X, path=["a", "b", "c"], value=1).outcome is F
    assert json_equals(answered(b"no").events, exchange=X, path=["a"], value=1).outcome is U
    assert json_equals([], exchange=X, path=["a"], value=1).outcome is U


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        ({"nfInstances": [{"nfInstanceId": "ID", "nfType": "MF"}]}, 200, F),
        ({"nfInstances": [{"nfInstanceId": "other", "nfType": "MF"}]}, 200, H),
        ({"nfInstances": []}, 200, H),
        ({}, 403, H),
        ([], 200, U),
        ({"nfInstances": [7]}, 200, U),
    ],
)
def test_a_search_result_shows_the_instance_or_not(body: Any, status: int, outcome: Outcome) -> None:
    events = answered(body, status).events
    assert not_discovered(events, exchange=X, instance_id="id", nf_type="MF").outcome is outcome


def test_without_an_instance_id_the_type_is_looked_for() -> None:
    events = answered({"nfInstances": [{"nfInstanceId": "x", "nfType": "MF"}]}).events
    assert not_discovered(events, exchange=X, nf_type="MF").outcome is F
    assert not_discovered(events, exchange=X, nf_type="AS").outcome is H


def test_a_refusal_is_in_form_by_alert_or_status() -> None:
    form = {"alerts": ["unknown_ca"], "statuses": [400]}
    alert = Story().add(Kind.OPENED).add(Kind.ALERT, alert="unknown_ca")
    assert refused_in_form(alert.events, exchange=X, **form).outcome is H
    assert refused_in_form(answered({}, 400).events, exchange=X, **form).outcome is H
    assert refused_in_form(answered({}, 500).events, exchange=X, **form).outcome is F


def test_the_story_is_not_told_by_the_clock() -> None:
    """A judgement made later is the same: the journal's time counts."""
    assert time.time() > STORY_TIME
    assert token_lifetime(issued(GOOD).events, exchange=X, longest=600).outcome is H


ONE, TWO = "6d0f1c1e-0000-4000-8000-000000000050", "6d0f1c1e-0000-4000-8000-000000000051"


@pytest.mark.parametrize(
    ("audience", "instance_id", "outcome"),
    [
        ("MF", "", H),
        ([ONE, TWO], ONE, H),
        ([TWO], "", H),
        ([ONE.upper()], ONE, H),
        ([TWO], ONE, F),
        (["MF", "UDR"], ONE, F),
        ([], ONE, F),
        (None, ONE, F),
        ({}, "", F),
    ],
)
def test_a_token_is_for_the_type_that_was_asked_for(audience: Any, instance_id: str, outcome: Outcome) -> None:
    events = issued({**GOOD, "aud": audience}).events
    assert token_audience(events, exchange=X, nf_type="MF", instance_id=instance_id).outcome is outcome


def test_where_no_token_was_issued_nothing_is_said_of_its_audience() -> None:
    assert token_audience(answered({}, 400).events, exchange=X, nf_type="MF").outcome is U
