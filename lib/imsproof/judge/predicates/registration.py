"""Registration with IMS AKA or digest: was there a challenge, did the network prove itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, parse_name_addr, parse_uri
from imsproof.judge.effect import final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.seams import Events

CHALLENGES = (401, 407)


@predicate("challenged")
def challenged(events: Events, *, exchange: str) -> Finding:
    """The registration was challenged before it was accepted (TS 33.203 6.1.1)."""
    own = of_exchange(events, exchange)
    statuses = [(e.facts.get("status"), e.seq) for e in own if e.kind is Kind.RECEIVED and "status" in e.facts]
    for status, seq in statuses:
        if status in CHALLENGES:
            return holds(f"{exchange}: challenged with {status}", seq)
        if isinstance(status, int) and 200 <= status < 300:
            return fails(f"{exchange}: answered {status} without a challenge", seq)
    if not statuses:
        return unknown(f"{exchange}: no answer")
    return unknown(f"{exchange}: answered {statuses[-1][0]}, neither challenged nor accepted", statuses[-1][1])


@predicate("contact-bound")
def contact_bound(events: Events, *, exchange: str, contact: str) -> Finding:
    """The registrar's answer lists this contact URI among the bindings (RFC 3261 section 10.3)."""
    answer = final_answer(of_exchange(events, exchange))
    if answer is None or not 200 <= int(answer.facts["status"]) < 300:
        how = f"answered {answer.facts['status']}" if answer else "no answer"
        return unknown(f"{exchange}: the bindings could not be read: {how}", *([answer.seq] if answer else []))
    bound = [parse_name_addr(value).uri for value in Message.parse(answer.data).values("Contact") if value != "*"]
    if any(same_contact(str(uri), contact) for uri in bound):
        return holds(f"{exchange}: {contact} is bound", answer.seq)
    return fails(f"{exchange}: {contact} is not bound any more ({len(bound)} bindings)", answer.seq)


def same_contact(one: str, other: str) -> bool:
    """Whether two contact URIs are the same user at the same address."""
    first, second = parse_uri(one), parse_uri(other)
    return (first.user, first.host.lower(), first.port or 5060) == (
        second.user,
        second.host.lower(),
        second.port or 5060,
    )


@predicate("network-authenticated")
def network_authenticated(events: Events, *, exchange: str) -> Finding:
    """AUTN in the challenge carries the MAC that the subscriber's key gives (TS 33.102 6.3.3)."""
    for event in of_exchange(events, exchange):
        autn = event.facts.get("autn")
        if autn == "valid":
            return holds(f"{exchange}: AUTN's MAC is right", event.seq)
        if autn is not None:
            return fails(f"{exchange}: AUTN is not right: {autn}", event.seq)
    return unknown(f"{exchange}: no AKA challenge was seen")
