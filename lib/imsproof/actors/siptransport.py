"""SIP over UDP, TCP or TLS from the tester's side: whole messages in and out, each in its conversation."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Literal

from imsproof.codec.sip import SipSyntaxError, StreamFramer
from imsproof.link.facts import sip_facts
from imsproof.link.tcp import TcpStream
from imsproof.link.tcpdoor import TcpDoor
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Address, HarnessError, ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imsproof.link.session import Session

TransportName = Literal["udp", "tcp", "tls"]
TRANSPORTS: tuple[TransportName, ...] = ("udp", "tcp", "tls")
READ_SECONDS = 3600.0
"""The reader waits for the connection's end; each request has its own timer."""


def first_declared(declared: Mapping[str, Address]) -> TransportName | None:
    """Return the first transport that a profile declares, in the order of :data:`TRANSPORTS`."""
    for name in TRANSPORTS:
        if name in declared:
            return name
    return None


class Labels:
    """Which conversation a message belongs to: by Call-ID, CSeq number and direction.

    Attributes:
        default: where what cannot be told belongs.
    """

    def __init__(self, session: Session, default: str) -> None:
        """Begin with no conversations."""
        self.default = default
        self._session = session
        self._known: dict[tuple[str, str, str], str] = {}

    def bind(self, call_id: str, cseq: int | str, exchange: str) -> None:
        """Say that the tester's request of this number, and its answers, belong to an exchange."""
        self._known["out", call_id, str(cseq)] = exchange

    def describe(self, data: bytes) -> tuple[str, Mapping[str, Any]]:
        """Return exchange and facts of a received message; a request not seen before begins an exchange."""
        facts = sip_facts(data)
        if not facts:
            return self.default, {}
        number = (str(facts["cseq"]).split() or [""])[0]
        direction = "in" if facts["sip"] == "request" else "out"
        key = (direction, str(facts["call_id"]), number)
        if key not in self._known:
            if direction == "out":
                return self.default, facts
            self._known[key] = self._session.exchange(f"{facts['method'][:20]} received")
        return self._known[key], facts


