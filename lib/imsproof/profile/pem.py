"""Do the PEM files that a profile names hold certificates, and keys that belong to them?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.profile.sbi import KeyPair

MAX_BYTES = 1 << 20


def wrong_certificates(path: Path) -> str:
    """Say what is wrong with a file of certificates; ``""`` when it holds at least one that can be read."""
    try:
        found = x509.load_pem_x509_certificates(_read(path))
    except (OSError, ValueError) as error:
        return f"{path} holds no certificate that can be read ({_inside(path) or _brief(error)})"
    return "" if found else f"{path} holds no certificate"


def wrong_key(pair: KeyPair) -> str:
    """Say what is wrong with the private key of a pair whose certificate can be read; ``""`` when it belongs to it."""
    try:
        key = serialization.load_pem_private_key(_read(pair.key), None)
    except (OSError, ValueError, TypeError) as error:
        why = _inside(pair.key) or _brief(error)
        return f"{pair.key} holds no private key that can be read without a passphrase ({why})"
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    certificate = x509.load_pem_x509_certificates(_read(pair.certificate))[0]
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        return f"the key in {pair.key} is not that of the first certificate in {pair.certificate}"
    return ""


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES)


def _inside(path: Path) -> str:
    """Say what a file of PEM is of, or that it is none: another of one's files is the usual mistake."""
    try:
        kinds = dict.fromkeys(re.findall(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", _read(path)))
    except OSError:
        return ""
    return f"it holds: {', '.join(kind.decode() for kind in kinds)}" if kinds else "it is no PEM file"


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__
