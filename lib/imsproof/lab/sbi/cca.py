"""Client credentials assertions (TS 33.501 clause 13.3.8.3), each check of them under one policy value."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey

from imsproof.codec.jose import JoseSyntaxError, parse_unverified
from imsproof.lab.sbi.messages import Refused, problem
from imsproof.lab.sbi.signature import TokenError, certificate_key, certificate_of, taken_for_good, verify

if TYPE_CHECKING:
    from imsproof.lab.nodes import Nf
    from imsproof.lab.pki import Pki
    from imsproof.lab.sbi.messages import Request
    from imsproof.lab.sbi.policy import SbiPolicy

HEADER = "3gpp-sbi-client-credentials"
LEEWAY = 5.0
LIFETIME = 60
"""Seconds."""
URN = "urn:uuid:"


def check_assertion(request: Request, policy: SbiPolicy, nf_type: str, ca_pem: bytes, token_subject: str = "") -> str:
    """Verify the assertion that stands in a request, and return its subject (``""`` without an assertion).

    Args:
        request: the request.
        policy: the SBI policy of the moment.
        nf_type: who verifies; must be in ``aud``.
        ca_pem: the trust anchor of the certificates in ``x5c``.
        token_subject: ``sub`` of the access token that came with it, ``""`` without one.

    Raises:
        Refused: 403 ``CCA_VERIFICATION_FAILURE`` or ``TOKEN_CCA_MISMATCH`` (TS 29.500 clause 5.2.7.2).
    """
    given = request.header_values(HEADER)
    if not given or not policy.check_cca:
        return ""
    try:
        subject = _subject(given[0].strip() if len(given) == 1 else "", policy, nf_type, ca_pem)
    except (TokenError, JoseSyntaxError) as error:
        raise Refused(problem(403, "CCA_VERIFICATION_FAILURE", str(error))) from error
    if policy.cca_check_token and token_subject and subject.lower() != token_subject.lower():
        raise Refused(problem(403, "TOKEN_CCA_MISMATCH", "the assertion's subject is not the token's"))
    return subject


def make_assertion(nf: Nf, pki: Pki, audience: str) -> str:
    """Return an assertion of ``nf`` for producers of an NF type, signed with its certificate's key."""
    now = int(time.time())
    der = x509.load_pem_x509_certificate(pki.certificate(nf.name).read_bytes()).public_bytes(Encoding.DER)
    header = {"alg": "ES256", "typ": "JWT", "x5c": [base64.b64encode(der).decode("ascii")]}
    claims = {"sub": nf.instance_id, "iat": now, "exp": now + LIFETIME, "aud": [audience]}
    return jwt.encode(header, claims, ECKey.import_key(pki.key(nf.name).read_bytes()))


def _subject(assertion: str, policy: SbiPolicy, nf_type: str, ca_pem: bytes) -> str:
    header, claims, signature = parse_unverified(assertion)
    if policy.fetch_key_urls:
        taken_for_good(assertion, header, signature, policy, b"", ca_pem)
    certificate = certificate_of(header, ca_pem)
    if policy.cca_check_signature:
        claims = json.loads(verify(assertion, certificate_key(certificate)))
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    now = time.time()
    if policy.cca_check_audience and nf_type not in named:
        raise TokenError("the assertion's audience is another")
    if policy.cca_check_expiry and not _time(claims.get("exp")) > now - LEEWAY:
        raise TokenError("the assertion has expired")
    if policy.cca_check_issued and not _time(claims.get("iat")) < now + LEEWAY:
        raise TokenError("the assertion was issued in the future")
    subject = str(claims.get("sub", ""))
    if policy.cca_check_subject and subject.lower() not in instance_ids(certificate):
        raise TokenError("the assertion's subject is not the certificate's")
    return subject


def instance_ids(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the NF instance ids in a certificate's SAN, lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return tuple(uri[len(URN) :].lower() for uri in uris if uri.lower().startswith(URN))


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("a time of the assertion is not a number")
    return float(value)
