"""Challenges that wait for their answers, and nonces that were answered: what makes an answer good once only.

A challenge belongs to one private identity and one Call-ID (TS 24.229 5.4.1.2.2, secondary), so that a stranger's
attempt does not disturb the one that is under way, while a second attempt of the same UE takes the place of the first.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.codec import aka
    from imsproof.lab.sip.policy import SipPolicy
    from imsproof.lab.sip.subscribers import Subscriber

AWAIT_AUTH_SECONDS = 240.0
"""The timer reg-await-auth (TS 24.229 Table 7.8.1, secondary)."""
MAX_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that waits for its answer; ``vector`` is ``None`` for a digest user."""

    subscriber: Subscriber
    nonce: str
    algorithm: str
    vector: aka.Vector | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a REGISTER claims: credentials, public identity, Call-ID and CSeq.

    Attributes:
        params: of Authorization, names in lower case.
        impu: address of record in To.
        call_id, cseq: of the request.
    """

    params: dict[str, str]
    impu: str
    call_id: str = ""
    cseq: int = 0

    @property
    def answers(self) -> bool:
        """Whether it answers a challenge."""
        return bool(self.params.get("response") or self.params.get("auts"))

    @property
    def protected(self) -> bool:
        """Whether the P-CSCF says that it came through a security association."""
        return self.params.get("integrity-protected", "").lower() == "yes"


@dataclass(slots=True)
class Used:
    """A nonce that was answered: its challenge and what it was answered with."""

    challenge: Challenge
    answers: set[tuple[str, str]] = field(default_factory=set)


class Challenges:
    """The challenges under way, and those that were answered."""

    def __init__(self) -> None:
        self._waiting: Table[tuple[str, str, str], Challenge] = Table(AWAIT_AUTH_SECONDS, MAX_WAITING)
        self._used: Table[str, Used] = Table(AWAIT_AUTH_SECONDS, MAX_WAITING)

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()
        self._used.clear()

    def put(self, claim: Claim, challenge: Challenge, policy: SipPolicy) -> None:
        """Remember a challenge; an older one of the same attempt is void."""
        kept = "" if policy.discard_older_challenge else challenge.nonce
        self._waiting.put((challenge.subscriber.impi, claim.call_id, kept), challenge)

    def take(self, claim: Claim, subscriber: Subscriber, policy: SipPolicy) -> Challenge | None:
        """Return the challenge that a REGISTER answers, once; ``None`` when it answers none that waits."""
        nonce = claim.params.get("nonce", "")
        if not nonce or not (claim.answers or not policy.refuse_empty_response):
            return None
        found = self._find(claim, subscriber, nonce, policy)
        if found is not None:
            self._used.put(nonce, Used(found, {_given(claim)}))
            return found
        return self._again(claim, subscriber, nonce, policy)

    def used(self, claim: Claim, subscriber: Subscriber) -> Challenge | None:
        """The challenge of a nonce that was answered already; ``None`` when it is nobody's, or another's."""
        used = self._used.get(claim.params.get("nonce", ""))
        return used.challenge if used is not None and used.challenge.subscriber.impi == subscriber.impi else None

    def _find(self, claim: Claim, subscriber: Subscriber, nonce: str, policy: SipPolicy) -> Challenge | None:
        for key, challenge in self._waiting.items():
            own = key[0] == subscriber.impi or not policy.bind_challenge
            same_call = key[1] == claim.call_id or not policy.check_call_id
            if own and same_call and _equal(challenge.nonce, nonce):
                self._waiting.pop(key)
                return challenge
        return None

    def _again(self, claim: Claim, subscriber: Subscriber, nonce: str, policy: SipPolicy) -> Challenge | None:
        """Return the challenge of a nonce that was answered already, for a network that takes it once more."""
        used = self._used.get(nonce)
        if used is None or used.challenge.subscriber.impi != subscriber.impi:
            return None
        replayed = _given(claim) in used.answers
        if (replayed and not policy.nonce_once) or (not replayed and not policy.check_nonce_count):
            return used.challenge
        return None


def _given(claim: Claim) -> tuple[str, str]:
    return claim.params.get("cnonce", ""), claim.params.get("response", "")


def _equal(one: str, other: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    octets = (text.encode("utf-8", "surrogateescape") for text in (one, other))
    return hmac.compare_digest(*octets)
