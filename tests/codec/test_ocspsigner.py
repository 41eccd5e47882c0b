"""Who signed an OCSP response: keys of each kind, and whose certificate is for it."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from imsproof.codec.ocspsigner import issued, may_sign, signed_by

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, Key] = {
    "ECDSA": ec.generate_private_key(ec.SECP256R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def digest(key: Key) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def certificate(key: Key, name: str = "x", usage: x509.ObjectIdentifier | None = None) -> x509.Certificate:
    """A certificate of its own making."""
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(who, who, key.public_key(), 1, NOW, NOW + dt.timedelta(days=1))
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(key, digest(key))


def response(signer: x509.Certificate, key: Key) -> ocsp.OCSPResponse:
    builder = ocsp.OCSPResponseBuilder().add_response(
        signer, signer, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, None, None, None
    )
    return builder.responder_id(ocsp.OCSPResponderEncoding.NAME, signer).sign(key, digest(key))


@pytest.mark.parametrize("kind", KEYS)
def test_a_response_is_its_signer_s_and_nobody_else_s(kind: str) -> None:
    own = certificate(KEYS[kind])
    answer = response(own, KEYS[kind])
    assert [signed_by(answer, certificate(key)) for key in KEYS.values()] == [name == kind for name in KEYS]


def test_only_a_certificate_for_ocsp_signing_may_sign() -> None:
    key = KEYS["ECDSA"]
    assert may_sign(certificate(key, usage=ExtendedKeyUsageOID.OCSP_SIGNING))
    assert not may_sign(certificate(key, usage=ExtendedKeyUsageOID.CLIENT_AUTH))
    assert not may_sign(certificate(key))


def test_who_issued_a_certificate_is_known_by_name_and_key() -> None:
    key = KEYS["ECDSA"]
    assert issued(certificate(key), certificate(key))
    assert not issued(certificate(key), certificate(key, "y"))
    assert not issued(certificate(key), certificate(KEYS["RSA"]))
