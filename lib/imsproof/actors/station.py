"""A user agent's place on Gm: its socket, the requests that it writes, and bytes as they are.

Source: RFC 3261 clauses 8.1.1 and 22, TS 24.229 clause 5.1 (unchecked). Synchronous methods are for testcases; those
that begin with ``a`` are the same on the link's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING

from imsproof.actors.credentials import Credentials
from imsproof.actors.sipsubject import Registration, SipAnswer
from imsproof.actors.siptransport import Labels, SipTransport, TransportName, first_declared
from imsproof.actors.transactions import Transactions, new_branch
from imsproof.codec import sip
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.tls import TlsOptions, read_pem
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.profile.gm import Gm, Subscriber

    Headers = Sequence[tuple[str, str]]
    Alter = Callable[[sip.Message], bytes | None]
    """Changes a request in place just before it is sent, or returns the bytes to send instead."""

DC_TAG = '+sip.app-subtype="webrtc-datachannel"'
"""The media feature tag of a data-channel capable client (TS 26.114 clause 6.2.10.1)."""
CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


class Station:
    """A subscriber at one transport with one contact.

    Attributes:
        session: the purpose's session.
        gm: the profile's part on Gm.
        subscriber: who it is.
        actor: its name in the journal.
        registration: the last registration that was accepted, or ``None``.
    """

    def __init__(
        self,
        session: Session,
        gm: Gm,
        subscriber: Subscriber,
        *,
        transport: TransportName | None = None,
        actor: str = "ue-a",
        source: str | None = None,
        tls: TlsOptions | None = None,
    ) -> None:
        """Take its place; it opens its socket with the first thing that it does.

        Args:
            session: the purpose's session.
            gm: the profile's part on Gm.
            subscriber: who it is.
            transport: ``udp``, ``tcp`` or ``tls``; the first that the profile declares by default.
            actor: its name in the journal.
            source: local IP; the session's by default.
            tls: what to offer in TLS; by the profile by default.

        Raises:
            HarnessError: the profile does not declare the transport.
        """
        declared = gm.transports()
        name = transport or first_declared(declared)
        if name is None or name not in declared:
            raise HarnessError(f"the profile declares no gm.{name or 'udp'}; it has {', '.join(declared) or 'none'}")
        self.session = session
        self.gm = gm
        self.subscriber = subscriber
        self.actor = actor
        self.credentials = Credentials(subscriber, gm.digest_realm)
        self.registration: Registration | None = None
        self._name: TransportName = name
        self._remote: Address = (declared[name][0], declared[name][1])
        where = source or session.source
        self._own: Address | None = (where, 0) if where else None
        self._tls = tls
        self._transport: SipTransport | None = None
        self._transactions: Transactions | None = None
        self._strays: list[asyncio.Queue[tuple[sip.Message, str]]] = []

    # What it is

    @property
    def impu(self) -> str:
        """Its public identity, the default one once it is registered."""
        associated = self.registration.associated if self.registration else ()
        return next((uri for uri in associated if uri in self.subscriber.impus), self.subscriber.impu)

    @property
    def identities(self) -> tuple[str, ...]:
        """Its public identities: those of the profile, and what else the network said at its registration."""
        associated = self.registration.associated if self.registration else ()
        return tuple(dict.fromkeys((*self.subscriber.impus, *associated)))

    @property
    def transport(self) -> SipTransport:
        """Its transport (``HarnessError`` before the first use)."""
        if self._transport is None:
            raise HarnessError(f"{self.actor} has no transport yet: register or send something first")
        return self._transport

    @property
    def transactions(self) -> Transactions:
        """Its transactions (``HarnessError`` before the first use)."""
        if self._transactions is None:
            raise HarnessError(f"{self.actor} has no transport yet: register or send something first")
        return self._transactions

    @property
    def local(self) -> Address:
        """Its own transport address; opens the transport when there is none yet."""
        if self._transport is None:
            self.session.run(self.aconnect())
        return self.transport.local

    @property
    def contact_uri(self) -> str:
        """Its contact's URI."""
        host, port = self.transport.local
        user = sip.parse_uri(self.subscriber.impu).user
        suffix = "" if self._name == "udp" else f";transport={'tls' if self._name == 'tls' else 'tcp'}"
        return f"sip:{user}@{bracketed(host)}:{port}{suffix}"

    @property
    def contact(self) -> str:
        """Its Contact value, with the data-channel feature tag where the subscriber has the service."""
        return f"<{self.contact_uri}>" + (f";{DC_TAG}" if self.subscriber.data_channel else "")

    # What a testcase calls

    def request(
        self,
        method: str,
        target: str = "",
        *,
        headers: Headers = (),
        body: bytes = b"",
        alter: Alter | None = None,
        label: str = "",
    ) -> SipAnswer:
        """Send a request outside any dialog (OPTIONS, MESSAGE, SUBSCRIBE, ...) and wait for its final answer."""
        return self.session.run(self.arequest(method, target, headers=headers, body=body, alter=alter, label=label))

    def send_raw(self, data: bytes, label: str, *, within: float | None = None) -> SipAnswer:
        """Send bytes as they are from the UE's own socket and wait for a final answer to them."""
        return self.session.run(self.asend_raw(data, label, within=within))

    def wait_end(self, exchange: str) -> None:
        """Wait, as long as for an answer, until the lab ends the connection; the journal says if it did not."""
        if not self.session.run(self.transport.ended(self.session.timers.answer)):
            reason = "the lab did not end the connection"
            facts = {"reason": reason, "connection": "open"}
            self.session.emit(Kind.TIMEOUT, self.actor, exchange, transport=self._name, facts=facts)

    def close(self) -> None:
        """Go, in an orderly way as far as the lab answers."""
        self.session.run(self.aclose())

    # The same on the link's loop

    async def aconnect(self, exchange: str = "") -> None:
        """Open the transport, when there is none or it broke."""
        if self._transport is not None and not self._transport.failed:
            return
        label = exchange or self.session.exchange(f"{self.actor} connects")
        self._adopt(
            await SipTransport.open(
                self.session,
                self.actor,
                self._name,
                self._remote,
                local=self._own,
                tls=self._tls or tls_of(self.gm),
                labels=Labels(self.session, label),
                exchange=label,
            )
        )
        await self.transport.take_connections()
        self.session.own(self)

    async def arequest(
        self,
        method: str,
        target: str = "",
        *,
        headers: Headers = (),
        body: bytes = b"",
        alter: Alter | None = None,
        label: str = "",
        within: float | None = None,
    ) -> SipAnswer:
        """Send a request outside any dialog (see :meth:`request`)."""
        exchange = self.session.exchange(label or method)
        try:
            await self.aconnect(exchange)
        except ConnectionFailedError as error:
            return SipAnswer(record=self.session.record, exchange=exchange, failed=str(error))
        message = self.outside(method, target or f"sip:{self.gm.domain}", headers, body)
        return await self._send(message, exchange, self.session.timers.answer if within is None else within, alter)

    async def asend_raw(self, data: bytes, label: str, *, within: float | None = None) -> SipAnswer:
        """Send bytes as they are (see :meth:`send_raw`)."""
        exchange = self.session.exchange(label)
        answer = SipAnswer(record=self.session.record, exchange=exchange)
        strays: asyncio.Queue[tuple[sip.Message, str]] = asyncio.Queue()
        seconds = self.session.timers.answer if within is None else within
        try:
            await self.aconnect(exchange)
            self._claim(data, exchange)
            self._strays.append(strays)
            await self.transport.send(data, exchange, facts={"injected": True})
            async with asyncio.timeout(seconds):
                while answer.status < 200:
                    message, belongs = await strays.get()
                    if belongs == exchange:
                        answer.message, answer.status = message, message.status
        except TimeoutError:
            answer.failed = f"no final answer within {seconds:.1f} s"
            self.session.emit(
                Kind.TIMEOUT,
                self.actor,
                exchange,
                transport=self._name,
                local=self.transport.local,
                remote=self._remote,
                facts={"reason": answer.failed},
            )
        except ConnectionFailedError as error:
            answer.failed = str(error)
        finally:
            if strays in self._strays:
                self._strays.remove(strays)
        return answer

    def _claim(self, data: bytes, exchange: str) -> None:
        """Have what answers these bytes, as far as it can be told, belong to an exchange."""
        labels = self.transport.labels
        labels.default = exchange
        with contextlib.suppress(sip.SipSyntaxError):
            message = sip.Message.parse(data)
            labels.bind(message.get("Call-ID") or "", ((message.get("CSeq") or "").split() or [""])[0], exchange)

    async def aclose(self) -> None:
        """Close the transport."""
        self.session.disown(self)
        if self._transport is None or self._transactions is None:
            return
        await self._transactions.aclose()
        await self._transport.aclose()
        self._transport = self._transactions = None

    # Messages

    def via(self) -> str:
        """A Via value with a new branch."""
        host, port = self.transport.local
        return f"SIP/2.0/{self._name.upper()} {bracketed(host)}:{port};branch={new_branch()};rport"

    def build(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> sip.Message:
        """Write a request with our Via on top."""
        return sip.request(method, uri, [("Via", self.via()), *headers], body)

    def outside(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> sip.Message:
        """Write a request outside any dialog, as a registered UE does: with the route that it was given."""
        own = [
            *(("Route", route) for route in self.route_set()),
            ("Max-Forwards", "70"),
            ("From", f"<{self.impu}>;tag={token(4)}"),
            ("To", f"<{target}>"),
            ("Call-ID", f"{token()}@{bracketed(self.transport.local[0])}"),
            ("CSeq", f"1 {method}"),
        ]
        return self.build(method, target, [*own, *headers], body)

    def route_set(self) -> tuple[str, ...]:
        """The P-CSCF and the Service-Route; nothing where the lab gave no Service-Route (RFC 3608)."""
        given = self.registration.service_route if self.registration else ()
        if not given:
            return ()
        transport = "" if self._name == "udp" else f";transport={self._name}"
        return (f"<sip:{bracketed(self._remote[0])}:{self._remote[1]};lr{transport}>", *given)

    async def asend(self, message: sip.Message, exchange: str, within: float) -> SipAnswer:
        """Send a request that was made elsewhere, and answer a challenge to it once; the message is changed then."""
        return await self._send(message, exchange, within, None)

    async def _send(self, message: sip.Message, exchange: str, within: float, alter: Alter | None) -> SipAnswer:
        """Send a request; where it is challenged, answer the challenge once. The message is then the one that did."""
        data = alter(message) if alter else None
        injected = alter is not None
        answer = await self.transactions.request(message.copy(), exchange, within, data=data, injected=injected)
        if message.method != "REGISTER" and data is None and self._credit(message, answer):
            answer = await self.transactions.request(message.copy(), exchange, within, injected=injected)
        return answer

    def challenge_in(self, answer: SipAnswer) -> str:
        """The challenge of a 401 or 407 that is to be answered, or ``""``."""
        return self.credentials.choose(answer.headers(CHALLENGES.get(answer.status, "")))

    def _credit(self, message: sip.Message, answer: SipAnswer) -> bool:
        """Make of a challenged request the one that answers (RFC 3261 clause 22, unchecked); whether it could be."""
        challenged = self.challenge_in(answer)
        number = (message.get("CSeq") or "").partition(" ")[0]
        if not challenged or not (number.isascii() and number.isdigit()):
            return False
        credit = self.credentials.answer(challenged, message.method, message.uri, message.body).authorization
        if not credit:
            return False
        message.set("Via", self.via())
        message.set("CSeq", f"{int(number) + 1} {message.method}")
        message.set("Authorization" if answer.status == 401 else "Proxy-Authorization", credit)
        return True

    # What comes in

    def _adopt(self, transport: SipTransport) -> None:
        """Speak through a transport from now on."""
        self._transport, self._remote = transport, transport.remote
        self._transactions = Transactions(transport)
        self._transactions.on_request = self._take_request
        self._transactions.on_stray = self._take_stray

    def _take_request(self, message: sip.Message, source: Address, exchange: str) -> None:
        """Take a request that came in."""

    def _take_stray(self, message: sip.Message, exchange: str) -> None:
        """Take a response that no transaction waits for."""
        for queue in self._strays:
            queue.put_nowait((message, exchange))


def tls_of(gm: Gm) -> TlsOptions:
    """What a UE offers in TLS, by the profile; the server's certificate is a fact, not a condition."""
    name = gm.tls_server_name or gm.domain
    return TlsOptions(server_name=name, ca=read_pem(gm.tls_ca) if gm.tls_ca else None)


def bracketed(host: str) -> str:
    """Write an IP address as a URI has it."""
    return f"[{host}]" if ":" in host else host


def token(size: int = 8) -> str:
    """Make a random word of so many bytes, as hexadecimal digits."""
    return secrets.token_hex(size)
