"""The flooder: a bounded flood of SIP requests, with a legitimate user beside it who must still be served."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from imsproof.codec import sip
from imsproof.codec.sdp import audio_offer
from imsproof.link.burst import Burst, BurstResult
from imsproof.link.facts import sip_facts

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Sequence

    from imsproof.link.session import Session
    from imsproof.link.subject import Exchange
    from imsproof.seams import Address, Record

METHODS = ("REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE")
LONG = 200
"""Further header lines of a request of the shape ``malformed``."""


class Shape(StrEnum):
    """What the requests of a flood carry: nothing, an offer, a text; or they are long and malformed."""

    PLAIN = "plain"
    OFFER = "offer"
    TEXT = "text"
    MALFORMED = "malformed"


@dataclass(slots=True)
class Flood:
    """A flood and what the legitimate user saw meanwhile; a subject that is about the flood.

    Attributes:
        burst: what was sent and what came back.
        attempts: the legitimate user's attempts, in order.
    """

    burst: BurstResult
    attempts: list[Exchange] = field(default_factory=list)

    @property
    def record(self) -> Record:
        """The record that the flood is part of."""
        return self.burst.record

    @property
    def exchange(self) -> str:
        """The flood's conversation."""
        return self.burst.exchange

    @property
    def exchanges(self) -> list[str]:
        """The conversations of the legitimate user's attempts."""
        return [attempt.exchange for attempt in self.attempts]


class Flooder:
    """Floods a SIP address over UDP, within the profile's limits."""

    def __init__(
        self,
        session: Session,
        target: Address,
        domain: str,
        chance: random.Random,
        *,
        actor: str = "flooder",
        sources: Sequence[str | None] = (None,),
    ) -> None:
        """Aim.

        Args:
            session: the purpose's session.
            target: where to.
            domain: home domain of the users that are made up.
            chance: seeded; users, tags and Call-IDs come from it.
            actor: the name in the journal.
            sources: local IPs to send from in turn.
        """
        self.session = session
        self.target = target
        self.domain = domain
        self.chance = chance
        self.actor = actor
        self.sources = sources

    def flood(
        self,
        method: str = "REGISTER",
        *,
        shape: Shape = Shape.PLAIN,
        rate: float | None = None,
        count: int | None = None,
        users: Sequence[str] = (),
        beside: Callable[[], Awaitable[Exchange]] | None = None,
        attempts: int = 10,
        label: str = "",
    ) -> Flood:
        """Flood, and have a legitimate user try meanwhile.

        Args:
            method: of the requests.
            shape: what they carry.
            rate: requests per second; the profile's ``limits.flood_rate`` by default, and at most that.
            count: how many; the profile's ``limits.flood_packets`` by default, and at most that.
            users: public identities to speak for; made up when left out.
            beside: one attempt of the legitimate user, a coroutine function such as ``ue.aregister``.
            attempts: how many of them, spread over the flood.
            label: what the conversation is called in the journal.
        """
        limits = self.session.link.limits
        number = min(count or limits.flood_packets, limits.flood_packets)
        prepared = self.requests(method, number, users, shape)
        return self.session.run(self._flood(prepared, rate, beside, attempts, label or f"{method} flood"))

    def requests(self, method: str, count: int, users: Sequence[str] = (), shape: Shape = Shape.PLAIN) -> list[bytes]:
        """Prepare requests, each with a Call-ID, branch and tag of its own."""
        return [self._request(method, number, users, shape) for number in range(count)]

    def _request(self, method: str, number: int, users: Sequence[str], shape: Shape) -> bytes:
        user = users[number % len(users)] if users else f"sip:flood{self.chance.randrange(10**6):06}@{self.domain}"
        target = f"sip:{self.domain}" if method == "REGISTER" else user
        host = f"[{self.target[0]}]" if ":" in self.target[0] else self.target[0]
        token = f"{self.chance.getrandbits(64):016x}"
        headers = [
            # The port of Via does not matter: answers go to the source port (RFC 3581).
            ("Via", f"SIP/2.0/UDP {host}:5060;branch=z9hG4bK{token};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<{user}>;tag={token[:8]}"),
            ("To", f"<{user}>"),
            ("Call-ID", f"{token}@flood.invalid"),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:flood@{host}>"),
        ]
        if method == "REGISTER":
            headers.append(("Expires", "600"))
        body = b""
        if shape is Shape.OFFER:
            body = audio_offer(self.target[0], 9).to_bytes()
            headers.append(("Content-Type", "application/sdp"))
        elif shape is Shape.TEXT:
            body = b"flood " * 100
            headers.append(("Content-Type", "text/plain"))
        elif shape is Shape.MALFORMED:
            headers = [("CSeq", "x y z"), *headers, *(("X-Flood", "a" * 20),) * LONG]
        return sip.request(method, target, headers, body).to_bytes()

    async def _flood(
        self,
        prepared: list[bytes],
        rate: float | None,
        beside: Callable[[], Awaitable[Exchange]] | None,
        attempts: int,
        label: str,
    ) -> Flood:
        burst = Burst(
            self.session,
            self.actor,
            self.session.exchange(label),
            self.target,
            prepared,
            rate=rate or self.session.link.limits.flood_rate,
            sources=self.sources,
            describe=sip_facts,
        )
        flood = Flood(burst.result)
        running = asyncio.create_task(burst.run())
        try:
            while beside is not None and len(flood.attempts) < attempts:
                flood.attempts.append(await beside())
                await asyncio.wait([running], timeout=len(prepared) / burst.rate / attempts)
            await running
        finally:
            running.cancel()
        return flood
