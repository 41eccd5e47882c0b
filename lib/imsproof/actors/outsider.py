"""The outsider: sends bytes to an address of the lab from a socket of its own, and records what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.link.facts import sip_facts
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import RawAnswer
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.actors.siptransport import TransportName
    from imsproof.seams import Address

MAX_ANSWERS = 100
MAX_BYTES = 1024 * 1024


class Outsider:
    """Somebody without a name: each :meth:`send` is a socket and a conversation of its own."""

    def __init__(self, session: Session, *, actor: str = "outsider", source: str | None = None) -> None:
        """Make an outsider; ``source`` is its local IP, the session's by default."""
        self.session = session
        self.actor = actor
        self._source = source

    def send(
        self,
        data: bytes,
        target: Address,
        label: str,
        *,
        transport: TransportName = "udp",
        within: float | None = None,
        tls: TlsOptions | None = None,
    ) -> RawAnswer:
        """Send bytes and collect what comes back until the lab is silent or closes.

        Args:
            data: sent as they are, as one datagram or over one connection.
            target: where to.
            label: what the conversation is called in the journal.
            transport: ``udp``, ``tcp`` or ``tls``.
            within: seconds to the first answer; the profile's answer timer by default.
            tls: what to offer in TLS.
        """
        return self.session.run(self.asend(data, target, label, transport=transport, within=within, tls=tls))

    async def asend(
        self,
        data: bytes,
        target: Address,
        label: str,
        *,
        transport: TransportName = "udp",
        within: float | None = None,
        tls: TlsOptions | None = None,
    ) -> RawAnswer:
        """Send bytes and collect what comes back (see :meth:`send`)."""
        exchange = self.session.exchange(label)
        answer = RawAnswer(record=self.session.record, exchange=exchange)
        local = (self._source, 0) if self._source else None
        seconds = self.session.timers.answer if within is None else within
        try:
            if transport == "udp":
                socket = await UdpEndpoint.open(
                    self.session,
                    self.actor,
                    exchange,
                    remote=target,
                    local=local,
                    describe=lambda one: ("", sip_facts(one)),
                )
                await self._over_udp(socket, data, seconds, answer)
            else:
                stream = await self._stream(transport, exchange, target, local, tls)
                await self._over_stream(stream, data, seconds, answer)
        except ConnectionFailedError as error:
            answer.failed = str(error)
        return answer

    async def _stream(
        self, transport: str, exchange: str, target: Address, local: Address | None, tls: TlsOptions | None
    ) -> TcpStream | TlsStream:
        if transport == "tcp":
            return await TcpStream.open(self.session, self.actor, exchange, target, local=local, quiet=True)
        options = tls or TlsOptions()
        return await TlsStream.open(self.session, self.actor, exchange, target, options, local=local, quiet=True)

    async def _over_udp(self, socket: UdpEndpoint, data: bytes, within: float, answer: RawAnswer) -> None:
        try:
            await socket.send(data, facts={**sip_facts(data), "injected": True})
            got: list[bytes] = []
            wait = within
            while len(got) < MAX_ANSWERS and (received := await socket.receive(wait)) is not None:
                got.append(received[0])
                wait = self.session.timers.silence
            answer.data = tuple(got)
            self._conclude(answer, "udp", socket.local, socket.remote, within, refused=socket.refused)
        finally:
            await socket.aclose()

    async def _over_stream(self, stream: TcpStream | TlsStream, data: bytes, within: float, answer: RawAnswer) -> None:
        tcp = stream.tcp if isinstance(stream, TlsStream) else stream
        name = "tls" if isinstance(stream, TlsStream) else "tcp"
        got = bytearray()
        try:
            self._emit(Kind.SENT, answer, name, tcp, data)
            await stream.send(data)
            wait = within
            while len(got) < MAX_BYTES and (piece := await stream.receive(wait)):
                got += piece
                wait = self.session.timers.silence
            answer.data = (bytes(got),) if got else ()
            if got:
                self._emit(Kind.RECEIVED, answer, name, tcp, bytes(got))
            self._conclude(answer, name, tcp.local, tcp.remote, within, refused=stream.ended)
        finally:
            await stream.aclose()

    def _conclude(
        self,
        answer: RawAnswer,
        transport: str,
        local: Address,
        remote: Address | None,
        within: float,
        *,
        refused: str,
    ) -> None:
        if answer.data:
            return
        answer.failed = refused or f"nothing came back within {within} s"
        if not refused:
            self.session.emit(
                Kind.TIMEOUT,
                self.actor,
                answer.exchange,
                transport=transport,
                local=local,
                remote=remote,
                facts={"reason": answer.failed},
            )

    def _emit(self, kind: Kind, answer: RawAnswer, transport: str, tcp: TcpStream, data: bytes) -> None:
        facts = sip_facts(data) | ({"injected": True} if kind is Kind.SENT else {})
        self.session.emit(
            kind,
            self.actor,
            answer.exchange,
            transport=transport,
            local=tcp.local,
            remote=tcp.remote,
            data=data,
            facts=facts,
        )
