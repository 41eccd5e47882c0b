from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from imsproof.profile.gm import Gm, Subscriber

AKA: dict[str, Any] = {"name": "a", "impi": "a@x", "impus": ["sip:a@x", "tel:+49301"], "k": "00" * 16, "opc": "11" * 16}
DIGEST: dict[str, Any] = {"name": "b", "impi": "b@x", "impus": ["sip:b@x"], "password": "secret words"}


def test_a_subscriber_authenticates_by_the_secret_that_it_has() -> None:
    assert Subscriber.model_validate(AKA).auth == "aka"
    assert Subscriber.model_validate(DIGEST).auth == "digest"


def test_secrets_are_not_in_the_text_of_a_subscriber() -> None:
    assert "\\x11" not in repr(Subscriber.model_validate(AKA))
    assert "secret words" not in repr(Subscriber.model_validate(DIGEST))


def test_the_first_public_identity_is_the_one_that_is_used() -> None:
    assert Subscriber.model_validate(AKA).impu == "sip:a@x"


@pytest.mark.parametrize("impu", ["a@x", "sip:a", "mailto:a@x", "sip:a b@x", "tel:", "<sip:a@x>"])
def test_a_public_identity_is_a_sip_or_tel_uri(impu: str) -> None:
    with pytest.raises(ValidationError):
        Subscriber.model_validate(AKA | {"impus": [impu]})


def test_registrar_and_realm_follow_from_the_domain_unless_given() -> None:
    plain = Gm.model_validate({"domain": "x"})
    assert (plain.registrar, plain.digest_realm) == ("sip:x", "x")
    given = Gm.model_validate({"domain": "x", "registrar_uri": "sip:r.x", "realm": "y"})
    assert (given.registrar, given.digest_realm) == ("sip:r.x", "y")


def test_transports_are_those_with_an_address() -> None:
    gm = Gm.model_validate({"domain": "x", "tls": "[::1]:5061", "udp": "192.0.2.1:5060"})
    assert gm.transports() == {"udp": ("192.0.2.1", 5060), "tls": ("::1", 5061)}


def test_a_subscriber_is_found_by_name() -> None:
    gm = Gm.model_validate({"domain": "x", "subscribers": [AKA, DIGEST]})
    assert gm.subscriber("b").impi == "b@x"
    with pytest.raises(KeyError):
        gm.subscriber("nobody")
