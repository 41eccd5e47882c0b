"""Registering: REGISTER, the challenge, its answer and what comes of it (TS 24.229 5.1.1 unchecked, RFC 3310)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from imsproof.actors.sipsubject import Challenge, Registration, SipAnswer
from imsproof.actors.station import Station, bracketed, token
from imsproof.codec import sip
from imsproof.link.session import ConnectionFailedError
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.credentials import AlterBytes, Answer
    from imsproof.actors.station import Alter, Headers

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, MESSAGE, UPDATE, INFO"
EXPIRES = 3600
PROXY = 407
INTERVAL_TOO_BRIEF = 423
"""Answered with Min-Expires, which the UE then asks for (RFC 3261 10.2.8, unchecked)."""
MAX_ROUNDS = 4
"""A challenge, one resynchronisation, one stale nonce, and one challenge anew to a right response."""
MOST_FORGOTTEN = 8
"""Contacts that are taken away at the end, at most."""


class Attempt(TypedDict, total=False):
    """What may be different in a registration.

    Attributes:
        expires: seconds asked for; 0 ends the registration.
        res: changes RES, to be wrong on purpose.
        password: another password than the subscriber's, to be wrong on purpose.
        headers: more headers in each REGISTER.
        alter: changes each REGISTER just before it is sent, or returns the bytes to send instead.
        label: what the conversation is called in the journal.
        within: seconds for all of it, the profile's register timer by default.
    """

    expires: int
    res: AlterBytes
    password: str
    headers: Headers
    alter: Alter
    label: str
    within: float


class Registrant(Station):
    """A station that registers, rightly or as wrongly as it is told to."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take its place; see :class:`Station`."""
        super().__init__(*args, **options)
        self._register_call_id = token()
        self._register_tag = token(4)
        self._register_cseq = 0
        self._least = 0

    def register(self, **how: Unpack[Attempt]) -> Registration:
        """Register: REGISTER, answer the challenge, and what comes of it (:class:`Attempt`: what may be different)."""
        return self.session.run(self.aregister(**how))

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

    # The same on the link's loop

    async def aregister(self, **how: Unpack[Attempt]) -> Registration:
        """Register (see :meth:`register`)."""
        exchange = self.session.exchange(how.get("label", "REGISTER"))
        registration = Registration(record=self.session.record, exchange=exchange)
        deadline = asyncio.get_running_loop().time() + how.get("within", self.session.timers.register_)
        expires, headers, alter = how.get("expires", EXPIRES), how.get("headers", ()), how.get("alter")
        res, password = how.get("res"), how.get("password")
        authorization = self.credentials.initial(self.gm.registrar) if self.subscriber.auth == "aka" else ""
        patience = 0 if res or password is not None or alter else 1
        for _ in range(MAX_ROUNDS):
            left = deadline - asyncio.get_running_loop().time()
            await self._one_register(registration, authorization, expires, headers, alter, max(left, 0.001))
            challenged = self.challenge_in(registration)
            if not challenged:
                break
            try:
                answer = self.credentials.answer(challenged, "REGISTER", self.gm.registrar, res=res, password=password)
            except InconclusiveError as error:
                registration.failed = str(error)
                break
            again = registration.challenge is not None and not (registration.resynchronised or answer.auts)
            self._note_answer(registration, answer, proxy=registration.status == PROXY)
            if again and answer.challenge.params.get("stale", "").lower() != "true":
                # A network that does not know its own challenge any more asks anew; a UE that is honest answers once.
                patience -= 1
            if not answer.authorization or patience < 0:
                break
            authorization = answer.authorization
        if registration.ok:
            self.registration = registration if expires else None
        return registration

    async def aforget(self, answered: Registration) -> None:
        """Take away the other contacts that an answer lists: what an attack in this subscriber's name has left."""
        listed = answered.message.values("Contact") if answered.ok and answered.message else []
        for uri in [uri for uri in _uris(listed) if uri != self.contact_uri][:MOST_FORGOTTEN]:

            def instead(message: sip.Message, uri: str = uri) -> None:
                message.set("Contact", f"<{uri}>;expires=0")

            await self.aregister(expires=0, alter=instead, label="DEREGISTER of another contact at the end")

    async def achallenge(
        self, *, headers: Headers = (), alter: Alter | None = None, label: str = "REGISTER"
    ) -> Registration:
        """Send the first REGISTER only."""
        registration = Registration(record=self.session.record, exchange=self.session.exchange(label))
        authorization = self.credentials.initial(self.gm.registrar) if self.subscriber.auth == "aka" else ""
        await self._one_register(registration, authorization, EXPIRES, headers, alter, self.session.timers.register_)
        self._read_challenge(registration)
        self._note_sqn(registration)
        if registration.ok and self.registration is None:
            self.registration = registration  # a network that asks nobody who he is has bound the contact: end it, too
        return registration

    def _read_challenge(self, registration: Registration) -> None:
        challenged = self.challenge_in(registration)
        proxy = registration.status == PROXY
        registration.challenge = self.credentials.read(challenged, proxy=proxy) if challenged else None

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
        self._note_answer(registration, answer, proxy=challenge.proxy)
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
        """Send one REGISTER, longer where that is asked for, and copy the answer into the registration."""
        try:
            await self.aconnect(registration.exchange)
        except ConnectionFailedError as error:
            registration.failed = str(error)
            return
        answer = await self._ask(registration, authorization, expires, headers, alter, within)
        least = answer.header("Min-Expires") or ""
        if answer.status == INTERVAL_TOO_BRIEF and least.isascii() and least.isdigit() and self._least < int(least):
            self._least = int(least)
            answer = await self._ask(registration, authorization, expires, headers, alter, within)
        registration.status, registration.message = answer.status, answer.message
        registration.provisional, registration.failed = answer.provisional, answer.failed
        if registration.ok and answer.message is not None:
            registration.service_route = tuple(answer.message.values("Service-Route"))
            registration.associated = tuple(_uris(answer.message.values("P-Associated-URI")))
            registration.expires = _expires(answer.message, self.contact_uri, expires)

    async def _ask(
        self,
        registration: Registration,
        authorization: str,
        expires: int,
        headers: Headers,
        alter: Alter | None,
        within: float,
    ) -> SipAnswer:
        """Send one REGISTER and wait for its answer."""
        self._register_cseq += 1
        own = [
            ("Max-Forwards", "70"),
            ("From", f"<{self.subscriber.impu}>;tag={self._register_tag}"),
            ("To", f"<{self.subscriber.impu}>"),
            ("Call-ID", f"{self._register_call_id}@{bracketed(self.transport.local[0])}"),
            ("CSeq", f"{self._register_cseq} REGISTER"),
            ("Contact", self.contact),
            ("Expires", str(max(expires, self._least) if expires else 0)),
            ("Supported", "path"),
            ("Allow", ALLOW),
        ]
        if authorization:
            own.append((registration.challenge.header if registration.challenge else "Authorization", authorization))
        message = self.build("REGISTER", self.gm.registrar, [*own, *headers])
        return await self._send(message, registration.exchange, within, alter)

    def _note_answer(self, registration: Registration, answer: Answer, *, proxy: bool) -> None:
        registration.challenge = replace(answer.challenge, proxy=proxy)
        registration.autn = answer.autn or registration.autn
        registration.resynchronised = registration.resynchronised or answer.auts
        registration.res, registration.ck, registration.ik = b"" if answer.auts else answer.res, answer.ck, answer.ik
        if answer.autn:
            facts = {"autn": answer.autn, "resynchronise": answer.auts}
            self.session.note(f"AUTN: {answer.detail}", actor=self.actor, exchange=registration.exchange, **facts)


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
