"""Client credentials assertions, right and wrong (TS 33.501 clause 13.3.8): made with a consumer's own certificate."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from imsproof.actors.certificates import CertificateMaker
from imsproof.codec import jose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imsproof.actors.nfidentity import NfIdentity

    Forge = Callable[[NfIdentity, str], str]
    """Makes an assertion of a consumer for an NF type."""

HEADER = "3gpp-sbi-client-credentials"
LIFETIME = 60
HOUR = 3600
"""Seconds."""
OTHER_TYPE = "UDR"


def assertion(
    identity: NfIdentity,
    audience: str,
    *,
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
    offset: int = 0,
) -> str:
    """Return an assertion of ``identity`` for producers of the NF type ``audience``.

    Args:
        identity: whose certificate and key sign it.
        audience: NF type of the producer.
        claims: claims that differ; ``None`` leaves one out.
        header: header members that differ; ``None`` leaves one out.
        offset: seconds that its times lie off from now.

    Raises:
        InconclusiveError: the identity has no certificate with a key that can sign.
    """
    if identity.certificate is None or identity.key is None:
        raise InconclusiveError("the consumer has no certificate to sign an assertion with")
    sign, algorithm = certificate_signer(identity.key)
    chain = x509.load_pem_x509_certificates(identity.certificate)
    now = int(time.time()) + offset
    members: dict[str, Any] = {
        "alg": algorithm,
        "typ": "JWT",
        "x5c": [base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode("ascii") for one in chain],
        **(header or {}),
    }
    good = {"sub": identity.instance_id, "iat": now, "exp": now + LIFETIME, "aud": [audience], **(claims or {})}
    return jose.encode(_present(members), _present(good), sign)


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def untrusted(identity: NfIdentity, audience: str) -> str:
    """An assertion whose signer gave itself a certificate in the consumer's name."""
    return assertion(CertificateMaker(identity, None).self_signed(), audience)


def unsecured(identity: NfIdentity, audience: str) -> str:
    """An assertion with the algorithm none."""
    return jose.unsecured(assertion(identity, audience))


def without(claim: str) -> Forge:
    """Make assertions that lack a claim."""
    return lambda who, aud: assertion(who, aud, claims={claim: None})


WRONG: dict[str, dict[str, Forge]] = {
    "signature": {
        "a bad signature": lambda who, aud: jose.tampered_signature(assertion(who, aud)),
        "no signature": unsecured,
        "a self-signed certificate in the consumer's name": untrusted,
    },
    "audience": {"another audience": lambda who, _: assertion(who, OTHER_TYPE), "no audience": without("aud")},
    "expired": {
        "an expiry in the past": lambda who, aud: assertion(who, aud, offset=-HOUR),
        "no expiry": without("exp"),
    },
    "future": {"a time of issue in the future": lambda who, aud: assertion(who, aud, offset=HOUR)},
}
"""Assertions that are wrong in one thing, by what it is about and by what is wrong."""


def certificate_signer(key_pem: bytes) -> tuple[jose.Sign, str]:
    """Return the signing function of a certificate's key, and its algorithm's name."""
    try:
        key: Any = serialization.load_pem_private_key(key_pem, None)
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        return jose.signer(algorithm, key), algorithm
    except (ValueError, TypeError) as error:
        raise InconclusiveError(f"the consumer's key cannot sign tokens (P-256 or RSA is needed): {error}") from error
