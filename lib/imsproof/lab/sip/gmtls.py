"""TLS of the lab's P-CSCF: a context for each connection, as the policy of that moment has it (TS 33.203 Annex O)."""

from __future__ import annotations

import ssl
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.lab.sip.policy import SipPolicy

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}

ALLOW_CLIENT_RENEGOTIATION = 1 << 8
"""OpenSSL's option, which the ssl module does not name."""


def context(directory: Path, policy: SipPolicy) -> ssl.SSLContext:
    """Return the server's context (``OSError`` when the certificate is not in ``directory``)."""
    return _context(
        directory, policy.tls_versions, policy.tls_ciphers, policy.tls_certificate, policy.tls_client_renegotiates
    )


@lru_cache(maxsize=16)
def _context(
    directory: Path, versions: tuple[str, ...], ciphers: str, certificate: str, renegotiates: bool
) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are there for the planted fault
        made.minimum_version = min(VERSIONS[version] for version in versions)
        made.maximum_version = max(VERSIONS[version] for version in versions)
    made.set_ciphers(ciphers)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.options |= ALLOW_CLIENT_RENEGOTIATION if renegotiates else ssl.OP_NO_RENEGOTIATION
    made.load_cert_chain(directory / f"{certificate}.pem", directory / f"{certificate}.key")
    return made
