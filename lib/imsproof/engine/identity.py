"""Self-signed certificates of media peers, and their fingerprints (RFC 8122 section 5)."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_SIGNATURE_HASHES: dict[str, type[hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha-224": hashes.SHA224,
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}


FINGERPRINT_HASHES = ("sha-256", "sha-384", "sha-512", "sha-224", "sha-1", "md5")
"""Hash functions of RFC 8122 that are known here; the last two are weak, and there for what a weak peer sends."""


def fingerprint(der: bytes, algorithm: str = "sha-256") -> str:
    """Return a certificate's hash as RFC 8122 writes it: upper-case hexadecimal bytes with colons.

    Raises:
        ValueError: the hash function is not known here.
    """
    name = algorithm.lower()
    if name not in FINGERPRINT_HASHES:
        raise ValueError(f"hash function {algorithm!r} is not one of {', '.join(FINGERPRINT_HASHES)}")
    digest = hashlib.new(name.replace("-", ""), der, usedforsecurity=False).digest()
    return digest.hex(":").upper()


def fingerprint_matches(der: bytes, line: str) -> bool:
    """Tell whether an SDP fingerprint (``SHA-256 AA:BB:..``) is that of the certificate; letter case is free.

    An unknown hash function or a malformed line matches nothing.
    """
    algorithm, _, value = line.strip().partition(" ")
    try:
        return fingerprint(der, algorithm) == value.strip().upper()
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Identity:
    """A key and its certificate. ``key`` is never written anywhere."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def sha256(self) -> str:
        """The SHA-256 fingerprint, upper-case with colons."""
        return fingerprint(self.der)

    @property
    def sdp_fingerprint(self) -> str:
        """The value of ``a=fingerprint``: ``SHA-256 AA:BB:..``."""
        return f"SHA-256 {self.sha256}"


def make_identity(
    kind: Literal["ec", "rsa"] = "ec",
    *,
    hash_name: str = "sha-256",
    days: float = 30,
    name: str = "imsproof",
    rsa_bits: int = 2048,
) -> Identity:
    """Make a self-signed certificate, as media peers use them.

    Args:
        kind: ``ec`` is P-256.
        hash_name: of the signature (SHA-2 family; the library signs with nothing weaker).
        days: validity from now; negative makes an expired one.
        name: the common name.
        rsa_bits: size of an RSA key; below 2048 it is weak on purpose.
    """
    key: PrivateKey = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else _rsa(rsa_bits)
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    not_after = now + dt.timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, not_after) - dt.timedelta(days=1))
        .not_valid_after(not_after)
        .sign(key, _SIGNATURE_HASHES[hash_name.lower()]())
    )
    return Identity(key, certificate)


def _rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)
