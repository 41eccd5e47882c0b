"""A user of the KMS: asks for tickets and resolves them, rightly or not (RFC 6043 clauses 4.2.1 and 4.2.3)."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imsproof.codec import mikey, mikeykeys
from imsproof.link import http1
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Attempt, Exchange
from imsproof.link.tls import TlsOptions, TlsStream, read_pem

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from imsproof.link.session import Session
    from imsproof.profile.kms import Kms, KmsUser

RANDOM_OCTETS = 16
RESPONSES = (mikey.REQUEST_RESP, mikey.RESOLVE_RESP)


@dataclass(slots=True, kw_only=True)
class KmsAnswer(Exchange):
    """One request to the KMS with its answer.

    Attributes:
        sent: the request's bytes.
        ticket: the TICKET payload of the answer, or ``None``.
        keys: the keys of the answer, decrypted; ``()`` without any.
    """

    sent: bytes = b""
    ticket: mikey.Payload | None = None
    keys: tuple[mikey.Key, ...] = ()


class KmsClient:
    """One user.

    Args:
        session: the purpose's session.
        kms: the profile's part.
        user: who.
        random: seeded.
    """

    def __init__(self, session: Session, kms: Kms, user: KmsUser, random: random.Random) -> None:
        self.session = session
        self.kms = kms
        self.user = user
        self.random = random
        self.actor = user.identity

    def request_for(
        self, *responders: str, begin: float | None = None, until: float | None = None, forked: bool = False
    ) -> mikey.Message:
        """A Ticket Request without its MAC: a ticket that these may resolve, from and until seconds from now.

        With ``forked`` every responder is to get keys of its own (RFC 6043 clause 5.1.1).
        """
        now = time.time()
        own = [mikey.identity(mikey.KMS, self.kms.identity)] if self.kms.identity else []
        times = [(mikey.VALID_FROM, begin), (mikey.VALID_UNTIL, until)]
        policy = mikey.Policy(
            (
                *own,
                mikey.identity(mikey.INITIATOR, self.user.identity),
                *(mikey.role_time(role, now + seconds) for role, seconds in times if seconds is not None),
                *(mikey.identity(mikey.RESPONDER, one) for one in responders),
            )
        )
        policy = replace(policy, flags=policy.flags | (mikey.FORKED | mikey.MUST_ANSWER if forked else 0))
        return self._begin(mikey.REQUEST_INIT_PSK, mikey.INITIATOR, policy.payload())

    def resolve_of(self, ticket: mikey.Payload) -> mikey.Message:
        """A Ticket Resolve without its MAC."""
        return self._begin(mikey.RESOLVE_INIT_PSK, mikey.RESPONDER, ticket)

    def _begin(self, kind: int, role: int, last: mikey.Payload) -> mikey.Message:
        header = mikey.Header(kind, self.random.randrange(1 << 32), answer=True)
        own = [mikey.identity(mikey.KMS, self.kms.identity)] if self.kms.identity else []
        key = [mikey.identity(mikey.PSK, self.user.psk_id.encode())] if self.user.psk_id else []
        payloads = (
            mikey.timestamp(time.time()),
            mikey.random(role, self.random.randbytes(RANDOM_OCTETS)),
            mikey.identity(role, self.user.identity),
            *own,
            last,
            *key,
        )
        return mikey.Message(header, payloads)

    def sign(self, message: mikey.Message) -> bytes:
        """The message with its MAC, as it is sent."""
        role = mikey.INITIATOR if message.header.kind == mikey.REQUEST_INIT_PSK else mikey.RESPONDER
        names = mikey.identity_of(message.first(mikey.IDR, role)) + mikey.identity_of(
            message.first(mikey.IDR, mikey.KMS)
        )
        return mikeykeys.sign(message, mikeykeys.Secrets.of(self.user.psk, message), names).to_bytes()

    def request(self, label: str, *responders: str, **wishes: Any) -> KmsAnswer:
        """Ask for a ticket."""
        return self.tell(label, self.sign(self.request_for(*responders, **wishes)))

    def handshake(self, label: str, **changes: Any) -> Attempt:
        """Shake hands with the KMS; ``changes`` are fields of :class:`imsproof.link.tls.TlsOptions`."""
        return self.session.run(self._handshake(label, changes))

    async def _handshake(self, label: str, changes: dict[str, Any]) -> Attempt:
        attempt = Attempt(record=self.session.record, exchange=self.session.exchange(label))
        options = replace(self._options(), **changes)
        try:
            stream = await TlsStream.open(
                self.session, self.actor, attempt.exchange, self.kms.request.address, options, quiet=True
            )
        except ConnectionFailedError as error:
            attempt.failed = str(error)
            return attempt
        attempt.connected, attempt.facts = True, stream.facts
        await stream.aclose()
        return attempt

    def _options(self) -> TlsOptions:
        ca = read_pem(self.kms.ca) if self.kms.ca else None
        return TlsOptions(server_name=self.kms.server_name, ca=ca, require_valid=ca is not None)

    @staticmethod
    def handed_over(granted: KmsAnswer) -> mikey.Payload | None:
        """A forked ticket with its requester's proof, as the responder is given it; ``None`` where it is not forked."""
        protection = [key for key in granted.keys if key.kind == mikey.MPK]
        if granted.ticket is None or len(protection) < 2:
            return None
        policy, data = mikey.Policy.parse(granted.ticket)
        return mikey.ticket(policy, data, mikeykeys.initiator_data(protection[1].value))

    def resolve(self, label: str, ticket: mikey.Payload | None, *, injected: bool = False) -> KmsAnswer:
        """Have a ticket resolved; without one (it was not granted) nothing is sent."""
        if ticket is None:
            return KmsAnswer(record=self.session.record, exchange=self.session.exchange(label), failed="no ticket")
        return self.tell(label, self.sign(self.resolve_of(ticket)), injected=injected, resolve=True)

    def tell(self, label: str, data: bytes, *, injected: bool = False, resolve: bool | None = None) -> KmsAnswer:
        """Post any bytes; ``resolve`` says where to, by default what the message is for."""
        return self.session.run(self._tell(label, data, injected=injected, resolve=resolve))

    async def _tell(self, label: str, data: bytes, *, injected: bool, resolve: bool | None) -> KmsAnswer:
        if resolve is None:
            resolve = data[1:2] == bytes([mikey.RESOLVE_INIT_PSK])
        url = self.kms.resolve if resolve else self.kms.request
        answer = KmsAnswer(record=self.session.record, exchange=self.session.exchange(label), sent=data)
        if injected:
            self.session.note("what follows is wrong on purpose", actor=self.actor, exchange=answer.exchange)
        got = await http1.fetch(
            self.session,
            self.actor,
            answer.exchange,
            "POST",
            str(url),
            headers=[("content-type", self.kms.content_type)],
            body=data,
            options=self._options(),
        )
        answer.failed = got.failed
        if not got.failed:
            facts = self._read(answer, got.body)
            text = f"the KMS answered {got.status} with {facts['mikey']}"
            self.session.note(text, actor=self.actor, exchange=answer.exchange, http=got.status, **facts)
        return answer

    def _read(self, answer: KmsAnswer, body: bytes) -> dict[str, Any]:
        """What an answer says, for the journal; of keys only hashes."""
        try:
            message = mikey.Message.parse(body)
        except mikey.MikeySyntaxError as error:
            return {"mikey": "no MIKEY message", "unreadable": str(error), "length": len(body)}
        kind = message.header.kind
        facts: dict[str, Any] = {"mikey": mikey.NAMES.get(kind, f"data type {kind}"), "length": len(body)}
        problem = message.first(mikey.ERR)
        if problem is not None:
            facts["error"] = problem.body[0]
        if kind in RESPONSES:
            facts |= {"granted": True, "at": time.time()} | self._read_granted(answer, body, message)
        return facts

    def _read_granted(self, answer: KmsAnswer, body: bytes, message: mikey.Message) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        try:
            secrets = mikeykeys.Secrets.of(self.user.psk, mikey.Message.parse(answer.sent))
        except mikey.MikeySyntaxError:
            return facts  # granted to bytes that are no message
        facts["verified"] = mikeykeys.verified(body, message, secrets, answer.sent, answer=True)
        answer.ticket = message.first(mikey.TICKET)
        if answer.ticket is not None:
            policy, data = mikey.Policy.parse(answer.ticket)
            facts |= {"valid_from": policy.time(mikey.VALID_FROM), "valid_until": policy.time(mikey.VALID_UNTIL)}
            facts["forked"] = bool(policy.flags & mikey.FORKED)
            facts["ticket"] = hashlib.sha256(data).hexdigest()
            facts["initiators"] = [_text(one) for one in policy.names(mikey.INITIATOR)]
            facts["responders"] = [_text(one) for one in policy.names(mikey.RESPONDER)]
        transport = message.first(mikey.KEMAC)
        if transport is not None:
            algorithm, data = mikey.kemac_of(transport)
            facts["encryption"] = algorithm
            answer.keys = self._open(secrets, algorithm, data, (message, mikey.Message.parse(answer.sent)))
            facts["keys"] = {
                f"{key.kind}/{key.spi.hex()}": hashlib.sha256(key.value).hexdigest() for key in answer.keys
            }
        return facts

    @staticmethod
    def _open(
        secrets: mikeykeys.Secrets, algorithm: int, data: bytes, messages: Sequence[mikey.Message]
    ) -> tuple[mikey.Key, ...]:
        """Decrypt keys; the IV's timestamp is the answer's, or the request's as RFC 3830 had it."""
        for message in messages:
            stamp = message.first(mikey.T)
            try:
                time_octets = mikey.timestamp_octets(stamp) if stamp is not None else bytes(8)
                return mikey.read_keys(secrets.crypt(algorithm, data, time_octets))
            except mikey.MikeySyntaxError:
                continue
        return ()

    def altered(self, message: mikey.Message, change: Callable[[mikey.Payload], mikey.Payload]) -> mikey.Message:
        """The same with each payload changed by ``change``."""
        return replace(message, payloads=tuple(map(change, message.payloads)))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
