"""Access tokens: asked for, minted, and named when there is no way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.actors.keyed import keyed

from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.nftokens import described, mint, token_form
from imsproof.codec import jose
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.link.session import Session
    from imsproof.profile.sbi import Producer


def test_the_form_of_a_token_request_can_be_changed(consumer: NfConsumer, producer: Producer) -> None:
    other = {"nfInstanceId": "6d0f1c1e-0000-4000-8000-0000000000ff"}
    answer = consumer.token(producer, source="nrf", changes=other)
    assert (answer.status, answer.token) == (400, "")
    assert "scope" not in token_form(consumer.identity, producer, changes={"scope": None})


def test_a_minted_token_has_the_claims_of_the_profile(session: Session, tmp_path: Path) -> None:
    consumer = NfConsumer(session, keyed(tmp_path, kid="k1"), NfIdentity("as", instance_id="me"))
    parts = jose.parse_unverified(consumer.token(consumer.sbi.producers[0], claims={"aud": "NRF", "iat": None}).token)
    assert parts.header == {"alg": "ES256", "typ": "JWT", "kid": "k1"}
    assert {name: parts.claims[name] for name in ("iss", "sub", "aud", "scope")} == {
        "iss": "i",
        "sub": "me",
        "aud": "NRF",
        "scope": "nmf-mrm",
    }
    assert "iat" not in parts.claims


def test_a_key_of_the_wrong_kind_is_named(tmp_path: Path) -> None:
    sbi = keyed(tmp_path, algorithm="RS256")
    with pytest.raises(HarnessError, match=r"sbi\.tokens\.key"):
        mint(sbi, NfIdentity("as"), sbi.producers[0])


def test_a_token_is_described_by_what_it_says_and_lacks() -> None:
    token = jose.encode({"alg": "none"}, {"aud": ["a"], "scope": "s", "sub": "x"}, lambda _: b"")
    assert described(token) == "no iss, sub x, aud ['a'], scope s"
    assert described("opaque") == ""
