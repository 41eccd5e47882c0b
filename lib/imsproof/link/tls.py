"""TLS over the link's TCP: any version, suite and certificate, with alerts both ways, handshake facts and key log.

pyOpenSSL on memory BIOs, so that the guard and the tap see each segment. What the lab's certificate is worth is a
fact, not a failure, unless the options ask for it. A client certificate that a TLS 1.3 lab refuses shows up only
after the handshake, as an alert on the next read.
"""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from OpenSSL import SSL

from imsproof.codec.tlshello import alert_name
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.tcp import TcpStream
from imsproof.link.tlscontext import client_context
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from OpenSSL import crypto

FATAL = 2
MAX_RECORD = 65536
CERTIFICATE_REQUEST = b"read server certificate request"
"""How OpenSSL calls the state in which it has read one."""


RECORDS = range(20, 25)
"""Content types of TLS records."""
LOOK = 12
"""Octets that are shown of what is no TLS."""
VERIFY_ERRORS = {
    2: "the issuer's certificate is not there",
    9: "a certificate is not valid yet",
    10: "a certificate is over",
    18: "it is self-signed and not trusted",
    19: "its chain ends in a self-signed certificate that is not trusted",
    20: "its issuer is not among the trusted ones, nor sent along",
    21: "only it alone was sent, and it is not trusted",
    24: "a certificate that is no CA's issued another",
    26: "it is not for this purpose",
    66: "a key is too small",
    67: "a CA's key is too small",
    68: "a CA's signature uses a weak hash",
}
"""OpenSSL's reasons why a chain does not verify, by number (x509_vfy.h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """What the tester offers in a TLS handshake.

    Attributes:
        minimum, maximum: versions, keys of :data:`imsproof.link.tlscontext.VERSIONS`.
        ciphers: OpenSSL cipher list for TLS 1.2 and older; security level 0 is set with it for TLS 1.1 and older.
        ciphersuites: OpenSSL list for TLS 1.3.
        server_name: SNI, or ``None`` for none.
        alpn: protocols to offer, in order.
        ca: PEM of the anchors that the lab's certificate is checked against.
        certificate: PEM of the client certificate and its chain; needs ``key``.
        key: PEM of its private key.
        require_valid: fail the handshake when the lab's certificate does not verify.
        status_request: ask for a stapled OCSP response (RFC 6066 section 8); it and the chain become facts.
        resume: a connection whose session is to be resumed; its own options stay in force for suites and
            certificates. A TLS 1.3 session can be resumed only after something was read.
    """

    minimum: str = "TLSv1.2"
    maximum: str = "TLSv1.3"
    ciphers: str | None = None
    ciphersuites: str | None = None
    server_name: str | None = None
    alpn: tuple[str, ...] = ()
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    require_valid: bool = False
    status_request: bool = False
    resume: TlsStream | None = None

    def context(self) -> SSL.Context:
        """The library's context that offers this; raises as :func:`client_context` does."""
        make = client_context.__wrapped__ if self.status_request else client_context  # with a callback of its own
        return make(
            self.minimum,
            self.maximum,
            self.ciphers,
            self.ciphersuites,
            self.alpn,
            self.ca,
            self.certificate,
            self.key,
        )


