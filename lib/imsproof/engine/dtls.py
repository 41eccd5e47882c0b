"""DTLS 1.0 and 1.2 over memory, on pyOpenSSL: datagrams in, datagrams out, no sockets.

The engine is as strict or as lax as it is told: protocol versions, cipher suites, OpenSSL's security level, and
whether the peer's certificate is asked for and which is taken. The owner of the socket feeds :meth:`receive`, sends
what :meth:`outgoing` returns, and calls :meth:`handle_timeout` when :meth:`timeout` has run out.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from OpenSSL import SSL, crypto

from imsproof.codec.dtls import HEADER_SIZE, split_records
from imsproof.codec.srtp import suite
from imsproof.codec.tlshello import ALERT, VERSIONS, alert_name
from imsproof.engine.identity import FINGERPRINT_HASHES, Identity, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

Role = Literal["client", "server"]
State = Literal["new", "handshaking", "connected", "closed", "failed"]

STRONG_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""Ephemeral key agreement and authenticated encryption only (TS 33.210 clause 6.2.3; secondary)."""

_BAD_CERTIFICATE = 42
_ALLOW_CLIENT_RENEGOTIATION = 1 << 8
"""SSL_OP_ALLOW_CLIENT_RENEGOTIATION of OpenSSL 3, which pyOpenSSL does not name."""
_MAX_READ = 1 << 16
_LABEL = b"EXTRACTOR-dtls_srtp"


class DtlsError(Exception):
    """The engine was asked for something that its state does not allow."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Keying material of DTLS-SRTP (RFC 5764 section 4.2): master key and salt of each direction."""

    profile: str
    local: bytes
    remote: bytes


def any_certificate(_der: bytes) -> bool:
    """Take whatever certificate the peer has: what a peer without fingerprint checks does."""
    return True


