"""A UE on Gm: registers with IMS AKA or digest, makes and takes calls, and sends what is wrong when told to.

Source: TS 24.229 clause 5.1 (unchecked), RFC 3261, RFC 3310. Synchronous methods are for testcases; those that
begin with ``a`` are the same on the link's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

from imsproof.actors.call import SDP_TYPE, Call, Dialog, IncomingCall
from imsproof.actors.credentials import Credentials
from imsproof.actors.sipsubject import Challenge, Registration, SipAnswer
from imsproof.actors.siptransport import Labels, SipTransport, TransportName, first_declared
from imsproof.actors.transactions import Transactions, new_branch
from imsproof.codec import sip
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Exchange
from imsproof.link.tls import TlsOptions, read_pem
from imsproof.seams import Address, HarnessError, ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.credentials import AlterBytes, AlterParams, Answer
    from imsproof.profile.gm import Gm, Subscriber

    Headers = Sequence[tuple[str, str]]
    Taker = Callable[[sip.Message], bytes | int]
    """Decides on an INVITE: the SDP to answer 200 with, or the status to refuse with."""
    Alter = Callable[[sip.Message], bytes | None]
    """Changes a request in place just before it is sent, or returns the bytes to send instead."""

DC_TAG = '+sip.app-subtype="webrtc-datachannel"'
"""The media feature tag of a data-channel capable client (TS 26.114 clause 6.2.10.1)."""
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, MESSAGE, UPDATE, INFO"
CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
EXPIRES = 3600
MAX_ROUNDS = 3
"""A challenge, one resynchronisation, and one stale nonce."""
GREETED = ("OPTIONS", "NOTIFY", "MESSAGE", "INFO")


class Ue:
    """One UE with one subscriber, one transport and one contact.

    Attributes:
        session: the purpose's session.
        gm: the profile's part on Gm.
        subscriber: who it is.
        actor: its name in the journal.
        registration: the last registration that was accepted, or ``None``.
        calls: calls that stand, by Call-ID.
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
        """Make a UE; it opens its socket with the first thing that it does.

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
        self.calls: dict[str, Call] = {}
        self._name: TransportName = name
        self._remote: Address = (declared[name][0], declared[name][1])
        self._source = source or session.source
        self._tls = tls
        self._transport: SipTransport | None = None
        self._transactions: Transactions | None = None
        self._taker: Taker | None = None
        self._invites: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._waiting: dict[str, IncomingCall] = {}
        self._strays: list[asyncio.Queue[tuple[sip.Message, str]]] = []
        self._heard: dict[str, asyncio.Queue[str]] = {}
        self._register_call_id = _token()
        self._register_tag = _token(4)
        self._register_cseq = 0

    # What it is

    @property
    def impu(self) -> str:
        """Its public identity, the default one once it is registered."""
        associated = self.registration.associated if self.registration else ()
        return next((uri for uri in associated if uri in self.subscriber.impus), self.subscriber.impu)

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

    def register(
        self,
        *,
        expires: int = EXPIRES,
        res: AlterBytes | None = None,
        password: str | None = None,
        alter_credentials: AlterParams | None = None,
        headers: Headers = (),
        alter: Alter | None = None,
        label: str = "REGISTER",
    ) -> Registration:
        """Register: REGISTER, answer the challenge, and what comes of it.

        Args:
            expires: seconds asked for; 0 ends the registration.
            res: changes RES, to be wrong on purpose.
            password: another password than the subscriber's, to be wrong on purpose.
            alter_credentials: changes the parameters of Authorization after the response was computed.
            headers: more headers in each REGISTER.
            alter: changes each REGISTER just before it is sent, or returns the bytes to send instead.
            label: what the conversation is called in the journal.
        """
        coroutine = self.aregister(
            expires=expires,
            res=res,
            password=password,
            alter_credentials=alter_credentials,
            headers=headers,
            alter=alter,
            label=label,
        )
        return self.session.run(coroutine)

    def challenge(self, *, headers: Headers = (), alter: Alter | None = None, label: str = "REGISTER") -> Registration:
        """Send the first REGISTER only; ``challenge`` of what comes back holds the challenge."""
        return self.session.run(self.achallenge(headers=headers, alter=alter, label=label))

    def respond(
        self,
        challenge: Challenge,
        *,
        made_for: tuple[str, str] | None = None,
        alter: Alter | None = None,
        label: str = "REGISTER with response",
        **credentials: Any,
    ) -> Registration:
        """Answer a challenge once (again, late, or somebody else's) and go no further.

        Args:
            challenge: what to answer.
            made_for: method and digest-uri that the response is computed for, the right ones by default.
            alter: changes the REGISTER just before it is sent.
            label: what the conversation is called in the journal.
            credentials: ``res``, ``password``, ``username``, ``alter`` of :meth:`Credentials.answer`, the last one
                as ``alter_credentials``.
        """
        return self.session.run(self._respond_once(challenge, made_for, alter, label, credentials))

    def deregister(self, label: str = "DEREGISTER") -> Registration:
        """End the registration."""
        return self.register(expires=0, label=label)

    def invite(
        self,
        target: str,
        sdp: bytes,
        *,
        headers: Headers = (),
        alter: Alter | None = None,
        within: float | None = None,
        label: str = "INVITE",
    ) -> Call:
        """Call somebody with an offer and wait for the final answer; a 2xx is acknowledged."""
        return self.session.run(self.ainvite(target, sdp, headers=headers, alter=alter, within=within, label=label))

    def wait_invite(self, within: float | None = None) -> IncomingCall | None:
        """Wait for a call to come in; ``None`` when none came within the profile's call timer."""
        return self.session.run(self.await_invite(within))

    def wait_request(self, method: str, within: float | None = None) -> Exchange | None:
        """Wait for a request of a method (each one is handed out once); ``None`` when none came in time."""
        return self.session.run(self.await_request(method, within))

    def take_calls(self, taker: Taker | None) -> None:
        """From now on decide on each INVITE by itself; :meth:`wait_invite` still hands it out, for a look at it."""
        self._taker = taker

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
        """Wait, as long as silence is waited for, until the lab ends the connection; the journal says if it did not."""
        if not self.session.run(self.transport.ended(self.session.timers.silence)):
            reason = "the lab did not end the connection"
            facts = {"reason": reason, "connection": "open"}
            self.session.emit(Kind.TIMEOUT, self.actor, exchange, transport=self._name, facts=facts)

    def close(self) -> None:
        """End calls and registration, as far as the lab answers, and close the socket."""
        self.session.run(self.aclose())

    # The same on the link's loop

    async def aconnect(self, exchange: str = "") -> None:
        """Open the transport, when there is none or it broke."""
        if self._transport is not None and not self._transport.failed:
            return
        label = exchange or self.session.exchange(f"{self.actor} connects")
        self._transport = await SipTransport.open(
            self.session,
            self.actor,
            self._name,
            self._remote,
            local=(self._source, 0) if self._source else None,
            tls=self._tls or tls_of(self.gm),
            labels=Labels(self.session, label),
            exchange=label,
        )
        self._transactions = Transactions(self._transport)
        self._transactions.on_request = self._take_request
        self._transactions.on_stray = self._take_stray
        self.session.own(self)

    async def aregister(
        self,
        *,
        expires: int = EXPIRES,
        res: AlterBytes | None = None,
        password: str | None = None,
        alter_credentials: AlterParams | None = None,
        headers: Headers = (),
        alter: Alter | None = None,
        label: str = "REGISTER",
        within: float | None = None,
    ) -> Registration:
        """Register (see :meth:`register`); ``within`` is for all of it, the profile's register timer by default."""
        exchange = self.session.exchange(label)
        registration = Registration(record=self.session.record, exchange=exchange)
        seconds = self.session.timers.register_ if within is None else within
        deadline = asyncio.get_running_loop().time() + seconds
        authorization = self.credentials.initial(self.gm.registrar) if self.subscriber.auth == "aka" else ""
        for _ in range(MAX_ROUNDS):
            left = deadline - asyncio.get_running_loop().time()
            await self._one_register(registration, authorization, expires, headers, alter, max(left, 0.001))
            challenged = registration.header(CHALLENGES.get(registration.status, ""))
            if not challenged:
                break
            answer = self.credentials.answer(
                challenged, "REGISTER", self.gm.registrar, res=res, password=password, alter=alter_credentials
            )
            again = registration.challenge is not None and not (registration.resynchronised or answer.auts)
            self._note_answer(registration, answer)
            if not answer.authorization or (again and answer.challenge.params.get("stale", "").lower() != "true"):
                break
            authorization = answer.authorization
        if registration.ok:
            self.registration = registration if expires else None
        return registration

    async def achallenge(
        self, *, headers: Headers = (), alter: Alter | None = None, label: str = "REGISTER"
    ) -> Registration:
        """Send the first REGISTER only."""
        registration = Registration(record=self.session.record, exchange=self.session.exchange(label))
        authorization = self.credentials.initial(self.gm.registrar) if self.subscriber.auth == "aka" else ""
        await self._one_register(registration, authorization, EXPIRES, headers, alter, self.session.timers.register_)
        challenged = registration.header(CHALLENGES.get(registration.status, ""))
        registration.challenge = self.credentials.read(challenged) if challenged else None
        self._note_sqn(registration)
        return registration

    def _note_sqn(self, registration: Registration) -> None:
        sqn = self.credentials.network_sqn(registration.challenge) if registration.challenge else None
        if sqn is not None:
            text = f"AUTN carries SQN {sqn}"
            self.session.note(text, actor=self.actor, exchange=registration.exchange, sqn=sqn)

    async def _respond_once(
        self,
        challenge: Challenge,
        made_for: tuple[str, str] | None,
        alter: Alter | None,
        label: str,
        credentials: dict[str, Any],
    ) -> Registration:
        registration = Registration(record=self.session.record, exchange=self.session.exchange(label))
        header = sip.format_challenge("Digest", challenge.params)
        method, uri = made_for or ("REGISTER", self.gm.registrar)
        changed = credentials.pop("alter_credentials", None)
        answer = self.credentials.answer(header, method, uri, alter=changed, **credentials)
        self._note_answer(registration, answer)
        await self._one_register(registration, answer.authorization, EXPIRES, (), alter, self.session.timers.register_)
        if registration.ok:
            self.registration = registration
        return registration

    async def _one_register(
        self,
        registration: Registration,
        authorization: str,
        expires: int,
        headers: Headers,
        alter: Alter | None,
        within: float,
    ) -> None:
        """Send one REGISTER and copy its answer into the registration."""
        try:
            await self.aconnect(registration.exchange)
        except ConnectionFailedError as error:
            registration.failed = str(error)
            return
        self._register_cseq += 1
        own = [
            ("Max-Forwards", "70"),
            ("From", f"<{self.subscriber.impu}>;tag={self._register_tag}"),
            ("To", f"<{self.subscriber.impu}>"),
            ("Call-ID", f"{self._register_call_id}@{bracketed(self.transport.local[0])}"),
            ("CSeq", f"{self._register_cseq} REGISTER"),
            ("Contact", self.contact),
            ("Expires", str(expires)),
            ("Supported", "path"),
            ("Allow", ALLOW),
        ]
        if authorization:
            own.append(("Authorization", authorization))
        answer = await self._send(
            self.build("REGISTER", self.gm.registrar, [*own, *headers]), registration.exchange, within, alter
        )
        registration.status, registration.message = answer.status, answer.message
        registration.provisional, registration.failed = answer.provisional, answer.failed
        if registration.ok and answer.message is not None:
            registration.service_route = tuple(answer.message.values("Service-Route"))
            registration.associated = tuple(_uris(answer.message.values("P-Associated-URI")))
            registration.expires = _expires(answer.message, self.contact_uri, expires)

    def _note_answer(self, registration: Registration, answer: Answer) -> None:
        registration.challenge = answer.challenge
        registration.autn = answer.autn or registration.autn
        registration.resynchronised = registration.resynchronised or answer.auts
        registration.res, registration.ck, registration.ik = b"" if answer.auts else answer.res, answer.ck, answer.ik
        if answer.autn:
            facts = {"autn": answer.autn, "resynchronise": answer.auts}
            self.session.note(f"AUTN: {answer.detail}", actor=self.actor, exchange=registration.exchange, **facts)

    async def ainvite(
        self,
        target: str,
        sdp: bytes,
        *,
        headers: Headers = (),
        alter: Alter | None = None,
        within: float | None = None,
        label: str = "INVITE",
    ) -> Call:
        """Call somebody (see :meth:`invite`)."""
        exchange = self.session.exchange(label)
        call = Call(record=self.session.record, exchange=exchange, ue=self, local_sdp=sdp)
        try:
            await self.aconnect(exchange)
        except ConnectionFailedError as error:
            call.failed = str(error)
            return call
        own = [("Contact", self.contact), ("Allow", ALLOW), ("Content-Type", SDP_TYPE)]
        if self.subscriber.data_channel:
            own.insert(1, ("Accept-Contact", f"*;{DC_TAG}"))
        message = self.outside("INVITE", target, [*own, *headers], sdp)
        seconds = self.session.timers.call if within is None else within
        answer = await self._send(message, exchange, seconds, alter)
        call.status, call.message = answer.status, answer.message
        call.provisional, call.failed = answer.provisional, answer.failed
        if answer.ok and answer.message is not None:
            call.dialog = Dialog.of_caller(message, answer.message)
            call.remote_sdp = answer.message.body
            self.calls[call.dialog.call_id] = call
            await call.acknowledge(call.dialog.cseq, exchange)
        return call

    async def await_invite(self, within: float | None = None) -> IncomingCall | None:
        """Wait for a call to come in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.session.timers.call if within is None else within):
                return await self._invites.get()
        return None

    async def await_request(self, method: str, within: float | None = None) -> Exchange | None:
        """Wait for a request (see :meth:`wait_request`)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.session.timers.answer if within is None else within):
                exchange = await self._heard.setdefault(method, asyncio.Queue()).get()
            return Exchange(record=self.session.record, exchange=exchange)
        return None

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
        """End calls and registration quietly and quickly, then close the transport."""
        self.session.disown(self)
        if self._transport is None:
            return
        with contextlib.suppress(ImsproofError, TimeoutError):
            async with asyncio.timeout(self.session.timers.silence * 2):
                for call in list(self.calls.values()):
                    await call.abye("BYE at the end")
                if self.registration is not None:
                    await self.aregister(expires=0, label="DEREGISTER at the end")
        if self._transactions is not None:
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
            ("From", f"<{self.impu}>;tag={_token(4)}"),
            ("To", f"<{target}>"),
            ("Call-ID", f"{_token()}@{bracketed(self.transport.local[0])}"),
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

    async def _send(self, message: sip.Message, exchange: str, within: float, alter: Alter | None) -> SipAnswer:
        """Send a request; where it is challenged, answer the challenge once. The message is then the one that did."""
        data = alter(message) if alter else None
        injected = alter is not None
        answer = await self.transactions.request(message.copy(), exchange, within, data=data, injected=injected)
        if message.method != "REGISTER" and data is None and self._credit(message, answer):
            answer = await self.transactions.request(message.copy(), exchange, within, injected=injected)
        return answer

    def _credit(self, message: sip.Message, answer: SipAnswer) -> bool:
        """Make of a challenged request the one that answers (RFC 3261 clause 22, unchecked); whether it could be."""
        challenged = answer.header(CHALLENGES.get(answer.status, ""))
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

    def _take_stray(self, message: sip.Message, exchange: str) -> None:
        call = self.calls.get(message.get("Call-ID") or "")
        if call is not None and message.method == "INVITE" and 200 <= message.status < 300 and call.ack:
            self.transactions.later(self.transport.send(call.ack, exchange, facts={"retransmission": True}))
        for queue in self._strays:
            queue.put_nowait((message, exchange))

    def _take_request(self, message: sip.Message, source: Address, exchange: str) -> None:
        self._heard.setdefault(message.method, asyncio.Queue()).put_nowait(exchange)
        call_id = message.get("Call-ID") or ""
        call = self.calls.get(call_id)
        if call is not None and not call.owns(message):
            self._answer(message, source, exchange, 481)
            return
        if call is not None:
            call.requests.append(message)
        match message.method:
            case "ACK":
                waiting = self._waiting.pop(call_id, None)
                if waiting:
                    waiting.acknowledged.set()
            case "INVITE" if call is None:
                self._take_invite(message, source, exchange)
            case "INVITE" | "UPDATE" if call is not None:
                typed = [("Contact", self.contact), ("Content-Type", SDP_TYPE)]
                self._answer(message, source, exchange, 200, typed, call.local_sdp)
            case "BYE":
                self._answer(message, source, exchange, 200 if call else 481)
                if call:
                    call.end("lab")
            case "CANCEL":
                self._take_cancel(message, source, exchange, call_id)
            case method:
                self._answer(message, source, exchange, 200 if method in GREETED else 405, [("Allow", ALLOW)])

    def _take_invite(self, message: sip.Message, source: Address, exchange: str) -> None:
        incoming = IncomingCall(
            record=self.session.record,
            exchange=exchange,
            ue=self,
            message=message,
            source=source,
            to_tag=_token(4),
        )
        self._waiting[message.get("Call-ID") or ""] = incoming
        trying = sip.response(message, 100)
        self.transactions.later(self.transactions.respond(message, trying, source, exchange))
        self._invites.put_nowait(incoming)
        if self._taker is not None:
            self.transactions.later(incoming.decide(self._taker(message)))

    def _take_cancel(self, message: sip.Message, source: Address, exchange: str, call_id: str) -> None:
        waiting = self._waiting.get(call_id)
        self._answer(message, source, exchange, 200 if waiting else 481)
        if waiting and not waiting.cancelled:
            waiting.cancelled = True
            self._answer(waiting.message, waiting.source, waiting.exchange, 487)

    def _answer(
        self,
        message: sip.Message,
        source: Address,
        exchange: str,
        status: int,
        headers: Headers = (),
        body: bytes = b"",
    ) -> None:
        response = sip.response(message, status, headers=headers, body=body, to_tag=_token(4))
        self.transactions.later(self.transactions.respond(message, response, source, exchange))


def tls_of(gm: Gm) -> TlsOptions:
    """What a UE offers in TLS, by the profile; the server's certificate is a fact, not a condition."""
    name = gm.tls_server_name or gm.domain
    return TlsOptions(server_name=name, ca=read_pem(gm.tls_ca) if gm.tls_ca else None)


def bracketed(host: str) -> str:
    """Write an IP address as a URI has it."""
    return f"[{host}]" if ":" in host else host


def _token(size: int = 8) -> str:
    return secrets.token_hex(size)


def _uris(values: list[str]) -> list[str]:
    found = []
    for value in values:
        with contextlib.suppress(sip.SipSyntaxError):
            found.append(sip.parse_name_addr(value).uri)
    return found


def _expires(message: sip.Message, contact: str, asked: int) -> int:
    """The granted seconds: of our Contact, else of Expires, else what was asked."""
    candidates = []
    for value in message.values("Contact"):
        with contextlib.suppress(sip.SipSyntaxError):
            one = sip.parse_name_addr(value)
            if one.uri == contact:
                candidates.append(one.params.get("expires"))
    candidates.append(message.get("Expires"))
    numbers = [int(text) for text in candidates if text and text.isascii() and text.isdigit()]
    return numbers[0] if numbers else asked