def read_pem(path: Path | str) -> bytes:
    """Return a PEM file's bytes; ``HarnessError`` when it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path of the profile, text or Path
            return file.read(1024 * 1024)
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {error.strerror}") from error


class TlsStream:
    """A TLS connection whose handshake is done.

    Attributes:
        session, actor, exchange: whose it is, and the conversation that events belong to.
        tcp: the connection beneath.
        connection: pyOpenSSL's object, for what this class does not wrap.
        facts: the handshake's facts as in the journal.
        alerts: names of the alerts that the lab sent, in order.
        peer_der: the lab's certificate, or ``None``.
        ended: why nothing more comes, or ``""``.
    """

    def __init__(self, tcp: TcpStream, options: TlsOptions, *, quiet: bool) -> None:
        """Use :meth:`open`."""
        self.tcp = tcp
        self.session: Session = tcp.session
        self.actor = tcp.actor
        self.exchange = tcp.exchange
        self.quiet = quiet
        self.facts: dict[str, Any] = {}
        self.alerts: list[str] = []
        self.peer_der: bytes | None = None
        self.ended = ""
        self._seen_alerts: list[tuple[bool, int, int]] = []
        self._verify_errors: list[str] = []
        self._first = b""
        self._handshakes = 0
        self._asked = False
        self._stapled: bytes | None = None
        self._bare = options.certificate is None
        self.connection = self._connection(options)

    @classmethod
    async def open(
        cls,
        session: Session,
        actor: str,
        exchange: str,
        remote: Address,
        options: TlsOptions,
        *,
        local: Address | None = None,
        within: float | None = None,
        quiet: bool = False,
    ) -> TlsStream:
        """Connect and do the handshake.

        Args:
            session: the purpose's session.
            actor: whose connection it is.
            exchange: the conversation that its events belong to.
            remote: where to.
            options: what to offer.
            local: address to bind to.
            within: seconds for the handshake; the profile's ``timers.handshake`` by default.
            quiet: write no sent/received events (a protocol above does); handshake and alerts are written anyway.

        Raises:
            ConnectionFailedError: no connection or no handshake; the journal has the alert or the refusal.
            OutOfScopeError, StoppedError: the guard says no.
            HarnessError: the options cannot be used (a certificate that cannot be read, an unknown cipher).
        """
        tcp = await TcpStream.open(session, actor, exchange, remote, local=local, quiet=True)
        try:
            stream = cls(tcp, options, quiet=quiet)
            await stream._handshake(session.timers.handshake if within is None else within)
        except BaseException:
            await tcp.aclose()
            raise
        session.own(stream)
        return stream

    def _connection(self, options: TlsOptions) -> SSL.Connection:
        try:
            context = options.resume.context if options.resume else options.context()
        except (SSL.Error, ValueError, TypeError, KeyError) as error:
            raise HarnessError(f"the TLS options cannot be used: {error!r}") from error
        if options.status_request:
            context.set_ocsp_client_callback(self._on_stapled)
        connection = SSL.Connection(context, None)
        if options.status_request:
            connection.request_ocsp()
        connection.set_app_data(self.session.keys)
        connection.set_info_callback(self._on_info)
        connection.set_verify(SSL.VERIFY_PEER, self._verifier(require_valid=options.require_valid))
        if options.server_name:
            connection.set_tlsext_host_name(options.server_name.encode("idna"))
        if options.resume is not None and (session := options.resume.connection.get_session()):
            connection.set_session(session)
        connection.set_connect_state()
        return connection

    @property
    def context(self) -> SSL.Context:
        """The library's context, which connections that resume a session share."""
        return self.connection.get_context()

    def _verifier(self, *, require_valid: bool) -> Callable[[SSL.Connection, crypto.X509, int, int, int], bool]:
        def verify(_: SSL.Connection, __: crypto.X509, error: int, depth: int, ok: int) -> bool:
            if not ok:
                words = VERIFY_ERRORS.get(error, "the chain is not right")
                self._verify_errors.append(f"{words} (OpenSSL's error {error} at depth {depth})")
            return bool(ok) or not require_valid

        return verify

    def _on_stapled(self, _: SSL.Connection, response: bytes, __: object) -> bool:
        self._stapled = response
        return True

    def _on_info(self, connection: SSL.Connection, where: int, value: int) -> None:
        self._handshakes += bool(where & SSL.SSL_CB_HANDSHAKE_DONE)
        self._asked = self._asked or connection.get_state_string().endswith(CERTIFICATE_REQUEST)
        if where & SSL.SSL_CB_ALERT:
            self._seen_alerts.append((bool(where & SSL.SSL_CB_READ), value >> 8, value & 0xFF))

    def _emit(self, kind: Kind, facts: Mapping[str, Any], data: bytes = b"") -> None:
        self.session.emit(
            kind,
            self.actor,
            self.exchange,
            transport="tls",
            local=self.tcp.local,
            remote=self.tcp.remote,
            data=data,
            facts=facts,
        )

    def _write_alerts(self) -> None:
        seen, self._seen_alerts = self._seen_alerts, []
        for from_lab, level, number in seen:
            facts = {"alert": alert_name(number), "level": "fatal" if level == FATAL else "warning"}
            wanted = self._wanted() if from_lab and level == FATAL else {}
            self._emit(Kind.ALERT if from_lab else Kind.ALERT_SENT, facts | wanted)
            if from_lab:
                self.alerts.append(facts["alert"])

    def _wanted(self) -> dict[str, str]:
        """What the lab may have missed: it asked for a client certificate, and was shown none."""
        return {"wanted": "client certificate"} if self._asked and self._bare else {}

    def _outgoing(self) -> bytes:
        pieces = []
        while True:
            try:
                pieces.append(self.connection.bio_read(MAX_RECORD))
            except SSL.WantReadError:
                return b"".join(pieces)

    async def _flush(self) -> None:
        data = self._outgoing()
        if data:
            await self.tcp.send(data)

    async def _flush_quietly(self) -> None:
        """Send what is left; a connection that is gone already is no further news."""
        with contextlib.suppress(ConnectionFailedError):
            await self._flush()

    async def _handshake(self, within: float) -> None:
        deadline = time.monotonic() + within
        while True:
            try:
                self.connection.do_handshake()
                break
            except SSL.WantReadError:
                await self._flush_quietly()
                await self._feed(deadline, within)
            except SSL.Error as error:
                await self._flush_quietly()
                raise self._failed(_no_tls(self._first) or _reason(error)) from error
        await self._flush()
        self._write_alerts()
        self.facts = self._handshake_facts()
        self._emit(Kind.HANDSHAKE, self.facts)

    async def _feed(self, deadline: float, within: float) -> None:
        data = await self.tcp.receive(max(0.0, deadline - time.monotonic()))
        if data is None:
            self._write_alerts()
            reason = f"the TLS handshake did not end within {within:.1f} s"
            self._emit(Kind.TIMEOUT, {"reason": reason})
            raise ConnectionFailedError(reason)
        self._first = self._first or data[:LOOK]
        if data:
            self.connection.bio_write(data)
        else:
            raise self._failed(f"the TLS handshake ended without an alert: {self.tcp.ended}")

    def _failed(self, reason: str) -> ConnectionFailedError:
        """Write the failure down: the alert if there is one, else a refusal with its reason."""
        self._write_alerts()
        if self.alerts:
            reason = f"the lab ended the TLS handshake with the alert {self.alerts[-1]}"
        else:
            self._emit(Kind.REFUSED, {"reason": reason, "stage": "handshake"} | self._wanted())
        self.ended = reason
        return ConnectionFailedError(reason)

    def _handshake_facts(self) -> dict[str, Any]:
        connection = self.connection
        peer = connection.get_peer_certificate(as_cryptography=True)
        facts: dict[str, Any] = {
            "version": connection.get_protocol_version_name(),
            "cipher": connection.get_cipher_name(),
            "group": connection.get_group_name(),
            "alpn": connection.get_alpn_proto_negotiated().decode("ascii", "replace"),
            "resumed": _resumed(connection),
            "verified": "; ".join(dict.fromkeys(self._verify_errors)) or "ok",
        }
        if peer is not None:
            self.peer_der = peer.public_bytes(serialization.Encoding.DER)
            facts |= _facts_of(self.peer_der)
        if self._stapled is not None:
            chain = connection.get_peer_cert_chain(as_cryptography=True) or []
            facts["stapled"] = base64.b64encode(self._stapled).decode("ascii")
            facts["peer_chain"] = [
                base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode("ascii") for one in chain
            ]
        return facts

    async def send(self, data: bytes, *, facts: Mapping[str, Any] | None = None) -> None:
        """Protect and send bytes; raises as :meth:`TcpStream.send` does."""
        if not self.quiet:
            self._emit(Kind.SENT, facts or {}, data)
        try:
            for start in range(0, len(data), MAX_RECORD):
                self.connection.sendall(data[start : start + MAX_RECORD])
        except SSL.Error as error:
            self._write_alerts()
            raise ConnectionFailedError(self.ended or f"the TLS connection takes no data: {_reason(error)}") from error
        await self._flush()

    async def receive(self, within: float, limit: int = MAX_RECORD) -> bytes | None:
        """Return plain text, at most ``limit`` bytes; ``b""`` at the end; ``None`` when nothing came in time."""
        deadline = time.monotonic() + within
        while not self.ended:
            try:
                data = self.connection.recv(limit)
            except SSL.WantReadError:
                await self._flush_quietly()
                self._write_alerts()
                cipher = await self.tcp.receive(max(0.0, deadline - time.monotonic()))
                if cipher is None:
                    return None
                if cipher:
                    self.connection.bio_write(cipher)
                else:
                    self.ended = self.tcp.ended
            except SSL.Error as error:
                await self._flush_quietly()
                self._write_alerts()
                self.ended = f"alert {self.alerts[-1]}" if self.alerts else _reason(error)
            else:
                if not self.quiet:
                    self._emit(Kind.RECEIVED, {}, data)
                return data
        return b""

    async def renegotiate(self, within: float) -> bool:
        """Ask for a second handshake on this connection (TLS 1.2 and older) and tell whether the lab did it.

        The journal gets a note, then a second ``handshake`` event or whatever else the lab did.
        """
        self.session.note("the tester asks for renegotiation", actor=self.actor, exchange=self.exchange, asked=True)
        deadline, before = time.monotonic() + within, self._handshakes
        try:
            self.connection.renegotiate()
            while self._handshakes == before and not self.ended:
                await self._go_on(deadline)
        except SSL.Error as error:
            self.ended = _reason(error)
            await self._flush_quietly()
        except TimeoutError:
            pass
        self._write_alerts()
        if self._handshakes == before:
            return False
        self._emit(Kind.HANDSHAKE, self._handshake_facts() | {"renegotiated": True})
        return True

    async def _go_on(self, deadline: float) -> None:
        """Let the library read once: application data is dropped; ``TimeoutError`` when nothing comes."""
        try:
            self.connection.recv(MAX_RECORD)
        except SSL.WantReadError:
            await self._flush_quietly()
            data = await self.tcp.receive(max(0.0, deadline - time.monotonic()))
            if data is None:
                raise TimeoutError from None
            if not data:
                self.ended = self.tcp.ended
            self.connection.bio_write(data)
        else:
            await self._flush_quietly()

    def early_data_limit(self) -> int:
        """Octets of early data that the lab's session ticket allows; 0 without a ticket; note it in the journal."""
        library: Any = SSL
        held = self.connection.get_session()
        limit = library._lib.SSL_SESSION_get_max_early_data(held._session) if held else 0  # noqa: SLF001 - not wrapped
        text = f"session tickets of the lab allow {limit} octets of early data"
        self.session.note(text, actor=self.actor, exchange=self.exchange, max_early_data=int(limit))
        return int(limit)

    async def aclose(self, last: bytes = b"") -> None:
        """Say the ``last`` words and close_notify, together, and close."""
        if not self.ended:
            self.ended = "closed by the tester"
            with contextlib.suppress(SSL.Error):
                if last:
                    self.connection.sendall(last)
                self.connection.shutdown()
            self._write_alerts()
            await self._flush_quietly()
        await self.tcp.aclose()
        self.session.disown(self)


