"""One offered data channel with its answer: DTLS and SCTP with whoever answered, and HTTP on a channel.

A chain is broken at one link at a time: the certificate, the version, the suite, or the transport are set for one
handshake and everything else stays right.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imsproof.actors import dcdatagrams, dchttp
from imsproof.actors.dchandshake import Handshake, make_engine
from imsproof.actors.dchttp import HttpChannels
from imsproof.actors.rawpeer import RawAssociation
from imsproof.actors.signalling import ended
from imsproof.engine.sctp import ChannelClosedError, SctpEngine
from imsproof.link import http1
from imsproof.link.dtls import DtlsEndpoint
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Attempt, HttpAnswer, RawAnswer
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from OpenSSL import SSL

    from imsproof.actors.signalling import Answered, Described, Signalling
    from imsproof.engine.dtls import DtlsEngine
    from imsproof.engine.identity import Identity
    from imsproof.engine.sctp import Message
    from imsproof.link.ice import IceEndpoint

CLOSING_SECONDS = 1.0
HINT = "sctp_over_dtls.lua"
HINT_LUA = b"""-- Tells Wireshark that SCTP is inside DTLS, whatever the port (Decode As does not offer it):
--     tshark -X lua_script:sctp_over_dtls.lua -r capture.pcapng
-- In Wireshark: copy this file into the folder of personal plugins, or start it with the same -X.
DissectorTable.get("dtls.port"):add("1-65535", Dissector.get("sctp"))
"""


@dataclass(slots=True)
class Association(Attempt):
    """DTLS with SCTP inside; ``connected`` says whether the association came up."""

    call: DataChannelCall | None = None
    sctp: SctpEngine | None = None
    http: HttpChannels | None = None


@dataclass(slots=True)
class DataChannelCall:
    """One offer with its answer; a subject that is about the signalling.

    Attributes:
        answered: the signalling's conversation.
        peer: what the answer says, or ``None`` when there was none or the channel was refused.
        udp: the tester's socket, the one of the offer.
        ice: on that socket, when both ends speak of ICE; the peer is then where ICE found it.
    """

    session: Session
    actor: str
    identity: Identity
    signalling: Signalling
    answered: Answered
    peer: Described | None
    udp: UdpEndpoint
    sctp_port: int
    offered_setup: str
    ice: IceEndpoint | None = None
    _open: list[DtlsEndpoint] = field(default_factory=list)
    _sctp: list[SctpEngine] = field(default_factory=list)

    @property
    def record(self) -> Any:
        """The record that the signalling is part of."""
        return self.answered.record

    @property
    def exchange(self) -> str:
        """The signalling's conversation."""
        return self.answered.exchange

    def need_peer(self) -> Described:
        """What the answer says; ``InconclusiveError`` when the lab gave no data channel."""
        if self.peer is None:
            raise InconclusiveError(f"the lab gave no data channel: {self.answered.failed or 'refused in the answer'}")
        return self.peer

    @property
    def sctp_ports(self) -> tuple[int, int]:
        """The tester's and the lab's SCTP port."""
        return (self.sctp_port, self.need_peer().sctp_port)

    @property
    def is_client(self) -> bool:
        """Whether the tester is the DTLS client: the lab took ``passive``, or the tester offered ``active``."""
        return self.need_peer().setup != "active"

    def handshake(self, label: str, how: Handshake | None = None) -> Attempt:
        """Do only the DTLS handshake."""
        return self.session.run(self._handshake(label, how or Handshake()))

    def connect(self, label: str, how: Handshake | None = None) -> Association:
        """Do DTLS, then SCTP inside it."""
        return self.session.run(self._connect(label, how or Handshake()))

    def raw(
        self,
        label: str,
        how: Handshake | None = None,
        *,
        passive: bool = False,
        hold_cookie: bool = False,
        no_init: bool = False,
    ) -> RawAssociation:
        """Do DTLS and, by hand, SCTP inside it.

        Args:
            label: what the conversation is called in the journal.
            how: the handshake's particulars.
            passive: see :class:`imsproof.engine.rawsctp.RawSctp`.
            hold_cookie: see there too.
            no_init: send no INIT either.

        Raises:
            InconclusiveError: the lab gave no data channel.
        """
        return self.session.run(
            self._raw(label, how or Handshake(), passive=passive, hold_cookie=hold_cookie, no_init=no_init)
        )

    def elsewhere(self, label: str, how: Handshake) -> Attempt:
        """Do the DTLS handshake from another port of the tester, which the offer did not name."""
        return self.session.run(self._elsewhere(label, how))

    def stranger(self, label: str, datagrams: Sequence[bytes]) -> RawAnswer:
        """Send datagrams from another port of the tester and wait for what comes back there until silence."""
        return self.session.run(dcdatagrams.from_another_port(self, label, datagrams))

    def throw(self, label: str, datagrams: Sequence[bytes]) -> RawAnswer:
        """Send datagrams from the port of the offer, before any association, and wait for what comes back."""
        return self.session.run(dcdatagrams.from_own_port(self, label, datagrams))

    def hello(self) -> list[bytes]:
        """The first flight of a DTLS client that nobody knows: one datagram with a ClientHello."""
        return dcdatagrams.first_flight()

    def strangers(self, label: str, count: int) -> RawAnswer:
        """Have a ClientHello come from each of ``count`` other ports of the tester; wait for answers until silence."""
        return self.session.run(dcdatagrams.from_many_ports(self, label, count))

    def beside(self, label: str, identity: Identity) -> Attempt:
        """While the association stands, do a whole handshake with another certificate from the same address."""
        return self.session.run(self._beside(label, identity))

    def renegotiate(self, label: str, identity: Identity) -> Attempt:
        """Begin another handshake in the association that stands, with another certificate."""
        return self.session.run(self._renegotiate(label, identity))

    def get(
        self,
        association: Association,
        path: str = "/",
        *,
        stream: int = 0,
        label: str = "",
        method: str = "GET",
        host: str = "",
        headers: Sequence[tuple[str, str]] = (),
    ) -> HttpAnswer:
        """Fetch a path over a negotiated channel with subprotocol http (the bootstrap channel is stream 0)."""
        request = dchttp.request_head(method, path, host or self.need_peer().address, headers)
        facts = {"method": method, "path": path, "headers": [list(pair) for pair in headers]}
        return self.session.run(self._get(association, stream, request, facts, label or f"{method} {path}"))

    def ask(self, association: Association, label: str, request: bytes) -> HttpAnswer:
        """Send a hostile request as it is on the bootstrap channel, and wait for an answer as long as silence."""
        facts = {"octets": len(request), "injected": True}
        within = self.session.timers.silence
        return self.session.run(self._get(association, 0, request, facts, label, within=within))

    def dtls_session(self) -> SSL.Session | None:
        """What a later handshake can take up of the association (see :class:`Handshake`)."""
        return self._open[-1].engine.session if self._open else None

    def hang_up(self) -> None:
        """End the call in the signalling, of which the lab must learn, and leave the association alone."""
        ended(self.signalling)

    def plain_http(self, label: str, path: str = "/") -> HttpAnswer:
        """Try to fetch a path over plain TCP and HTTP at the address of the data channel."""
        return self.session.run(self._plain_http(label, path))

    def close(self) -> None:
        """End the association and the call."""
        self.session.run(self._end())
        self.signalling.end()

    # Inside, on the link's loop

    def _engine(self, how: Handshake) -> DtlsEngine:
        return make_engine(
            how,
            "client" if self.is_client else "server",
            self.identity,
            self.need_peer().fingerprints,
            webrtc=self.ice is not None,
            keylog=self.session.keys.append,
        )

    async def _endpoint(self, exchange: str, how: Handshake) -> DtlsEndpoint:
        if self._open:
            await self.drop()
            self.udp = await UdpEndpoint.open(
                self.session, self.actor, exchange, local=(self.udp.local[0], self.udp.local[1]), quiet=True
            )
        await self.find_peer()
        endpoint = DtlsEndpoint(self.udp, self._engine(how), self.need_peer().where, exchange=exchange, quiet=True)
        endpoint.alter = how.alter
        self.session.extra_files[HINT] = HINT_LUA
        if self.ice is not None:
            endpoint.share(self.ice.take)
        self._open.append(endpoint)
        return endpoint

    async def find_peer(self) -> None:
        """Wait for ICE, if there is any, to say where the peer is; keep it going on a socket that is new."""
        if self.ice is None:
            return
        if self.ice.udp is not self.udp:
            self.ice.attach(self.udp)
        try:
            host, port = await self.ice.connect(self.session.timers.handshake)
        except ConnectionFailedError as error:
            raise InconclusiveError(f"{error}, so nothing can be said of what comes after") from error
        self.peer = replace(self.need_peer(), address=host, port=port)

    def change_ice(self, ice: IceEndpoint) -> None:
        """Go on with an ICE that began anew, and wait until it has found the peer; DTLS inside stays as it is."""
        self.session.run(self._change_ice(ice))

    async def _change_ice(self, ice: IceEndpoint) -> None:
        former, self.ice = self.ice, ice
        for endpoint in self._open:
            endpoint.share(ice.take)
        if former is not None:
            await former.aclose()
        await self.find_peer()
        for endpoint in self._open:
            endpoint.moved(self.need_peer().where)

    async def _handshake(self, label: str, how: Handshake) -> Attempt:
        exchange = self.session.exchange(label)
        endpoint = await self._endpoint(exchange, how)
        attempt = await self._shake(endpoint, exchange, how)
        if how.injected and attempt.connected:
            # Some judge the certificate only after the handshake: they end the session then.
            await endpoint.receive(self.session.timers.silence)
        return attempt

    async def _shake(self, endpoint: DtlsEndpoint, exchange: str, how: Handshake) -> Attempt:
        text = f"handshake as {endpoint.engine.role}, {how.versions[1]}"
        self._event("dtls", Kind.SENT, exchange, {"text": text, **({"injected": True} if how.injected else {})})
        try:
            facts = await endpoint.handshake(how.within)
        except ConnectionFailedError as error:
            return Attempt(record=self.session.record, exchange=exchange, failed=str(error))
        return Attempt(record=self.session.record, exchange=exchange, connected=True, facts=facts)

    async def _raw(
        self, label: str, how: Handshake, *, passive: bool, hold_cookie: bool, no_init: bool
    ) -> RawAssociation:
        exchange = self.session.exchange(label)
        endpoint = await self._endpoint(exchange, how)
        peer = self.need_peer()
        ports = (self.sctp_port, peer.sctp_port)
        association = RawAssociation.make(self.session, self.actor, endpoint, exchange, ports)
        association.sctp.passive, association.sctp.hold_cookie = passive, hold_cookie
        shaken = await self._shake(endpoint, exchange, how)
        association.failed, association.facts = shaken.failed, shaken.facts
        if shaken.connected and not no_init:
            association.sctp.start()
        if shaken.connected and not (hold_cookie or no_init):
            await association.come_up(self.session.timers.handshake)
        return association

    async def _elsewhere(self, label: str, how: Handshake) -> Attempt:
        exchange = self.session.exchange(label)
        await self.find_peer()
        udp = await UdpEndpoint.open(self.session, self.actor, exchange, local=(self.udp.local[0], 0), quiet=True)
        endpoint = DtlsEndpoint(udp, self._engine(how), self.need_peer().where, exchange=exchange, quiet=True)
        try:
            return await self._shake(endpoint, exchange, replace(how, within=self.session.timers.silence))
        finally:
            await endpoint.aclose()

    async def _plain_http(self, label: str, path: str) -> HttpAnswer:
        await self.find_peer()
        peer = self.need_peer()
        host = f"[{peer.address}]" if ":" in peer.address else peer.address
        url = f"http://{host}:{peer.port}{path}"
        return await http1.fetch(self.session, self.actor, self.session.exchange(label), "GET", url)

    async def _beside(self, label: str, identity: Identity) -> Attempt:
        if not self._open:
            raise InconclusiveError("there is no association beside which another could come up")
        engine = self._engine(Handshake(identity=identity))
        exchange = self.session.exchange(label)
        return await self._open[-1].beside(engine, exchange, within=self.session.timers.handshake)

    async def _renegotiate(self, label: str, identity: Identity) -> Attempt:
        if not self._open:
            raise InconclusiveError("there is no association to renegotiate: it did not come up")
        endpoint, exchange = self._open[-1], self.session.exchange(label)
        return await endpoint.renegotiate(exchange, identity, within=self.session.timers.silence)

    async def _connect(self, label: str, how: Handshake) -> Association:
        exchange = self.session.exchange(label)
        endpoint = await self._endpoint(exchange, how)
        shaken = await self._shake(endpoint, exchange, how)
        association = Association(
            record=self.session.record, exchange=exchange, failed=shaken.failed, facts=shaken.facts, call=self
        )
        if not shaken.connected:
            return association
        peer = self.need_peer()
        engine = SctpEngine(
            endpoint.send_soon,
            is_client=self.is_client,
            local_port=self.sctp_port,
            remote_port=peer.sctp_port,
            remote_max_message=peer.max_message_size,
        )
        self._sctp.append(engine)
        engine.observe(
            received=lambda message: self._message(Kind.RECEIVED, exchange, message),
            sent=lambda message: self._message(Kind.SENT, exchange, message),
        )
        endpoint.on_data = engine.receive
        await engine.start()
        try:
            await engine.connected(self.session.timers.silence if how.injected else self.session.timers.handshake)
        except (TimeoutError, ChannelClosedError) as error:
            association.failed = str(error) or "the SCTP association did not come up in time"
            self._sctp_event(Kind.TIMEOUT, exchange, {"reason": association.failed})
            return association
        self._sctp_event(Kind.HANDSHAKE, exchange, {"local_port": self.sctp_port, "remote_port": peer.sctp_port})
        association.connected = True
        association.sctp = engine
        return association

    def _message(self, kind: Kind, exchange: str, message: Message) -> None:
        stream, ppid, data = message
        self._sctp_event(kind, exchange, {"stream": stream, "ppid": ppid}, data)

    def _sctp_event(self, kind: Kind, exchange: str, facts: dict[str, Any], data: bytes = b"") -> None:
        self._event("sctp", kind, exchange, facts, data)

    def _event(self, transport: str, kind: Kind, exchange: str, facts: dict[str, Any], data: bytes = b"") -> None:
        self.session.emit(
            kind,
            self.actor,
            exchange,
            transport=transport,
            local=self.udp.local,
            remote=self.need_peer().where,
            data=data,
            facts=facts,
        )

    async def _get(
        self,
        association: Association,
        stream: int,
        request: bytes,
        facts: dict[str, Any],
        label: str,
        *,
        within: float | None = None,
    ) -> HttpAnswer:
        if association.sctp is None:
            exchange = self.session.exchange(label)
            return HttpAnswer(record=self.session.record, exchange=exchange, failed="there is no association")
        if association.http is None:
            association.http = HttpChannels(self.session, association.sctp, self._http_event)
        return await association.http.ask(label, stream, request, facts, within=within)

    def _http_event(self, kind: Kind, exchange: str, data: bytes, facts: dict[str, Any]) -> None:
        self._event("http", kind, exchange, facts, data)

    async def _end(self) -> None:
        await self.drop()
        if self.ice is not None:
            await self.ice.aclose()

    async def drop(self) -> None:
        """End the associations and close their sockets; the call stands. On the link's loop, as :meth:`find_peer`."""
        for engine in self._sctp:
            with suppress(TimeoutError, ConnectionFailedError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await engine.close()
        self._sctp.clear()
        for endpoint in self._open:
            await endpoint.aclose()
        self._open.clear()
