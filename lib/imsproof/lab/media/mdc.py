"""MDC1 and MDC2: mutually authenticated TLS 1.2 or 1.3 between MF and DC AS, each pinning the other's certificate."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imsproof.engine.identity import Identity, make_identity


@dataclass(frozen=True, slots=True)
class MdcTrust:
    """TLS contexts of the two ends."""

    mf: ssl.SSLContext
    dcas: ssl.SSLContext


def make_trust() -> MdcTrust:
    """Make two identities and contexts that trust one another and nobody else."""
    mf, dcas = make_identity(name="mf"), make_identity(name="dcas")
    return MdcTrust(
        mf=_context(ssl.PROTOCOL_TLS_CLIENT, mf, dcas),
        dcas=_context(ssl.PROTOCOL_TLS_SERVER, dcas, mf),
    )


def _context(protocol: int, own: Identity, peer: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # the one certificate that is trusted is the peer's own
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=peer.pem.decode("ascii"))
    with tempfile.TemporaryDirectory() as folder:  # the standard library loads keys from files only
        path = Path(folder, "identity.pem")
        path.touch(mode=0o600)
        path.write_bytes(own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + own.pem)
        context.load_cert_chain(path)
    return context