def _resumed(connection: SSL.Connection) -> bool:
    """Whether a session was resumed; pyOpenSSL does not wrap the question."""
    library: Any = SSL
    return bool(library._lib.SSL_session_reused(connection._ssl))  # noqa: SLF001 - see above


def _no_tls(first: bytes) -> str:
    """Say that the first octets of the lab are no TLS record (RFC 8446 section 5.1), or ``""``."""
    if not first or (first[0] in RECORDS and first[1:2] in {b"", b"\x03"}):
        return ""
    return f"what came back is no TLS, but begins with {first!r}: is it the right port?"


def _reason(error: SSL.Error) -> str:
    if isinstance(error, SSL.ZeroReturnError):
        return "closed by the lab with close_notify"
    parts = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(part[-1]) for part in parts) or repr(error)


@lru_cache(maxsize=256)
def _facts_of(der: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(der).decode("ascii")
    return {**certificate_facts(x509.load_der_x509_certificate(der)), "peer_certificate": encoded}


def certificate_facts(certificate: x509.Certificate) -> dict[str, Any]:
    """Return ``peer_sha256``, ``peer_subject`` and ``peer_san`` of a certificate; odd ones give what can be read."""
    facts: dict[str, Any] = {"peer_sha256": certificate.fingerprint(hashes.SHA256()).hex(":").upper()}
    try:
        facts["peer_subject"] = certificate.subject.rfc4514_string()
    except ValueError as error:
        facts["peer_subject"] = f"unreadable: {error}"
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        facts["peer_san"] = [_name_text(name) for name in names]
    except x509.ExtensionNotFound:
        facts["peer_san"] = []
    except ValueError as error:
        facts["peer_san"] = [f"unreadable: {error}"]
    return facts


def _name_text(name: x509.GeneralName) -> str:
    kinds = {x509.DNSName: "DNS", x509.UniformResourceIdentifier: "URI", x509.IPAddress: "IP"}
    return f"{kinds.get(type(name), type(name).__name__)}:{name.value}"
