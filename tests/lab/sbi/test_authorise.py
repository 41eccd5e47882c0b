"""Access tokens at a producer: each wrong one is refused, and taken under exactly the fault that is planted for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from imsproof.codec import jose
from imsproof.lab import nodes

ATTACKER = ec.generate_private_key(ec.SECP256R1())
Make = Callable[[Any], str]


def from_now(seconds: float) -> int:
    return int(time.time() + seconds)


WRONG: dict[str, tuple[Make, int, str]] = {
    "signature": (lambda lab: jose.tampered_signature(lab.token()), 401, "token.signature_ignored"),
    "attacker's key": (
        lambda lab: jose.resigned(lab.token(), jose.signer("ES256", ATTACKER)),
        401,
        "token.signature_ignored",
    ),
    "alg none": (lambda lab: jose.unsecured(lab.token(), "nOnE"), 401, "token.none_accepted"),
    "hmac": (
        lambda lab: jose.hmac_with_public_key(lab.token(), lab.pki.token_public_key.read_bytes()),
        401,
        "token.hmac_with_public_key_accepted",
    ),
    "issuer": (lambda lab: lab.token(iss=nodes.MF.instance_id), 401, "token.issuer_ignored"),
    "audience type": (lambda lab: lab.token(aud="NRF"), 401, "token.audience_ignored"),
    "audience instance": (lambda lab: lab.token(aud=[nodes.NRF.instance_id]), 401, "token.audience_ignored"),
    "no audience": (lambda lab: lab.token(aud=None), 401, "token.audience_ignored"),
    "scope": (lambda lab: lab.token(scope="nimsas-mc"), 403, "token.scope_ignored"),
    "scope prefix": (lambda lab: lab.token(scope="nmf-mrm2"), 403, "token.scope_ignored"),
    "expired": (lambda lab: lab.token(exp=from_now(-60)), 401, "token.expiry_ignored"),
    "no expiry": (lambda lab: lab.token(exp=None), 401, "token.expiry_ignored"),
    "issued in the future": (lambda lab: lab.token(iat=from_now(120)), 401, "token.issued_ignored"),
    "not before": (lambda lab: lab.token(nbf=from_now(120)), 401, "token.issued_ignored"),
    "subject": (lambda lab: lab.token(sub=nodes.TESTER_SECOND_AS.instance_id), 401, "token.subject_ignored"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_refused_and_its_fault_takes_it(lab: Any, name: str) -> None:
    make, status, fault = WRONG[name]
    headers = {"authorization": f"Bearer {make(lab)}"}
    answer = lab.create(headers=headers)
    assert answer.status_code == status
    error = "insufficient_scope" if status == 403 else "invalid_token"
    assert f'error="{error}"' in answer.headers["www-authenticate"]
    assert answer.json()["accessTokenError"] == {"error": error}
    assert lab.mf.contexts == 0
    lab.fault(fault)
    assert lab.create(headers=headers).status_code == 201


@pytest.mark.parametrize("aud", ["MF", [nodes.MF.instance_id], [nodes.NRF.instance_id, nodes.MF.instance_id]])
def test_type_and_instance_are_good_audiences(lab: Any, aud: object) -> None:
    assert lab.create(headers=lab.bearer(aud=aud)).status_code == 201


def test_one_of_several_scopes_is_enough(lab: Any) -> None:
    assert lab.create(headers=lab.bearer(scope="nimsas-mc nmf-mrm")).status_code == 201


def test_no_token_is_refused_without_an_error_code(lab: Any) -> None:
    """RFC 6750 section 3.1: no authentication information, no error code."""
    answer = lab.create(headers={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="mf.ims.example"'
    lab.fault("token.not_required")
    assert lab.create(headers={}).status_code == 201


def test_a_token_that_is_given_is_checked_even_where_none_is_required(lab: Any) -> None:
    lab.fault("token.not_required")
    assert lab.create(headers=lab.bearer(aud="NRF")).status_code == 401


def test_two_authorization_headers_are_refused(lab: Any) -> None:
    given = [("authorization", f"Bearer {lab.token()}")] * 2
    assert lab.create(headers=given).status_code == 400


def test_a_token_in_the_query_does_not_count(lab: Any) -> None:
    path = f"/nmf-mrm/v1/contexts?access_token={lab.token()}"
    assert lab.request(nodes.MF, "POST", path, json=lab.media_context()).status_code == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer a b", "Bearer ..", "Bearer a.b.c", "x" * 20_000])
def test_what_is_no_bearer_token_is_refused(lab: Any, header: str) -> None:
    assert lab.create(headers={"authorization": header}).status_code == 401


def test_a_claim_given_twice_is_refused(lab: Any) -> None:
    token = jose.with_duplicate_claim(lab.token(), jose.signer("ES256", lab.signing_key), "aud", "NRF")
    assert lab.create(headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_hostile_header_members_are_refused(lab: Any) -> None:
    sign = jose.signer("ES256", lab.signing_key)
    for token in (
        jose.with_key_in_header(lab.token(), ATTACKER),
        jose.with_key_at(lab.token(), ATTACKER, "x5u", "https://127.0.0.1/x"),
        jose.with_critical(lab.token(), sign),
        jose.zero_signature(lab.token()),
        jose.stripped(lab.token()),
    ):
        assert lab.create(headers={"authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("exp", ["4000000000", True, [], float("inf")])
def test_an_expiry_of_the_wrong_kind_is_refused(lab: Any, exp: object) -> None:
    assert lab.create(headers=lab.bearer(exp=exp)).status_code == 401
