"""A certificate with its key in one PEM text, for profiles that name such files."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization

from imsproof.engine.identity import Identity, make_identity


def pem(identity: Identity | None = None) -> str:
    """Certificate and key of an identity, or of a new one."""
    one = identity or make_identity()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (one.pem + one.key.private_bytes(*form)).decode()


COMBINED = pem()
