"""The shortcuts around a token's signature: none in the conformant lab, each where its fault is planted."""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from imsproof.codec import jose
from imsproof.lab.pki import Pki, make_pki
from imsproof.lab.sbi.policy import SbiPolicy
from imsproof.lab.sbi.signature import TokenError, certificate_of, taken_for_good, verify

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, ATTACKER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
GOOD = jose.encode({"alg": "ES256"}, {"sub": "x"}, jose.signer("ES256", KEY))
SHORTCUTS: dict[str, tuple[str, Any]] = {
    "none": (jose.unsecured(GOOD, "nOne"), {"accept_alg_none": True}),
    "tampered": (jose.tampered_signature(GOOD), {"check_signature": False}),
    "kid": (jose.with_kid(GOOD, ATTACKER, "x"), {"trust_unknown_kid": True}),
    "jwk": (jose.with_key_in_header(GOOD, ATTACKER), {"trust_header_key": True}),
    "crit": (jose.with_critical(GOOD, jose.signer("ES256", KEY)), {"check_critical": False}),
    "hmac": (jose.hmac_with_public_key(GOOD, PEM), {"accept_hmac_with_public_key": True}),
}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


def taken(token: str, ca: bytes, **policy: Any) -> bool:
    header, _, signature = jose.parse_unverified(token)
    return taken_for_good(token, header, signature, dataclasses.replace(SbiPolicy(), **policy), PEM, ca)


@pytest.mark.parametrize("name", SHORTCUTS)
def test_a_shortcut_is_open_under_its_fault_only(name: str, pki: Pki) -> None:
    token, fault = SHORTCUTS[name]
    ca = pki.ca.read_bytes()
    assert not taken(token, ca)
    assert taken(token, ca, **fault)
    with pytest.raises(TokenError):
        verify(token, ECKey.import_key(PEM))


def x5c(pki: Pki, name: str) -> str:
    certificate = x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())
    key = serialization.load_pem_private_key(pki.key(name).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode("ascii")
    return jose.resigned(GOOD, jose.signer("ES256", key), header={"alg": "ES256", "x5c": [der]})


def test_a_certificate_in_the_header_counts_under_its_fault_and_only_from_the_anchor(pki: Pki) -> None:
    ca = pki.ca.read_bytes()
    assert not taken(x5c(pki, "tester-as"), ca)
    assert taken(x5c(pki, "tester-as"), ca, trust_certificate_chain=True)
    with pytest.raises(TokenError):
        taken(x5c(pki, "rogue"), ca, trust_certificate_chain=True)


BAD: list[Callable[[], object]] = [lambda: None, lambda: "x", list, lambda: ["!"], lambda: [7], lambda: ["YQ=="]]


@pytest.mark.parametrize("make", BAD)
def test_odd_certificates_in_a_header_are_refused(make: Callable[[], object], pki: Pki) -> None:
    with pytest.raises(TokenError):
        certificate_of({"x5c": make()}, pki.ca.read_bytes())


def test_the_good_token_verifies() -> None:
    assert verify(GOOD, ECKey.import_key(PEM)) == b'{"sub":"x"}'
