"""What a KMS gave, and what it kept to itself: tickets and keys of MIKEY-TICKET (RFC 6043)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.mikey import NO_ENCRYPTION
from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

TWO = 2
"""Keys of a forked ticket: one that protects the offer, and others."""


def _told(events: Events, exchange: str) -> Event | None:
    """What the KMS answered in this conversation, as it was read."""
    return next((event for event in of_exchange(events, exchange) if "mikey" in event.facts), None)


def _how(events: Events, exchange: str) -> str:
    told = _told(events, exchange)
    if told is None:
        return f"{exchange}: the lab {effect(events, exchange).how}"
    number = f", error {told.facts['error']}" if "error" in told.facts else ""
    return f"{exchange}: the lab answered {told.facts.get('http')} with {told.facts['mikey']}{number}"


@predicate("ticket-granted")
def ticket_granted(events: Events, *, exchange: str) -> Finding:
    """The KMS gave keys, in an answer whose MAC is right and that could be decrypted."""
    told = _told(events, exchange)
    if told is None:
        seen = effect(events, exchange)
        sentence = _how(events, exchange)
        undecided = seen.result in {Result.UNREACHABLE, Result.UNKNOWN}
        return unknown(sentence, seen.event) if undecided else fails(sentence, seen.event)
    if not told.facts.get("granted"):
        return fails(_how(events, exchange), told.seq)
    if not told.facts.get("verified"):
        return fails(f"{exchange}: the MAC of the lab's answer is not right", told.seq)
    if not told.facts.get("keys"):
        return fails(f"{exchange}: the keys in the lab's answer cannot be read", told.seq)
    return holds(f"{exchange}: the lab gave {len(told.facts['keys'])} keys", told.seq)


@predicate("nothing-granted")
def nothing_granted(events: Events, *, exchange: str) -> Finding:
    """The KMS gave no keys and no ticket: it refused, or did not answer."""
    own = of_exchange(events, exchange)
    told = _told(events, exchange)
    if told is not None and told.facts.get("granted"):
        return fails(f"{exchange}: the lab answered with {told.facts['mikey']}", told.seq)
    if told is not None:
        return holds(_how(events, exchange), told.seq)
    if not any(event.kind is Kind.SENT for event in own):
        return unknown(f"{exchange}: nothing was asked")
    return holds(_how(events, exchange), own[-1].seq)


@predicate("no-ticket-in-name")
def no_ticket_in_name(events: Events, *, exchange: str, name: str) -> Finding:
    """The KMS gave no ticket that says that this user asked for it; one in the asker's own name is no harm."""
    told = _told(events, exchange)
    if told is None or not told.facts.get("granted"):
        return nothing_granted(events, exchange=exchange)
    initiators = told.facts.get("initiators")
    if not initiators:
        return unknown(f"{exchange}: the lab gave a ticket that does not say who asked for it", told.seq)
    if name in initiators:
        return fails(f"{exchange}: the lab gave a ticket in the name of {name}", told.seq)
    return holds(f"{exchange}: the lab gave a ticket in the name of {initiators[0]}", told.seq)


@predicate("kms-answer-signed")
def kms_answer_signed(events: Events, *, exchange: str) -> Finding:
    """The MAC of the KMS' answer covers the answer and the request (RFC 6043 clause 5.5)."""
    told = _told(events, exchange)
    if told is None or not told.facts.get("granted"):
        return unknown(f"{exchange}: there is no answer whose MAC could be checked")
    if told.facts.get("verified"):
        return holds(f"{exchange}: the answer's MAC is right", told.seq)
    return fails(f"{exchange}: the answer's MAC is not that of this request and this answer", told.seq)


