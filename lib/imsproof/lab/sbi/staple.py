"""The OCSP response that a server of the lab staples to its handshake, right or as a planted fault has it.

None about another certificate: OpenSSL 3.6 sends only what fits the certificate that it shows.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

if TYPE_CHECKING:
    from imsproof.lab.pki import Pki

DAY = dt.timedelta(days=1)
RESPONSES = ("good", "revoked", "stale", "self-signed")


def staple(pki: Pki, name: str, kind: str) -> bytes:
    """Return the response of a kind for the server whose PEM files are called ``name`` (``""``: no response).

    Raises:
        ValueError: there is no such kind.
    """
    if not kind:
        return b""
    if kind not in RESPONSES:
        raise ValueError(f"no stapled response is called {kind!r}; there are {', '.join(RESPONSES)}")
    authority = x509.load_pem_x509_certificate(pki.ca.read_bytes())
    shown = x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())
    signer = shown if kind == "self-signed" else authority
    key = serialization.load_pem_private_key(pki.key(name if signer is shown else "ca").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return b""  # a planted certificate with a weak RSA key
    now = dt.datetime.now(dt.UTC)
    revoked = kind == "revoked"
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=shown,
            issuer=authority,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now - 3 * DAY,
            next_update=now - DAY if kind == "stale" else now + 30 * DAY,
            revocation_time=now - DAY if revoked else None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
    )
    if signer is shown:
        builder = builder.certificates([shown])
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
