"""A TLS server of the tester that a consumer of the lab is led to: does the consumer trust it enough to speak?

One conversation holds every arrival: the connection, how the handshake ended, what the consumer said after it. It is
told SETTINGS and GOAWAY where it speaks HTTP/2, else nothing: what it wants does not matter.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

from imsproof.codec import http2
from imsproof.codec.tlshello import alert_name
from imsproof.link.keylog import keep_key
from imsproof.link.udp import source_toward, two
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.link.session import Session

READ = 65_536
MAX_ARRIVALS = 16
FATAL = 2
H2 = b"h2"


class TlsListener:
    """Listens until the session ends; the events of all arrivals belong to its conversation.

    Attributes:
        exchange: that conversation.
        address: where it listens.
    """

    def __init__(self, session: Session, actor: str, exchange: str, context: SSL.Context) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.address: Address = ("", 0)
        self._context = context
        self._arrivals = 0
        self._over = asyncio.Event()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls, session: Session, actor: str, exchange: str, host: str, certificate: bytes, key: bytes
    ) -> TlsListener:
        """Listen at a local address, at a port of the system's choice.

        Args:
            session: the purpose's session.
            actor: whose server it is.
            exchange: the conversation that arrivals belong to.
            host: the IP address.
            certificate: PEM of the server's certificate and its chain.
            key: PEM of its private key.

        Raises:
            HarnessError: no port can be had, or the certificate cannot be used.
        """
        listener = cls(session, actor, exchange, _context(session, certificate, key))
        try:
            listener._server = await asyncio.start_server(listener._take, host, 0, backlog=MAX_ARRIVALS)
        except OSError as error:
            raise HarnessError(f"no TCP port can be opened at {host}: {error}") from error
        listener.address = two(listener._server.sockets[0].getsockname())
        session.own(listener)
        text = f"listening at {listener.address[0]} port {listener.address[1]}"
        session.emit(
            Kind.NOTE,
            actor,
            exchange,
            transport="tls",
            local=listener.address,
            facts={"text": text, "listening": True},
        )
        return listener

    async def wait(self, seconds: float) -> bool:
        """Wait until an arrival is over and tell whether there was one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        return self._over.is_set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._arrivals += 1
        if self._arrivals > MAX_ARRIVALS:
            writer.close()
            return
        arrival = _Arrival(self, reader, writer)
        flow = self.session.open_flow("tcp", arrival.local, arrival.remote)
        self.session.tap("tcp", arrival.remote, arrival.local, b"", "open")
        try:
            async with asyncio.timeout(self.session.timers.handshake):
                await arrival.serve()
        except TimeoutError:
            arrival.emit(Kind.TIMEOUT, {"reason": f"nothing within {self.session.timers.handshake:.1f} s"})
        except OSError as error:
            arrival.emit(Kind.CLOSED, {"reason": str(error), "by": "lab"})
        finally:
            writer.close()
            self.session.tap("tcp", arrival.local, arrival.remote, b"", "close")
            self.session.close_flow(flow)
            self._over.set()

    async def aclose(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.session.disown(self)


class _Arrival:
    """One connection to a listener."""

    def __init__(self, listener: TlsListener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._listener = listener
        self._reader = reader
        self._writer = writer
        self.remote, self.local = two(writer.get_extra_info("peername")), two(writer.get_extra_info("sockname"))
        self._alerts: list[tuple[bool, int, int]] = []
        self._tls = SSL.Connection(listener._context, None)  # noqa: SLF001 - its own helper
        self._tls.set_info_callback(self._on_info)
        self._tls.set_accept_state()

    def emit(self, kind: Kind, facts: Mapping[str, Any], data: bytes = b"") -> None:
        """Write an event down."""
        whose = self._listener
        whose.session.emit(
            kind,
            whose.actor,
            whose.exchange,
            transport="tls",
            local=self.local,
            remote=self.remote,
            data=data,
            facts=facts,
        )

    async def serve(self) -> None:
        """Shake hands, and hear what comes first."""
        self.emit(Kind.OPENED, {"by": "lab"})
        if not await self._shake_hands():
            return
        protocol = self._tls.get_alpn_proto_negotiated()
        facts = {"version": self._tls.get_protocol_version_name(), "alpn": protocol.decode("ascii", "replace")}
        self.emit(Kind.HANDSHAKE, facts)
        if protocol == H2:
            self._tls.sendall(http2.settings())
        data = await self._plain()
        if data:
            self.emit(Kind.RECEIVED, {"octets": len(data)}, data)
            if protocol == H2:
                self._tls.sendall(http2.goaway())
                await self._flush()

    async def _shake_hands(self) -> bool:
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                if not await self._feed():
                    return False
            except SSL.Error as error:
                await self._flush()
                if not self._write_alerts():
                    self.emit(Kind.REFUSED, {"reason": str(error) or "no handshake", "stage": "handshake"})
                return False
            else:
                await self._flush()
                return True

    async def _plain(self) -> bytes:
        """The first application data, or nothing where the consumer ends the connection instead."""
        while True:
            try:
                return self._tls.recv(READ)
            except SSL.WantReadError:
                if not await self._feed():
                    return b""
            except SSL.Error:
                if not self._write_alerts():
                    self.emit(Kind.CLOSED, {"reason": "closed by the lab", "by": "lab"})
                return b""

    async def _feed(self) -> bool:
        """Bring octets from the consumer to the library; ``False`` when it has ended the connection."""
        await self._flush()
        data = await self._reader.read(READ)
        if not data:
            if not self._write_alerts():
                self.emit(Kind.CLOSED, {"reason": "closed by the lab", "by": "lab"})
            return False
        self._listener.session.tap("tcp", self.remote, self.local, data)
        self._tls.bio_write(data)
        return True

    async def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            while data := self._tls.bio_read(READ):
                self._listener.session.tap("tcp", self.local, self.remote, data)
                self._writer.write(data)
        await self._writer.drain()

    def _on_info(self, _: SSL.Connection, where: int, value: int) -> None:
        if where & SSL.SSL_CB_ALERT:
            self._alerts.append((bool(where & SSL.SSL_CB_READ), value >> 8, value & 0xFF))

    def _write_alerts(self) -> bool:
        """Write the alerts down and tell whether the consumer sent one."""
        seen, self._alerts = self._alerts, []
        for from_lab, level, number in seen:
            facts = {"alert": alert_name(number), "level": "fatal" if level == FATAL else "warning"}
            self.emit(Kind.ALERT if from_lab else Kind.ALERT_SENT, facts)
        return any(from_lab for from_lab, _, _ in seen)


def address_toward(session: Session, toward: Address) -> str:
    """The tester's IP address that a node of the lab can reach."""
    return session.source or source_toward(toward)


def _context(session: Session, certificate: bytes, key: bytes) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    try:
        chain = x509.load_pem_x509_certificates(certificate)
        context.use_certificate(chain[0])
        for extra in chain[1:]:
            context.add_extra_chain_cert(extra)
        private: Any = serialization.load_pem_private_key(key, password=None)
        context.use_privatekey(private)
    except (SSL.Error, ValueError, TypeError) as error:
        raise HarnessError(f"the tester's server certificate cannot be used: {error}") from error
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.set_alpn_select_callback(lambda _, offered: H2 if H2 in offered else SSL.NO_OVERLAPPING_PROTOCOLS)
    context.set_keylog_callback(lambda _, line: keep_key(session.keys, line.decode("ascii", "replace")))
    return context