@lru_cache(maxsize=128)
def _context(
    versions: tuple[str, str],
    ciphers: bytes,
    srtp_profiles: tuple[str, ...],
    *,
    keys: bool,
    cookies: bool,
    renegotiation: bool,
    resumption: bool,
) -> SSL.Context:
    """Return the context for such engines; what belongs to one of them is asked of the engine, its ``app_data``."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(VERSIONS[versions[0]])
    context.set_max_proto_version(VERSIONS[versions[1]])
    context.set_cipher_list(ciphers)
    context.set_options(SSL.OP_NO_QUERY_MTU | (0 if resumption else SSL.OP_NO_TICKET))
    context.set_options(_ALLOW_CLIENT_RENEGOTIATION if renegotiation else SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"imsproof")
    if srtp_profiles:
        context.set_tlsext_use_srtp(":".join(srtp_profiles).encode("ascii"))
    if keys:
        context.set_keylog_callback(lambda connection, line: _of(connection).keep_key(line))
    if cookies:
        context.set_cookie_generate_callback(lambda connection: _of(connection).cookie())
        context.set_cookie_verify_callback(lambda connection, cookie: _of(connection).takes_cookie(cookie))
    return context


def _of(connection: SSL.Connection) -> DtlsEngine:
    engine: DtlsEngine = connection.get_app_data()
    return engine


class DtlsEngine:
    """One DTLS association.

    Args:
        role: ``client`` sends the first ClientHello.
        identity: own key and certificate; ``None`` for a peer without one.
        versions: lowest and highest version, by OpenSSL's names (``DTLSv1``, ``DTLSv1.2``).
        ciphers: an OpenSSL cipher list; ``None`` for :data:`STRONG_CIPHERS`.
        srtp_profiles: OpenSSL names for ``use_srtp``; none leaves the extension out.
        require_peer_cert: a server asks for a certificate and refuses a client without one.
        verify_peer: called with the peer's certificate (DER); ``False`` ends the handshake with ``bad_certificate``
            (RFC 8122 section 6.2).
        mtu: largest datagram in bytes (256 at least).
        security_level: OpenSSL's level; ``None`` keeps the default, 0 allows DTLS 1.0 and NULL suites.
        keylog: called with each line of the NSS key log.
        cookie_exchange: a server answers the first ClientHello with HelloVerifyRequest and holds no state for it.
        any_cookie: and takes whatever cookie comes then, which nobody should (RFC 6347 section 4.2.1).
        renegotiation: allow further handshakes in the association (RFC 5246 section 7.4.1.1), which nobody should.
        resumption: let its session be taken up by a later handshake, by ticket (RFC 5077), in which no certificate is
            shown, so that a server should not.
        session: what a client takes up.
    """

    def __init__(  # noqa: PLR0913 - each argument is one property of the peer that is played
        self,
        role: Role,
        identity: Identity | None,
        *,
        versions: tuple[str, str] = ("DTLSv1.2", "DTLSv1.2"),
        ciphers: bytes | None = None,
        srtp_profiles: tuple[str, ...] = (),
        require_peer_cert: bool = True,
        verify_peer: Callable[[bytes], bool] = any_certificate,
        mtu: int = 1200,
        security_level: int | None = None,
        keylog: Callable[[str], None] | None = None,
        cookie_exchange: bool = False,
        any_cookie: bool = False,
        renegotiation: bool = False,
        resumption: bool = False,
        session: SSL.Session | None = None,
    ) -> None:
        self.role: Role = role
        self.state: State = "new"
        self.reason = ""
        self.alerts_seen: list[tuple[str, str]] = []
        self.alerts_sent: list[tuple[str, str]] = []
        self.peer_der: bytes | None = None
        self._verify_peer = verify_peer
        self._refused_peer = False
        self._listening = cookie_exchange and role == "server"
        self._received: list[bytes] = []
        self._cookie_key = os.urandom(16)
        self._any_cookie = any_cookie
        self._keylog = keylog
        chosen = ciphers or STRONG_CIPHERS
        if security_level is not None:
            chosen += b":@SECLEVEL=%d" % security_level
        context = _context(
            versions,
            chosen,
            srtp_profiles,
            keys=keylog is not None,
            cookies=self._listening,
            renegotiation=renegotiation,
            resumption=resumption or session is not None,
        )
        self._connection = SSL.Connection(context, None)
        self._resuming = session is not None
        self._connection.set_app_data(self)
        self._connection.set_info_callback(self._on_info)
        self._configure(identity, mtu, require_peer_cert=require_peer_cert)
        if session is not None:
            self._connection.set_session(session)

    def _configure(self, identity: Identity | None, mtu: int, *, require_peer_cert: bool) -> None:
        connection = self._connection
        if identity is not None:
            connection.use_certificate(identity.certificate)
            connection.use_privatekey(identity.key)
        mode = SSL.VERIFY_NONE
        if self.role == "client" or require_peer_cert:
            mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        connection.set_verify(mode, self._on_certificate)
        connection.set_ciphertext_mtu(mtu)
        if self.role == "client":
            connection.set_connect_state()
        else:
            connection.set_accept_state()

    # What the owner of the socket calls

    def start(self) -> None:
        """Begin: a client makes its ClientHello, a server waits for one."""
        if self.state == "new":
            self.state = "handshaking"
            self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take one datagram from the network; anything may stand in it, nothing is raised."""
        if self.state == "new":
            self.start()
        if not datagram or self.state in ("closed", "failed"):
            return
        self._connection.bio_write(datagram)
        self._advance()

    def outgoing(self) -> list[bytes]:
        """Return the datagrams that are to be sent now, each one record and so no larger than the MTU."""
        datagrams: list[bytes] = []
        for record in split_records(self._flight()):
            data = record.to_bytes()
            if self._refused_peer and record.content_type == ALERT and record.epoch == 0:
                # OpenSSL names the chain's fault (unknown_ca); RFC 8122 asks for bad_certificate.
                data = data[: HEADER_SIZE + 1] + bytes((_BAD_CERTIFICATE,))
            datagrams.append(data)
        return datagrams

    def _flight(self) -> bytes:
        # A memory BIO glues all that was written into one stream of records.
        flight = b""
        while True:
            try:
                flight += self._connection.bio_read(_MAX_READ)
            except SSL.WantReadError:
                return flight

    def read(self) -> list[bytes]:
        """Return the application data that came in since the last call, one item a record."""
        received, self._received = self._received, []
        return received

    def write(self, data: bytes) -> None:
        """Send one record of application data (``DtlsError`` unless connected, or when it is more than a record)."""
        if self.state != "connected":
            raise DtlsError(f"cannot send application data: the DTLS association is {self.state}")
        try:
            self._connection.send(data)
        except SSL.Error as error:
            raise DtlsError(f"cannot send {len(data)} bytes: {_reason(error)}") from error

    def timeout(self) -> float | None:
        """Return the seconds until :meth:`handle_timeout` is due, or ``None`` when no flight is outstanding."""
        if self.state != "handshaking" or self._listening:
            return None
        return self._connection.DTLSv1_get_timeout()

    def handle_timeout(self) -> None:
        """Send the outstanding flight again; after too many times the handshake has failed."""
        if self.state != "handshaking":
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(_reason(error))

    def renegotiate(self, identity: Identity | None = None) -> None:
        """Begin another handshake in the association, with another certificate when one is given.

        Raises:
            DtlsError: not connected, or OpenSSL does not begin one.
        """
        if self.state != "connected":
            raise DtlsError(f"cannot renegotiate: the DTLS association is {self.state}")
        if identity is not None:
            self._connection.use_certificate(identity.certificate)
            self._connection.use_privatekey(identity.key)
        try:
            begun = self._connection.renegotiate()
        except SSL.Error as error:
            raise DtlsError(f"cannot renegotiate: {_reason(error)}") from error
        if not begun:
            raise DtlsError("cannot renegotiate: OpenSSL refused")
        self.state = "handshaking"
        self._advance()

    def close(self) -> None:
        """Send close_notify when there is somebody to send it to; the state is ``closed`` afterwards."""
        if self.state == "connected":
            try:
                self._connection.shutdown()
            except SSL.Error as error:
                self.reason = _reason(error)
        if self.state != "failed":
            self.state = "closed"

    # What was negotiated

    def facts(self) -> dict[str, Any]:
        """Return the handshake facts as the journal holds them (see ``ARCHITECTURE.md``)."""
        if self.state not in ("connected", "closed"):
            return {}
        facts: dict[str, Any] = {
            "version": self._connection.get_protocol_version_name(),
            "cipher": self._connection.get_cipher_name(),
            "group": self._connection.get_group_name(),
            "alpn": "",
            "resumed": self._resuming and self.peer_der is None,
            "srtp": self.srtp_profile,
            "peer_sha256": "",
            "peer_subject": "",
            "peer_san": [],
        }
        if self.peer_der is not None:
            facts["peer_fingerprints"] = {name: fingerprint(self.peer_der, name) for name in FINGERPRINT_HASHES}
            facts |= _strength(self.peer_der)
            facts["peer_sha256"] = fingerprint(self.peer_der)
            facts["peer_subject"], facts["peer_san"] = _names(self.peer_der)
        return facts

    @property
    def refused_peer(self) -> bool:
        """Whether the peer's certificate was refused here, which ended the handshake."""
        return self._refused_peer

    @property
    def session(self) -> SSL.Session | None:
        """What a later handshake can take up; ``None`` before there is any."""
        return self._connection.get_session()

    @property
    def srtp_profile(self) -> str:
        """OpenSSL's name of the SRTP profile that was agreed, or an empty string."""
        return self._connection.get_selected_srtp_profile().decode("ascii")

    def export_srtp_keys(self) -> SrtpKeys:
        """Return the SRTP master keys and salts (``DtlsError`` when none were agreed)."""
        profile = self.srtp_profile
        chosen = suite(profile)
        if self.state != "connected" or chosen is None:
            raise DtlsError(f"no SRTP profile was agreed (state {self.state}, profile {profile or 'none'})")
        key, salt = chosen.key_size, chosen.salt_size
        block = self._connection.export_keying_material(_LABEL, 2 * (key + salt))
        client = block[:key] + block[2 * key : 2 * key + salt]
        server = block[key : 2 * key] + block[2 * key + salt :]
        return SrtpKeys(profile, client, server) if self.role == "client" else SrtpKeys(profile, server, client)

    # Inside

    def _advance(self) -> None:
        try:
            if self._listening:
                self._connection.DTLSv1_listen()
                self._listening = False
            if self.state == "handshaking":
                self._connection.do_handshake()
                self.state = "connected"
            while self.state == "connected":
                self._received.append(self._connection.recv(_MAX_READ))
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self.state = "closed"
            self.reason = "close_notify"
        except SSL.Error as error:
            self._fail(_reason(error))

    def _fail(self, reason: str) -> None:
        self.state = "failed"
        self.reason = "it showed another certificate than the announced one" if self._refused_peer else reason

    def _on_certificate(self, _connection: SSL.Connection, certificate: crypto.X509, *rest: int) -> bool:
        _, depth, _ = rest
        if depth > 0:
            return True
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        self.peer_der = der
        if not self._verify_peer(der):
            self._refused_peer = True
            return False
        return True

    def _on_info(self, _connection: SSL.Connection, where: int, value: int) -> None:
        if not where & SSL.SSL_CB_ALERT:
            return
        level = "fatal" if value >> 8 == 2 else "warning"
        if where & SSL.SSL_CB_READ:
            self.alerts_seen.append((alert_name(value & 0xFF), level))
        else:
            name = alert_name(_BAD_CERTIFICATE) if self._refused_peer else alert_name(value & 0xFF)
            self.alerts_sent.append((name, level))

    def keep_key(self, line: bytes) -> None:
        """Hand a line of the key log to whoever keeps it."""
        if self._keylog is not None:
            self._keylog(line.decode("ascii"))

    def takes_cookie(self, cookie: bytes) -> bool:
        """Return whether a cookie is taken for this engine's peer's."""
        return self._any_cookie or hmac.compare_digest(cookie, self.cookie())

    def cookie(self) -> bytes:
        """Return the cookie of this engine's peer (RFC 6347 section 4.2.1)."""
        # One engine serves one remote address, so that the address need not be in the cookie.
        return hmac.digest(self._cookie_key, b"cookie", "sha256")[:20]


def _names(der: bytes) -> tuple[str, list[str]]:
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return subject, []
    except ValueError as error:
        return f"unreadable: {error}", []
    return subject, [str(name.value) for name in names]


def _strength(der: bytes) -> dict[str, Any]:
    """Kind and size of the certificate's key, and the hash of its signature."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        algorithm = certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm) as error:
        return {"peer_key": f"unreadable: {error}", "peer_key_bits": 0, "peer_signature": ""}
    return {
        "peer_key": type(key).__name__.removesuffix("PublicKey").lstrip("_"),
        "peer_key_bits": int(getattr(key, "key_size", 0)),
        "peer_signature": algorithm.name if algorithm else "",
    }


def _reason(error: SSL.Error) -> str:
    texts = [str(item[-1]) for item in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(text for text in texts if text) or type(error).__name__
