"""How the lab finds a token's signature good, and the shortcuts around that which faults plant.

Good tokens are verified by joserfc, not by our own codec, so that tester and lab do not share a mistake.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from imsproof.codec.jose import hmac_signer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.lab.sbi.policy import SbiPolicy

ALGORITHMS = ["ES256"]
MAX_HEADER = 8192
"""Octets of a token's header: one with a certificate in it is longer than joserfc's limit of 512."""
FETCH_SECONDS = 0.5
_FETCHES: set[asyncio.Task[None]] = set()


class TokenError(Exception):
    """The token is not good; the text says why."""


def verify(token: str, key: ECKey) -> bytes:
    """Return the payload of a token that ``key`` has signed with ES256 (``TokenError`` otherwise)."""
    registry = jws.JWSRegistry(algorithms=ALGORITHMS)
    registry.max_header_length = MAX_HEADER
    try:
        return jws.deserialize_compact(token, key, registry=registry).payload
    except (JoseError, ValueError) as error:
        raise TokenError(f"the signature is not good: {type(error).__name__}") from error


def taken_for_good(
    token: str, header: Mapping[str, Any], signature: bytes, policy: SbiPolicy, public_pem: bytes, ca_pem: bytes
) -> bool:
    """Whether a planted fault takes the token without the NRF's signature; ``TokenError`` when that fails too."""
    if policy.fetch_key_urls:
        _fetch(header.get("jku") or header.get("x5u"))
    algorithm = str(header.get("alg"))
    unchecked = (
        not policy.check_signature
        or (policy.accept_alg_none and algorithm.strip().lower() in {"none", ""})
        or (policy.trust_unknown_kid and "kid" in header)
        or (not policy.check_critical and "crit" in header)
    )
    if unchecked:
        return True
    if policy.accept_hmac_with_public_key and algorithm == "HS256":
        signed = token.rpartition(".")[0].encode("ascii")
        if not hmac.compare_digest(hmac_signer(public_pem)(signed), signature):
            raise TokenError("the signature is wrong")
        return True
    if policy.trust_header_key and isinstance(header.get("jwk"), dict):
        verify(token, _key(header["jwk"]))
        return True
    if policy.trust_certificate_chain and header.get("x5c"):
        verify(token, certificate_key(certificate_of(header, ca_pem)))
        return True
    return False


def certificate_of(header: Mapping[str, Any], ca_pem: bytes) -> x509.Certificate:
    """Return the first certificate of ``x5c``, issued by the trust anchor (``TokenError`` otherwise)."""
    try:
        chain = header.get("x5c")
        first = chain[0] if isinstance(chain, list) else ""
        certificate = x509.load_der_x509_certificate(base64.b64decode(first, validate=True))
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_pem))
    except (ValueError, TypeError, IndexError, InvalidSignature) as error:
        raise TokenError("x5c holds no certificate of the trust anchor") from error
    return certificate


def certificate_key(certificate: x509.Certificate) -> ECKey:
    """Return a certificate's P-256 key (``TokenError`` for another kind)."""
    pem = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _key(pem)


def _key(value: Any) -> ECKey:
    try:
        return ECKey.import_key(value)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise TokenError("the key cannot be used") from error


def _fetch(url: object) -> None:
    """Fetch a key like a careless verifier; only loopback addresses, so that no lab calls out."""
    parts = urlsplit(str(url or ""))
    with contextlib.suppress(ValueError):
        if parts.hostname and ip_address(parts.hostname).is_loopback and parts.port:
            task = asyncio.get_running_loop().create_task(_get(parts.hostname, parts.port, parts.path or "/"))
            _FETCHES.add(task)
            task.add_done_callback(_FETCHES.discard)


async def _get(host: str, port: int, path: str) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(FETCH_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            await reader.read(1)
            writer.close()
