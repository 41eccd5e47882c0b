"""Who signed an OCSP response, and whether that one may (RFC 6960 section 4.2.2.2)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.x509 import ocsp


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` signed the certificate, by name and key; dates are not looked at."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def may_sign(certificate: x509.Certificate) -> bool:
    """Whether a certificate is for signing OCSP responses in its issuer's name (id-kp-OCSPSigning)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage


def signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    """Whether the response's signature verifies with the key of this certificate: ECDSA, RSA or EdDSA."""
    key, signature, text = signer.public_key(), response.signature, response.tbs_response_bytes
    try:
        algorithm = response.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    tries: list[Callable[[], None]] = []
    if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
        tries = [partial(key.verify, signature, text, ec.ECDSA(algorithm))]
    elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
        pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
        tries = [partial(key.verify, signature, text, one, algorithm) for one in (padding.PKCS1v15(), pss)]
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        tries = [partial(key.verify, signature, text)]
    return any(_holds(one) for one in tries)


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True
