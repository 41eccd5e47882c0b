"""OpenSSL contexts of the tester's TLS, one for each way of offering: made once, used by many connections.

Making one costs as much as a handshake (stores, chains and keys are parsed). What belongs to a connection stays with
it: its keys, its alerts, its session. A client's context of OpenSSL keeps no sessions by itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL, crypto

from imsproof.link.keylog import keep_key

VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}
"""The versions that a handshake of the library can offer, by the journal's names."""


@lru_cache(maxsize=128)
def client_context(
    minimum: str,
    maximum: str,
    ciphers: str | None,
    ciphersuites: str | None,
    alpn: tuple[str, ...],
    ca: bytes | None,
    certificate: bytes | None,
    key: bytes | None,
) -> SSL.Context:
    """Return the context that offers this (see :class:`imsproof.link.tls.TlsOptions`).

    The keys of a connection go to the list that is its ``app_data``.

    Raises:
        SSL.Error, ValueError, TypeError, KeyError: the options cannot be used.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(VERSIONS[minimum])
    context.set_max_proto_version(VERSIONS[maximum])
    legacy = VERSIONS[minimum] < SSL.TLS1_2_VERSION
    offered = ciphers or ("ALL" if legacy else None)
    if offered:
        context.set_cipher_list(f"{offered}:@SECLEVEL=0".encode())
    if ciphersuites:
        context.set_tls13_ciphersuites(ciphersuites.encode())
    if alpn:
        context.set_alpn_protos([name.encode() for name in alpn])
    store = context.get_cert_store()
    if ca and store is not None:
        for anchor in x509.load_pem_x509_certificates(ca):
            store.add_cert(crypto.X509.from_cryptography(anchor))
    if certificate:
        chain = x509.load_pem_x509_certificates(certificate)
        context.use_certificate(chain[0])
        for extra in chain[1:]:
            context.add_extra_chain_cert(extra)
        private: Any = serialization.load_pem_private_key(key or b"", password=None)
        context.use_privatekey(private)
    context.set_keylog_callback(_keep)
    return context


def _keep(connection: SSL.Connection, line: bytes) -> None:
    keep_key(connection.get_app_data(), line.decode("ascii", "replace"))
