"""One end of ICE (RFC 8445) on memory, for one component and one local address: full or lite, no sockets, no clock.

The owner of the socket feeds :meth:`IceAgent.receive`, sends what :meth:`IceAgent.outgoing` returns, and calls
:meth:`IceAgent.handle_timeout` when :meth:`IceAgent.timeout` has run out.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field

from imsproof.codec import stun

Address = tuple[str, int]

RETRANSMIT_SECONDS = 0.5
"""Least retransmission timeout of a check (RFC 8445 section 14.3)."""
CONSENT_SECONDS = 5.0
"""Between two consent checks, give or take a fifth (RFC 7675 section 5.1)."""
REFLEXIVE_PRIORITY = (110 << 24) + (65535 << 8) + 255
"""Of a candidate that a check may show (RFC 8445 sections 5.1.2.1 and 7.1.1)."""
_CHARACTERS = string.ascii_letters + string.digits + "+/"
_UFRAG, _PASSWORD = 8, 24


@dataclass(frozen=True, slots=True)
class Credentials:
    """``a=ice-ufrag`` and ``a=ice-pwd`` of one end."""

    ufrag: str
    password: str

    @classmethod
    def make(cls) -> Credentials:
        """Make fresh ones: 48 and 144 bits, where 24 and 128 are asked for (RFC 8445 section 5.3)."""
        return cls(*("".join(secrets.choice(_CHARACTERS) for _ in range(size)) for size in (_UFRAG, _PASSWORD)))


@dataclass(frozen=True, slots=True)
class Strictness:
    """What an end asks of a request before it answers with success (RFC 8489 section 9.1.3); all of it, if right."""

    integrity: bool = True
    presence: bool = True
    username: bool = True
    nomination: bool = True
    """``False``: a request nominates also when it is refused."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A check that has no answer yet."""

    nominating: bool
    controlling: bool


@dataclass(slots=True)
class _Pair:
    remote: Address
    transactions: dict[bytes, _Sent] = field(default_factory=dict)
    nominating: bool = False
    valid: bool = False