class SipTransport:
    """One transport of a SIP actor.

    Attributes:
        name: ``udp``, ``tcp`` or ``tls``.
        local, remote: its two ends; ``local`` goes into Via and Contact.
        labels: which conversation a message belongs to.
        on_message: called with each message, who sent it and its exchange.
        on_end: called when the lab has ended the connection.
        failed: why nothing more comes, or ``""``.
        unheard: what says that nothing arrives there, though it may be wrong, or ``""``.
    """

    def __init__(self, session: Session, actor: str, name: TransportName, remote: Address, labels: Labels) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.name: TransportName = name
        self.remote = remote
        self.labels = labels
        self.local: Address = ("", 0)
        self.on_message: Callable[[bytes, Address, str], None] = lambda *_: None
        self.on_end: Callable[[], None] = lambda: None
        self.failed = ""
        self.unheard = ""
        self.facts: dict[str, Any] = {}
        self._udp: UdpEndpoint | None = None
        self._stream: TcpStream | TlsStream | None = None
        self._reader: asyncio.Task[None] | None = None
        self._door: TcpDoor | None = None
        self._taken: dict[Address, tuple[TcpStream, asyncio.Task[None]]] = {}

    @classmethod
    async def open(
        cls,
        session: Session,
        actor: str,
        name: TransportName,
        remote: Address,
        *,
        local: Address | None = None,
        tls: TlsOptions | None = None,
        labels: Labels | None = None,
        exchange: str = "",
    ) -> SipTransport:
        """Open the transport; events of the connection itself go to ``exchange``.

        Raises:
            ConnectionFailedError: TCP or TLS did not come up; the journal says why.
            OutOfScopeError, StoppedError, HarnessError: as the link says.
        """
        exchange = exchange or session.exchange(f"SIP over {name.upper()}")
        transport = cls(session, actor, name, remote, labels or Labels(session, exchange))
        if name == "udp":
            transport._udp = await UdpEndpoint.open(
                session, actor, exchange, toward=remote, local=local, describe=transport.labels.describe
            )
            transport._udp.on_datagram = transport._take_datagram
            transport.local = transport._udp.local
            return transport
        if name == "tcp":
            transport._stream = await TcpStream.open(session, actor, exchange, remote, local=local, quiet=True)
            transport.local = transport._stream.local
        else:
            stream = await TlsStream.open(
                session, actor, exchange, remote, tls or TlsOptions(), local=local, quiet=True
            )
            transport._stream, transport.local, transport.facts = stream, stream.tcp.local, stream.facts
        transport._reader = asyncio.create_task(transport._read_own(transport._stream))
        session.own(transport)
        return transport

    async def take_connections(self) -> None:
        """Over TCP, let the lab open connections of its own to ``local``; what is answered goes back the same way."""
        if self.name == "tcp":
            whose = (self.session, self.actor, self.labels.default, self.local)
            with contextlib.suppress(HarnessError):  # it may still use the connection that there is
                self._door = await TcpDoor.open(*whose, self._take_stream)

    @property
    def reliable(self) -> bool:
        """Whether nothing needs to be sent twice."""
        return self.name != "udp"

    @property
    def datagrams(self) -> bool:
        """Whether each message goes to an address of its own."""
        return self._udp is not None

    async def send(
        self, data: bytes, exchange: str, *, to: Address | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Send bytes as they are, well formed or not.

        Raises:
            ConnectionFailedError: the connection is gone.
            OutOfScopeError, StoppedError: the guard says no.
        """
        told = {**sip_facts(data), **(facts or {})}
        if self._udp is not None:
            await self._udp.send(data, to or self.remote, exchange=exchange, facts=told)
            return
        taken = self._taken.get(to) if to else None
        stream = taken[0] if taken else self._stream
        assert stream is not None
        self._emit(Kind.SENT, exchange, data, told, to if taken else None)
        await stream.send(data)

    def _take_datagram(self, data: bytes, source: Address) -> None:
        if data.strip(b"\r\n\x00"):
            self.on_message(data, source, self.labels.describe(data)[0])

    def _take_stream(self, stream: TcpStream) -> None:
        """Read on a connection that the lab opened."""
        self._taken[stream.remote] = (stream, asyncio.create_task(self._read_taken(stream)))

    async def _read_own(self, stream: TcpStream | TlsStream) -> None:
        self.failed = await self._read(stream, self.remote)
        if self._door:
            self._door.close()  # whoever connects anew may need the address
        self.on_end()

    async def _read_taken(self, stream: TcpStream) -> None:
        await self._read(stream, stream.remote)
        self._taken.pop(stream.remote, None)

    async def _read(self, stream: TcpStream | TlsStream, source: Address) -> str:
        """Hand messages on until nothing more comes, and return why that is."""
        framer = StreamFramer()
        try:
            while True:
                data = await stream.receive(READ_SECONDS)
                if data is None:
                    continue
                if not data:
                    return stream.ended
                for message in framer.feed(data):
                    exchange, facts = self.labels.describe(message)
                    self._emit(Kind.RECEIVED, exchange, message, facts, source)
                    self.on_message(message, source, exchange)
        except SipSyntaxError as error:
            unreadable = {"unreadable": str(error)}
            self._emit(Kind.RECEIVED, self.labels.default, framer.pending[:65536], unreadable, source)
            return f"what comes over {self.name.upper()} is not SIP: {error}"
        except ImsproofError as error:
            return str(error)

    async def ended(self, within: float) -> bool:
        """Wait for the connection's end and tell whether it came (a socket without one never ends)."""
        if self._reader is None:
            return False
        done, _ = await asyncio.wait([self._reader], timeout=within)
        return bool(done)

    def _emit(
        self, kind: Kind, exchange: str, data: bytes, facts: Mapping[str, Any], remote: Address | None = None
    ) -> None:
        self.session.emit(
            kind,
            self.actor,
            exchange,
            transport=self.name,
            local=self.local,
            remote=remote or self.remote,
            data=data,
            facts=facts,
        )

    async def aclose(self) -> None:
        """Close the connections or the socket."""
        if self._door:
            self._door.close()
        taken = list(self._taken.values())
        readers = [*([self._reader] if self._reader else []), *(reader for _, reader in taken)]
        for reader in readers:
            reader.cancel()
        if readers:
            await asyncio.wait(readers)
        for below in (self._udp, self._stream, *(stream for stream, _ in taken)):
            if below is not None:
                with contextlib.suppress(ImsproofError):
                    await below.aclose()
        self.session.disown(self)
