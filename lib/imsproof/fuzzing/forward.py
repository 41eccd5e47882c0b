"""What the far side saw: cases from a registered UE to another one of the tester's, who tells what was passed on.

A proxy has to look at little (RFC 3261 16.3), and leaves the rest as it is; so only that little is judged here: start
line, topmost Via, hops, extensions that it would have to know, and a length that the datagram does not hold.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec.torture import ims, rfc4475
from imsproof.codec.torture.draft import Draft, line
from imsproof.fuzzing.doors import Door
from imsproof.fuzzing.gmsip import MOST_OCTETS
from imsproof.fuzzing.target import MARK, NUMBERED, Reaction
from imsproof.fuzzing.watch import Condition, Health, Look
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.actors.ue import Ue
    from imsproof.codec.torture import Aim, Case
    from imsproof.fuzzing.target import Target
    from imsproof.seams import Address

METHODS = ("MESSAGE", "OPTIONS", "INFO", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "UPDATE", "PRACK", "BYE")
"""Methods that hold no transaction open at the other side; INVITE would."""
SETTLES = 0.1
"""Seconds in which what is passed on arrives at the other UE, behind a good request that did."""
KNOWN = frozenset({"sec-agree", "privacy", "path", "precondition", "timer", "100rel", "gruu", "outbound"})
"""Option tags that a proxy may know."""
_START = re.compile(rb"[!#-~]+ [!-~]+ SIP/2\.0")
_VIA = re.compile(rb"(?i)SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*[A-Z0-9-]+[ \t]+[^;, \t]+.*")
_EMPTY = re.compile(rb"\r?\n\r?\n")
_HOPS = re.compile(r"\d{1,9}")
_OPTION = re.compile(r"[a-z0-9.-]+")
MOST_HOPS = 255


Pairs = Sequence[tuple[str, str]]


def headers_of(data: bytes) -> tuple[bytes, Pairs, bytes]:
    """Read a message by nothing but its line ends, however they are written: first line, (name, value) pairs, body."""
    head, *rest = _EMPTY.split(data, maxsplit=1)
    body = rest[0] if rest else b""
    first, *rest = re.split(rb"\r?\n", re.sub(rb"\r?\n[ \t]+", b" ", head))
    pairs = [one.partition(b":") for one in rest]
    return (
        first,
        [(name.strip().decode("latin-1").lower(), value.strip().decode("latin-1")) for name, _, value in pairs],
        body,
    )


def values(pairs: Pairs, *names: str) -> list[str]:
    """Return the values of a header, under each of its names."""
    return [value for name, value in pairs if name in names]


def wrongly_passed_on(sent: bytes, received: bytes, own: str) -> str:
    """Say why this must not have been passed on, or not so; ``""`` when it may.

    Args:
        sent: by the first UE.
        received: by the second one.
        own: how the first UE names itself in Via; where that is gone, somebody in between made a request of his own.
    """
    first, pairs, body = headers_of(received)
    if not _START.fullmatch(first):
        return "its first line is no request line of SIP/2.0 (RFC 3261 7.1)"
    vias = values(pairs, "via", "v")
    if not vias or not _VIA.fullmatch(vias[0].encode("latin-1")):
        return "its topmost Via, which the proxy wrote, is none (RFC 3261 16.6)"
    lengths = set(values(pairs, "content-length", "l"))
    if len(lengths) == 1 and re.fullmatch(r"\d{1,9}", one := lengths.pop()) and int(one) > len(body):
        return "it says that its body is longer than the datagram (RFC 3261 18.3)"
    return _proxied(headers_of(sent)[1], pairs) if any(own in via for via in vias) else ""


def _proxied(sent: Pairs, received: Pairs) -> str:
    """Say what a proxy must have looked at; hops count only where the sender said them once and plainly."""
    before, after = (values(some, "max-forwards") for some in (sent, received))
    if len(before) == 1 and _HOPS.fullmatch(before[0]):
        if int(before[0]) == 0:
            return "it had no hops left (RFC 3261 16.3 step 3)"
        if len(after) == 1 and _HOPS.fullmatch(after[0]) and int(after[0]) >= int(before[0]) <= MOST_HOPS:
            return "its hops were not counted (RFC 3261 16.6 step 3)"
    wanted = [one.strip().lower() for value in values(received, "proxy-require") for one in value.split(",")]
    if any(_OPTION.fullmatch(one) and one not in KNOWN for one in wanted):
        return "it requires an extension that nobody knows (RFC 3261 16.3 step 5)"
    return ""


class GmForward(Door):
    """Requests of a registered UE to another one; what arrives there is judged and leads the campaign."""

    name = "gm-forward"

    def __init__(self, caller: Ue, callee: Ue, front: Target, aim: Aim) -> None:
        """Send from ``caller`` to ``callee`` (``InconclusiveError`` when nothing good comes through).

        Args:
            caller: registered, over UDP.
            callee: another one.
            front: probes the SIP door.
            aim: how the lab is addressed.
        """
        super().__init__(caller.session)
        self._caller, self._callee, self._front = caller, callee, front
        host, port = caller.local
        own = f"{f'[{host}]' if ':' in host else host}:{port}"
        self.aim = replace(aim, user=caller.impu, callee=callee.impu, sent_by=own, authorization="")
        routes = caller.registration.service_route if caller.registration else ()
        self._routes = tuple(f"Route: {route}" for route in routes)
        self.corpus = [*(self.plain(method, MARK) for method in METHODS), *self._spoiled()]
        if not self._arrives():
            raise InconclusiveError("a good MESSAGE of one subscriber does not reach the other: nothing can be told")

    def plain(self, method: str, token: str) -> bytes:
        """Write a good request as the registered UE sends it: its own address, its route."""
        draft = Draft(method, replace(self.aim, token=token))
        for route in self._routes:
            line(route)(draft)
        return draft.to_bytes()

    def _spoiled(self) -> list[bytes]:
        def written(one: Case) -> bytes:
            own = replace(one, method="MESSAGE", edits=(*one.edits, *(line(route) for route in self._routes)))
            return own.message(replace(self.aim, token=MARK))

        some = [written(one) for one in (*rfc4475.ALL, *ims.ALL) if not one.response and one.method != "REGISTER"]
        return [one for one in some if len(one) < MOST_OCTETS]

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send cases from the UE's own address, and take what comes to the other one."""
        self._pass(cases, reaction)

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases; see whether the lab lives, and whether it passed on what it must not."""
        reaction = Reaction()
        wrong = self._pass(cases, reaction)
        health = self._front.probe()
        self.session.clear()
        if health.serves and not health.elsewhere and wrong:
            return reaction, replace(health, breach=Look(Condition.LET_THROUGH, why=f"it was passed on: {wrong}"))
        return reaction, health

    def _pass(self, cases: Sequence[bytes], reaction: Reaction) -> str:
        """Send cases and a good request behind them; returns why one must not have come through."""
        exchange = self.session.exchange("fuzzing")

        async def send() -> None:
            for case in cases:
                await self._caller.transport.send(case, exchange, facts={"injected": True})
            await asyncio.sleep(SETTLES)

        begun = len(self.session.record.events)
        self.session.run(send())
        came = [
            event.data
            for event in self.session.record.events[begun:]
            if event.kind is Kind.RECEIVED
            and event.actor == self._callee.actor
            and not event.data.startswith(b"SIP/2.0 ")
        ]
        wrong = ""
        for case in cases:
            there = [data for data in came if _token(case) and _token(case) in data]
            told = {"passed on: " + ",".join(sorted({name for name, _ in headers_of(one)[1]})) for one in there}
            reaction.count(case, len(there), "; ".join(sorted(told)) or "stopped")
            wrong = wrong or next((why for one in there if (why := wrongly_passed_on(case, one, self.aim.sent_by))), "")
        return wrong

    def serves(self) -> bool:
        """Whether a good request of somebody is answered."""
        return self._front.probe().serves

    def probe(self) -> Health:
        """Ask the front, which knows throttling from death."""
        self.session.clear()
        return self._front.probe()

    def _arrives(self) -> bool:
        token = "feed" * 4
        reaction = Reaction()
        self._pass([self.plain("MESSAGE", token)], reaction)
        return bool(reaction.statuses.get(1))

    def where(self) -> Address:
        """The address of SIP."""
        return self._front.where()

    def renew(self) -> None:
        """Register both again."""
        self._caller.register()
        self._callee.register()

    def close(self) -> None:
        """End both registrations."""
        self._caller.close()
        self._callee.close()
        self._front.close()


def _token(case: bytes) -> bytes:
    """Return the number of a case, by which it is known on the other side."""
    found = NUMBERED.search(case) or re.search(rb"(?:feed){4}", case)
    return found[0] if found else b""