@predicate("keys-agree")
def keys_agree(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """Who asked for a ticket and who resolved it got the same keys."""
    given = [_told(events, exchange) for exchange in exchanges]
    if any(one is None or not one.facts.get("keys") for one in given):
        return unknown("not everybody got keys that could be compared")
    first, *others = [one for one in given if one is not None]
    numbers = [first.seq, *(one.seq for one in others)]
    for other in others:
        if not set(other.facts["keys"].values()) <= set(first.facts["keys"].values()):
            return fails(f"{other.exchange}: the keys are not those of {first.exchange}", *numbers)
    return holds(f"{first.exchange}: the same keys at both ends", *numbers)


@predicate("keys-fresh")
def keys_fresh(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """No key and no ticket was given twice."""
    seen: dict[str, str] = {}
    numbers = []
    for exchange in exchanges:
        told = _told(events, exchange)
        if told is None or not told.facts.get("keys"):
            return unknown(f"{exchange}: no keys were given")
        numbers.append(told.seq)
        for what in (*told.facts["keys"].values(), told.facts.get("ticket") or exchange):
            if seen.setdefault(what, exchange) != exchange:
                return fails(f"{exchange}: a key or ticket is that of {seen[what]}", *numbers)
    return holds(f"{len(exchanges)} tickets, no key twice", *numbers)


@predicate("keys-forked")
def keys_forked(events: Events, *, request: str, resolves: Sequence[str]) -> Finding:
    """Every responder of a forked ticket got keys that no other has, but for the one that protects the offer."""
    asked, given = _told(events, request), [_told(events, exchange) for exchange in resolves]
    if asked is None or not asked.facts.get("granted"):
        return unknown(f"{request}: no ticket was given")
    if not asked.facts.get("forked"):
        return unknown(f"{request}: the lab gave a ticket without key forking", asked.seq)
    if any(one is None or len(one.facts.get("keys") or ()) < TWO for one in given):
        return unknown("not every responder got keys that could be compared")
    sets = [set(one.facts["keys"].values()) for one in given if one is not None]
    numbers = [one.seq for one in given if one is not None]
    common = set.intersection(*sets)
    if len(common) > 1:
        return fails(f"{resolves[-1]}: {len(common)} keys are those of another responder", *numbers)
    return holds(f"{len(sets)} responders, {len(common)} key in common", *numbers)


@predicate("keys-encrypted")
def keys_encrypted(events: Events, *, exchange: str) -> Finding:
    """The keys in the KMS' answer are encrypted under what the user shares with it."""
    told = _told(events, exchange)
    if told is None or "encryption" not in told.facts:
        return unknown(f"{exchange}: no keys were given")
    if told.facts["encryption"] == NO_ENCRYPTION:
        return fails(f"{exchange}: the keys came in clear (NULL encryption)", told.seq)
    return holds(f"{exchange}: the keys came encrypted (algorithm {told.facts['encryption']})", told.seq)


@predicate("resolved-within-validity")
def resolved_within_validity(events: Events, *, request: str, resolve: str) -> Finding:
    """A ticket is resolved within the validity period that the KMS itself put into it, and not outside of it."""
    asked, told = _told(events, request), _told(events, resolve)
    if asked is None or not asked.facts.get("granted"):
        return holds(f"{request}: such a ticket is not given at all ({_how(events, request)})")
    begin, until = asked.facts.get("valid_from"), asked.facts.get("valid_until")
    if told is None or not told.facts.get("granted"):
        return holds(_how(events, resolve), *([told.seq] if told else []))
    at = float(told.facts["at"])
    numbers = (asked.seq, told.seq)
    if until is not None and at > float(until) + 1:
        return fails(f"{resolve}: resolved {at - float(until):.0f} s after the ticket's end", *numbers)
    if begin is not None and at < float(begin) - 1:
        return fails(f"{resolve}: resolved {float(begin) - at:.0f} s before the ticket's begin", *numbers)
    return holds(f"{resolve}: the KMS granted another validity, and resolved the ticket within it", *numbers)


@predicate("kms-answers-alike")
def kms_answers_alike(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """The KMS answers several requests in the same way, so that nothing is learned from the difference."""
    seen: dict[tuple[object, ...], str] = {}
    numbers = []
    for exchange in exchanges:
        told = _told(events, exchange)
        if told is None:
            result = effect(events, exchange).result
            if result in {Result.UNREACHABLE, Result.UNKNOWN}:
                return unknown(_how(events, exchange))
            seen.setdefault((result.value,), exchange)
            continue
        numbers.append(told.seq)
        names = ("http", "mikey", "error", "length")
        seen.setdefault(tuple(told.facts.get(name) for name in names), exchange)
    if len(seen) == 1:
        return holds(f"{len(exchanges)} requests, one kind of answer: {_how(events, exchanges[0])}", *numbers)
    return fails("; ".join(_how(events, exchange) for exchange in seen.values()), *numbers)
