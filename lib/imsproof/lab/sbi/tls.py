"""TLS of the lab's SBI servers: a context from the current policy, and who the peer is.

pyOpenSSL rather than ``ssl``, because a fault may need what the standard library never allows: let a certificate
pass that fails verification, and still see it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from imsproof.lab.nodes import LAB_NFS, TESTER_NFS
from imsproof.lab.pki import NF_TYPES_OID, Pki, parse_nf_types
from imsproof.lab.sbi.messages import Peer
from imsproof.lab.sbi.staple import staple

if TYPE_CHECKING:
    from imsproof.lab.sbi.policy import SbiPolicy

VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}
ALPN = b"h2"
ALLOW_CLIENT_RENEGOTIATION = 1 << 8
"""OpenSSL's SSL_OP_ALLOW_CLIENT_RENEGOTIATION, which pyOpenSSL does not name."""
URN = "urn:uuid:"


@lru_cache(maxsize=64)
def server_context(pki: Pki, name: str, policy: SbiPolicy) -> SSL.Context:
    """Return the context of the server whose PEM files are called ``name``, as ``policy`` has it."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    versions = [VERSIONS[version] for version in policy.tls_versions]
    context.set_min_proto_version(min(versions))
    context.set_max_proto_version(max(versions))
    context.set_cipher_list(policy.tls12_ciphers.encode("ascii"))
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_options(ALLOW_CLIENT_RENEGOTIATION if policy.client_renegotiation else SSL.OP_NO_RENEGOTIATION)
    _set_sessions(context, policy)
    if policy.only_group:
        context.set_tmp_ecdh(getattr(ec, policy.only_group.upper())())
    shown = f"{name}-{policy.server_certificate}"
    shown = shown if policy.server_certificate and pki.certificate(shown).exists() else name
    context.use_certificate_file(str(pki.certificate(shown)))
    context.use_privatekey_file(str(pki.key(shown)))
    context.load_verify_locations(str(pki.ca))
    response = staple(pki, shown, policy.staple)
    context.set_ocsp_server_callback(lambda *_: response)
    if policy.check_revocation:
        store = context.get_cert_store()
        if store is not None:
            store.add_crl(x509.load_pem_x509_crl(pki.crl.read_bytes()))
            store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    mode = SSL.VERIFY_PEER
    if policy.client_certificate_required:
        mode |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    tolerated = frozenset(policy.tolerated_verify_errors)
    context.set_verify(mode, lambda _conn, _cert, error, _depth, ok: bool(ok) or error in tolerated)
    wanted = tuple(name.encode("ascii") for name in policy.alpn)
    context.set_alpn_select_callback(lambda _conn, offered: _select_alpn(wanted, offered))
    return context


def _set_sessions(context: SSL.Context, policy: SbiPolicy) -> None:
    """Resume no session; or, as a planted fault has it, hand out tickets, which may allow early data."""
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if policy.early_data:
        library: Any = SSL
        context.set_session_id(b"lab")
        library._lib.SSL_CTX_set_max_early_data(context._context, policy.early_data)  # noqa: SLF001 - not wrapped
    elif policy.sessions_by_address:
        context.set_session_id(b"lab")
    else:
        context.set_options(SSL.OP_NO_TICKET)


def _select_alpn(wanted: tuple[bytes, ...], offered: list[bytes]) -> Any:
    return next((name for name in wanted if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


def resumed(connection: SSL.Connection) -> bool:
    """Whether a finished handshake resumed a session; pyOpenSSL does not wrap the question."""
    library: Any = SSL
    return bool(library._lib.SSL_session_reused(connection._ssl))  # noqa: SLF001 - see above


def peer_of(connection: SSL.Connection, address: str, *, by_subject: bool = False) -> Peer:
    """Return who the peer of a finished handshake is; an unreadable SAN names nobody.

    Args:
        connection: the connection.
        address: the peer's IP address.
        by_subject: know it by its common name instead, as a planted fault has it.
    """
    version = connection.get_protocol_version_name()
    certificate = connection.get_peer_certificate(as_cryptography=True)
    if certificate is None:
        return Peer(address, tls_version=version)
    der = certificate.public_bytes(Encoding.DER)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        ids = tuple(uri[len(URN) :].lower() for uri in uris if uri.lower().startswith(URN))
        dns = tuple(names.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        return Peer(address, der, tls_version=version)
    try:
        extension = certificate.extensions.get_extension_for_oid(NF_TYPES_OID).value
        nf_types = parse_nf_types(extension.value) if isinstance(extension, x509.UnrecognizedExtension) else ()
    except (x509.ExtensionNotFound, ValueError):
        nf_types = ()
    if by_subject:
        common = {str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)}
        ids = tuple(nf.instance_id for nf in (*LAB_NFS, *TESTER_NFS) if nf.fqdn in common)
    return Peer(address, der, ids, dns, nf_types, version)