@dataclass(slots=True)
class IceAgent:
    """One end.

    Attributes:
        local, remote: the credentials of both ends.
        controlling: whether this end nominates (the offerer; never a lite end against a full one).
        lite: only answers checks (RFC 8445 section 2.5).
        candidates: the other end's addresses, best first.
        remote_lite: the other end is lite; between two lite ends no check is sent.
        strictness: what is asked of a request.
        consent_seconds: between two consent checks, give or take a fifth.
        selected: the address that was agreed on, or ``None`` yet.
    """

    local: Credentials
    remote: Credentials
    controlling: bool
    lite: bool = False
    candidates: tuple[Address, ...] = ()
    remote_lite: bool = False
    strictness: Strictness = Strictness()
    consent_seconds: float = CONSENT_SECONDS
    selected: Address | None = None
    _pairs: dict[Address, _Pair] = field(default_factory=dict)
    _nominated: set[Address] = field(default_factory=set)
    _outgoing: list[tuple[bytes, Address]] = field(default_factory=list)
    _tie_breaker: int = field(default_factory=lambda: secrets.randbits(64))

    def start(self) -> None:
        """Send the first check to each candidate; a lite end waits, or takes the first one of a lite end."""
        if self.lite:
            if self.remote_lite and self.candidates:
                self.selected = self.candidates[0]
            return
        for remote in self.candidates:
            self._check(self._pairs.setdefault(remote, _Pair(remote)))

    def outgoing(self) -> list[tuple[bytes, Address]]:
        """Return the datagrams that are to be sent now, and where to."""
        out, self._outgoing = self._outgoing, []
        return out

    def timeout(self) -> float | None:
        """Return the seconds until :meth:`handle_timeout` is due, or ``None`` for a lite end."""
        if self.lite:
            return None
        if self.selected is None:
            return RETRANSMIT_SECONDS
        return self.consent_seconds * (0.8 + secrets.randbelow(400) / 1000)

    @property
    def unanswered(self) -> int:
        """How many consent checks had no answer since the last one that had (RFC 7675 section 5.1)."""
        return len(self._pairs[self.selected].transactions) if self.selected in self._pairs else 0

    def handle_timeout(self) -> None:
        """Send the checks again that have no answer, or ask for consent again."""
        if self.selected is not None:
            self._check(self._pairs[self.selected])
            return
        for pair in self._pairs.values():
            if not pair.valid or pair.nominating:
                self._check(pair)

    def receive(self, data: bytes, source: Address) -> bool:
        """Take a datagram; ``False`` when it is not STUN. Nothing is raised."""
        if not stun.is_stun(data):
            return False
        try:
            message = stun.Message.parse(data)
        except stun.StunError:
            return True
        if message.is_binding and message.class_ == "request":
            self._on_request(message, source)
        elif message.is_binding and message.class_ in ("success", "error"):
            self._on_response(message, source)
        return True

    def check(
        self, *, nominate: bool = False, password: str | None = None, username: str | None = None
    ) -> stun.Message:
        """Make a check as this end sends it, or with another password or user name on purpose.

        An empty ``username`` leaves the attribute out, an empty ``password`` MESSAGE-INTEGRITY.
        """
        name = f"{self.remote.ufrag}:{self.local.ufrag}" if username is None else username
        password = self.remote.password if password is None else password
        role = stun.ICE_CONTROLLING if self.controlling else stun.ICE_CONTROLLED
        attributes = [stun.Attribute(stun.USERNAME, name.encode())] if name else []
        attributes.append(stun.Attribute(stun.PRIORITY, REFLEXIVE_PRIORITY.to_bytes(4)))
        attributes.append(stun.Attribute(role, self._tie_breaker.to_bytes(8)))
        if nominate:
            attributes.append(stun.Attribute(stun.USE_CANDIDATE))
        made = stun.Message(stun.BINDING | stun.REQUEST, secrets.token_bytes(12), tuple(attributes))
        return made.protected(password) if password else made.fingerprinted()

    # Inside

    def _check(self, pair: _Pair) -> None:
        message = self.check(nominate=pair.nominating)
        pair.transactions[message.transaction] = _Sent(pair.nominating, self.controlling)
        self._outgoing.append((message.to_bytes(), pair.remote))

    def _on_request(self, message: stun.Message, source: Address) -> None:
        refusal = self._refusal(message)
        if refusal is None and not self.lite:
            refusal = self._role_conflict(message)
        if refusal is not None:
            if self.lite and not self.strictness.nomination and message.first(stun.USE_CANDIDATE) is not None:
                self.selected = source
            error = stun.Message(stun.BINDING | stun.ERROR, message.transaction, (stun.error_attribute(*refusal),))
            signed = error.protected(self.local.password) if refusal[0] == 487 else error.fingerprinted()
            self._outgoing.append((signed.to_bytes(), source))
            return
        answer = stun.Message(
            stun.BINDING | stun.SUCCESS, message.transaction, (stun.mapped_address(source, message.transaction),)
        )
        self._outgoing.append((answer.protected(self.local.password).to_bytes(), source))
        if message.first(stun.USE_CANDIDATE) is not None and not self.controlling:
            self._nominated.add(source)
        if self.lite:
            self.selected = source if source in self._nominated else self.selected
            return
        pair = self._pairs.setdefault(source, _Pair(source))
        if not pair.valid:
            self._check(pair)
        self._settle(pair)

    def _refusal(self, message: stun.Message) -> tuple[int, str] | None:
        strict = self.strictness
        integrity = message.integrity(self.local.password)
        if strict.presence and (integrity == "absent" or not message.username):
            return 400, "Bad Request"
        if strict.username and message.username.partition(":")[0] != self.local.ufrag:
            return 401, "Unauthenticated"
        if strict.integrity and integrity == "wrong":
            return 401, "Unauthenticated"
        return None

    def _role_conflict(self, message: stun.Message) -> tuple[int, str] | None:
        """Of two ends that both control, or both do not, one gives way (RFC 8445 section 7.3.1.1)."""
        theirs = message.first(stun.ICE_CONTROLLING if self.controlling else stun.ICE_CONTROLLED)
        if theirs is None:
            return None
        if (self._tie_breaker >= int.from_bytes(theirs)) is self.controlling:
            return 487, "Role Conflict"
        self.controlling = not self.controlling
        return None

    def _on_response(self, message: stun.Message, source: Address) -> None:
        pair = self._pairs.get(source)
        if pair is None or message.transaction not in pair.transactions:
            return
        if message.integrity(self.remote.password) != "right":
            return
        sent = pair.transactions[message.transaction]
        if message.class_ == "error":
            if message.error_code == 487:
                self.controlling = not sent.controlling
                self._check(pair)
            return
        pair.transactions.clear()
        pair.valid = True
        if sent.nominating:
            self.selected, pair.nominating = pair.remote, False
        elif self.controlling and self.selected is None and not any(one.nominating for one in self._pairs.values()):
            pair.nominating = True
            self._check(pair)
        self._settle(pair)

    def _settle(self, pair: _Pair) -> None:
        if not self.controlling and pair.valid and pair.remote in self._nominated:
            self.selected = pair.remote
