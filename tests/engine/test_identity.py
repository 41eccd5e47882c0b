"""Self-signed identities and fingerprints."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from imsproof.engine.identity import fingerprint, fingerprint_matches, make_identity


def test_the_fingerprint_is_the_certificates_hash_as_the_library_computes_it() -> None:
    identity = make_identity()
    assert identity.sha256 == identity.certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    assert identity.sdp_fingerprint == f"SHA-256 {identity.sha256}"


def test_letter_case_and_outer_space_of_a_fingerprint_are_free() -> None:
    identity = make_identity()
    assert fingerprint_matches(identity.der, f" sha-256 {identity.sha256.lower()} ")
    assert fingerprint_matches(identity.der, f"SHA-1 {fingerprint(identity.der, 'sha-1')}")


@pytest.mark.parametrize("line", ["", "SHA-256", "SHA-256 00:11", "CRC-32 AA:BB:CC:DD"])
def test_a_malformed_or_unknown_fingerprint_matches_nothing(line: str) -> None:
    assert not fingerprint_matches(make_identity().der, line)


def test_an_unknown_hash_function_is_named() -> None:
    with pytest.raises(ValueError, match="'crc-32' is not one of"):
        fingerprint(b"", "crc-32")


def test_expired_and_rsa_identities_can_be_made() -> None:
    identity = make_identity("rsa", days=-1, hash_name="sha-384")
    assert isinstance(identity.key, rsa.RSAPrivateKey)
    assert identity.certificate.not_valid_after_utc < dt.datetime.now(dt.UTC)
    assert identity.pem.startswith(b"-----BEGIN CERTIFICATE")
