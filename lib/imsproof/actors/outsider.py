"""The outsider: sends bytes to an address of the lab from a socket of its own, and records what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.codec.sip import SipSyntaxError, StreamFramer
from imsproof.link.facts import sip_facts
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import RawAnswer
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        data: bytes | Sequence[bytes],
        target: Address,
        label: str,
        *,
        transport: TransportName = "udp",
        within: float | None = None,
        linger: float | None = None,
        tls: TlsOptions | None = None,
        injected: bool = True,
    ) -> RawAnswer:
        """Send bytes and collect what comes back until the lab is silent or closes.

        Args:
            data: sent as they are, as one datagram or over one connection; several pieces are written one by one.
            target: where to.
            label: what the conversation is called in the journal.
            transport: ``udp``, ``tcp`` or ``tls``.
            within: seconds to the first answer; the profile's answer timer by default.
            linger: seconds to wait for more after each answer; the profile's silence timer by default.
            tls: what to offer in TLS.
            injected: mark what is sent as planted.
        """
        return self.session.run(
            self.asend(
                data,
                target,
                label,
                transport=transport,
                within=within,
                linger=linger,
                tls=tls,
                injected=injected,
            )
        )

    async def asend(  # noqa: PLR0913 - what may differ from one raw conversation to the next
        self,
        data: bytes | Sequence[bytes],
        target: Address,
        label: str,
        *,
        transport: TransportName = "udp",
        within: float | None = None,
        linger: float | None = None,
        tls: TlsOptions | None = None,
        injected: bool = True,
        finals: int = 1,
    ) -> RawAnswer:
        """Send bytes and collect what comes back (see :meth:`send`).

        ``finals``: answers that a stream is to have; until then each has as long as the first.
        """
        pieces = [data] if isinstance(data, bytes) else list(data)
        exchange = self.session.exchange(label)
        answer = RawAnswer(record=self.session.record, exchange=exchange)
        local = (self._source, 0) if self._source else None
        timers = self.session.timers
        times = (timers.answer if within is None else within, timers.silence if linger is None else linger)
        facts = {**sip_facts(b"".join(pieces)), **({"injected": True} if injected else {})}
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
                await self._over_udp(socket, b"".join(pieces), times, answer, facts)
            else:
                stream = await self._stream(transport, exchange, target, local, tls)
                await self._over_stream(stream, pieces, times, answer, facts, finals)
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

    async def _over_udp(
        self,
        socket: UdpEndpoint,
        data: bytes,
        times: tuple[float, float],
        answer: RawAnswer,
        facts: dict[str, Any],
    ) -> None:
        try:
            await socket.send(data, facts=facts)
            got: list[bytes] = []
            wait, linger = times
            while len(got) < MAX_ANSWERS and (received := await socket.receive(wait)) is not None:
                got.append(received[0])
                wait = times[0] if _provisional(received[0]) else linger
            answer.data = tuple(got)
            self._conclude(answer, "udp", socket.local, socket.remote, times[0], refused=socket.refused)
        finally:
            await socket.aclose()

    async def _over_stream(
        self,
        stream: TcpStream | TlsStream,
        pieces: list[bytes],
        times: tuple[float, float],
        answer: RawAnswer,
        facts: dict[str, Any],
        finals: int,
    ) -> None:
        tcp = stream.tcp if isinstance(stream, TlsStream) else stream
        name = "tls" if isinstance(stream, TlsStream) else "tcp"
        got = bytearray()
        try:
            self._emit(Kind.SENT, answer, name, tcp, b"".join(pieces), {**facts, "writes": len(pieces)})
            for piece in pieces:
                await stream.send(piece)
            wait, linger = times
            while len(got) < MAX_BYTES and (more := await stream.receive(wait)):
                got += more
                whole = _split(bytes(got))
                came = sum(not _provisional(one) for one in whole)
                wait = times[0] if came < finals or _provisional(whole[-1]) else linger
            answer.data = _split(bytes(got)) if got else ()
            for message in answer.data:
                self._emit(Kind.RECEIVED, answer, name, tcp, message, sip_facts(message))
            self._conclude(answer, name, tcp.local, tcp.remote, times[0], refused=stream.ended)
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
        answer.failed = refused or f"nothing came back within {within:.1f} s"
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

    def _emit(
        self, kind: Kind, answer: RawAnswer, transport: str, tcp: TcpStream, data: bytes, facts: dict[str, Any]
    ) -> None:
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


def _provisional(data: bytes) -> bool:
    """Whether this is a SIP response that another one follows (1xx)."""
    return data.startswith(b"SIP/2.0 1")


def _split(data: bytes) -> tuple[bytes, ...]:
    """Cut the SIP messages of a stream apart; what is not SIP, or is cut short, stays one piece.

    Line ends may stand before a message: a server answers those that a client keeps a connection alive with.
    """
    framer = StreamFramer(MAX_BYTES)
    try:
        messages = framer.feed(data) if data.lstrip(b"\r\n").startswith(b"SIP/2.0 ") else []
    except SipSyntaxError:
        return (data,)
    rest = framer.pending if messages else data
    return (*messages, rest) if rest else tuple(messages)
