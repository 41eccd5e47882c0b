"""TLS on memory for the lab's TCP connections between peers with self-signed certificates, and its contexts."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

if TYPE_CHECKING:
    from imsproof.engine.identity import Identity
    from imsproof.lab.media.msrp.policy import MsrpPolicy

VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}
READ = 65536


class TlsEndedError(Exception):
    """The TLS connection is over: refused, broken or closed."""


@lru_cache(maxsize=32)
def context(policy: MsrpPolicy, identity: Identity) -> SSL.Context:
    """The context that the policy asks for; any certificate passes here, fingerprints are compared above."""
    made = SSL.Context(SSL.TLS_METHOD)
    made.set_min_proto_version(VERSIONS[policy.tls_lowest])
    made.set_cipher_list(f"{policy.tls_ciphers}:@SECLEVEL={policy.tls_security_level}".encode("ascii"))
    made.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.use_certificate(identity.certificate)
    made.use_privatekey(identity.key)
    mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if policy.peer_certificate_required else 0)
    made.set_verify(mode, lambda *_: True)
    return made


class TlsPipe:
    """One end of a TLS connection.

    Attributes:
        established: whether the handshake is done.
    """

    def __init__(self, of: SSL.Context, *, server: bool) -> None:
        self._tls = SSL.Connection(of, None)
        self._tls.set_accept_state() if server else self._tls.set_connect_state()
        self.established = False

    def feed(self, data: bytes) -> bytes:
        """Take what came and return the plain text in it (``TlsEndedError`` at the end, whatever its reason)."""
        if data:
            self._tls.bio_write(data)
        plain = b""
        try:
            if not self.established:
                self._tls.do_handshake()
                self.established = True
            while True:
                plain += self._tls.recv(READ)
        except SSL.WantReadError:
            return plain
        except SSL.Error as error:
            if plain:
                return plain
            raise TlsEndedError(str(error)) from error

    def write(self, plain: bytes) -> None:
        """Protect bytes."""
        for start in range(0, len(plain), READ):
            self._tls.sendall(plain[start : start + READ])

    def close(self) -> None:
        """Say close_notify."""
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()

    def outgoing(self) -> bytes:
        """What is to be sent now."""
        pieces = []
        with contextlib.suppress(SSL.WantReadError):
            while True:
                pieces.append(self._tls.bio_read(READ))
        return b"".join(pieces)

    @property
    def peer_der(self) -> bytes | None:
        """The peer's certificate in DER."""
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        return certificate.public_bytes(Encoding.DER) if certificate is not None else None
