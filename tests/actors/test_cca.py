"""Client credentials assertions: signed with the consumer's certificate, and wrong where they are told to be."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from joserfc import jws

from imsproof.actors.cca import assertion
from imsproof.actors.nfidentity import NfIdentity
from imsproof.codec.jose import parse_unverified
from imsproof.lab.pki import make_pki
from imsproof.lab.sbi.signature import certificate_key
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from joserfc.jwk import ECKey


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> NfIdentity:
    pki = make_pki(tmp_path_factory.mktemp("pki"))
    name = "tester-as"
    return NfIdentity("as", pki.certificate(name).read_bytes(), pki.key(name).read_bytes(), "IMS_AS", "an-instance")


def test_an_assertion_is_signed_by_the_certificate_that_it_shows(identity: NfIdentity) -> None:
    text = assertion(identity, "MF")
    header, claims, _ = parse_unverified(text)
    shown = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    registry = jws.JWSRegistry(algorithms=["ES256"])
    registry.max_header_length = 8192
    key: ECKey = certificate_key(shown)
    assert jws.deserialize_compact(text, key, registry=registry).payload
    assert (claims["sub"], claims["aud"]) == ("an-instance", ["MF"])
    assert claims["exp"] > claims["iat"]


def test_claims_header_and_times_can_be_wrong(identity: NfIdentity) -> None:
    text = assertion(identity, "MF", claims={"sub": "x"}, header={"x5c": None, "x5u": "http://h/"}, offset=-3600)
    header, claims, _ = parse_unverified(text)
    assert claims["sub"] == "x"
    assert "x5c" not in header
    assert header["x5u"] == "http://h/"
    assert claims["iat"] < parse_unverified(assertion(identity, "MF")).claims["iat"] - 3000


def test_without_a_certificate_there_is_no_assertion(identity: NfIdentity) -> None:
    with pytest.raises(InconclusiveError):
        assertion(identity.without_certificate(), "MF")
