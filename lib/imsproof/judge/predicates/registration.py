"""Registration with IMS AKA or digest: was there a challenge, did the network prove itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec import aka
from imsproof.codec.sip import Message, SipSyntaxError, parse_challenge, parse_name_addr, parse_uri
from imsproof.judge.effect import final_answer, of_exchange
from imsproof.judge.predicates.answer import AGREEMENT, DISBELIEVED, wants_agreement
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Event, Events

CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
KEYS = ("ck", "ik")


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
    if wants_agreement(events, exchange):
        return unknown(f"{exchange}: answered {statuses[-1][0]}; {AGREEMENT}", statuses[-1][1])
    return unknown(f"{exchange}: answered {statuses[-1][0]}, neither challenged nor accepted", statuses[-1][1])


@predicate("contact-bound")
def contact_bound(events: Events, *, exchange: str, contact: str) -> Finding:
    """The registrar's answer lists this contact URI among the bindings (RFC 3261 section 10.3)."""
    answer = final_answer(of_exchange(events, exchange))
    if answer is None or not 200 <= int(answer.facts["status"]) < 300:
        how = f"answered {answer.facts['status']}" if answer else "no answer"
        return unknown(f"{exchange}: the bindings could not be read: {how}", *([answer.seq] if answer else []))
    bound = [value for value in Message.parse(answer.data).values("Contact") if value != "*"]
    if any(_names(value, contact) for value in bound):
        return holds(f"{exchange}: {contact} is bound", answer.seq)
    return fails(f"{exchange}: {contact} is not bound any more ({len(bound)} bindings)", answer.seq)


def _names(value: str, contact: str) -> bool:
    """Whether a Contact value, however odd, is about this contact URI."""
    try:
        return same_contact(parse_name_addr(value).uri, contact)
    except SipSyntaxError:
        return False


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
            why = DISBELIEVED if autn == "wrong-mac" else "it cannot be read"
            return fails(f"{exchange}: AUTN is not right: {autn} ({why})", event.seq)
    return unknown(f"{exchange}: no AKA challenge was seen")


@predicate("challenge-without-keys")
def challenge_without_keys(events: Events, *, exchange: str) -> Finding:
    """The challenge that reaches the UE holds neither CK nor IK (TS 24.229 5.2.2.2)."""
    found = _challenges(events, exchange)
    if not found:
        return unknown(f"{exchange}: no challenge was seen")
    for event, params in found:
        leaked = [name for name in KEYS if name in params]
        if leaked:
            return fails(f"{exchange}: the challenge tells {' and '.join(leaked)} to whoever listens on Gm", event.seq)
    return holds(f"{exchange}: the challenge holds neither ck nor ik", found[0][0].seq)


@predicate("rand-fresh")
def rand_fresh(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """No two challenges have the same RAND (TS 33.102 6.3.2).

    One message may offer one vector for several algorithms, and may come twice.
    """
    seen: dict[bytes, Event] = {}
    for exchange in exchanges:
        for event, params in _challenges(events, exchange):
            rand = _rand(params)
            if rand is None:
                continue
            before = seen.setdefault(rand, event)
            if (before.exchange, before.data) != (event.exchange, event.data):
                return fails(f"{exchange}: RAND {rand.hex()} was used before", before.seq, event.seq)
    if len(seen) < 2:
        return unknown(f"{len(seen)} AKA challenges were seen; nothing can be compared")
    return holds(f"{len(seen)} challenges, each with a RAND of its own", *(event.seq for event in seen.values()))


@predicate("resynchronised")
def resynchronised(events: Events, *, exchange: str) -> Finding:
    """After AUTS the network sends a challenge with a new RAND whose AUTN the UE accepts (TS 33.203 6.1.3)."""
    auts = next((e for e in of_exchange(events, exchange) if e.kind is Kind.SENT and _has_auts(e)), None)
    if auts is None:
        return unknown(f"{exchange}: the UE did not ask for resynchronisation")
    before = {_rand(params) for event, params in _challenges(events, exchange) if event.seq < auts.seq}
    after = [(event, _rand(params)) for event, params in _challenges(events, exchange) if event.seq > auts.seq]
    if not after:
        return fails(f"{exchange}: no new challenge followed AUTS", auts.seq)
    event, rand = after[0]
    if rand is None or rand in before:
        return fails(f"{exchange}: the challenge after AUTS has the old RAND", auts.seq, event.seq)
    return holds(f"{exchange}: a new vector followed AUTS", auts.seq, event.seq)


@predicate("sqn-went-on")
def sqn_went_on(events: Events, *, before: str, after: str, most: int) -> Finding:
    """The network's SQN went on from one challenge to a later one, by no more than ``most`` (TS 33.102 6.3.5)."""
    first, second = (_sqn(events, exchange) for exchange in (before, after))
    if first is None or second is None:
        return unknown(f"SQN of {before if first is None else after} could not be read: no AKA challenge, or a bad MAC")
    moved = second[0] - first[0]
    text = f"SQN went from {first[0]} to {second[0]}"
    if 0 < moved <= most:
        return holds(f"{text}, as challenges move it", first[1], second[1])
    return fails(f"{text}: something else than a challenge moved it", first[1], second[1])


def _challenges(events: Events, exchange: str) -> list[tuple[Event, dict[str, str]]]:
    """The challenges of a conversation with their parameters; one that cannot be read has none."""
    found = []
    for event in of_exchange(events, exchange):
        name = CHALLENGES.get(event.facts.get("status", 0)) if event.kind is Kind.RECEIVED else None
        if name is None:
            continue
        for text in Message.parse(event.data).get_all(name):
            try:
                found.append((event, parse_challenge(text)[1]))
            except SipSyntaxError:
                found.append((event, {}))
    return found


def _rand(params: dict[str, str]) -> bytes | None:
    try:
        return aka.decode_nonce(params.get("nonce", ""))[0]
    except aka.AkaError:
        return None


def _has_auts(event: Event) -> bool:
    if event.facts.get("sip") != "request":
        return False
    try:
        return any("auts" in parse_challenge(text)[1] for text in Message.parse(event.data).get_all("Authorization"))
    except SipSyntaxError:
        return False


def _sqn(events: Events, exchange: str) -> tuple[int, int] | None:
    for event in of_exchange(events, exchange):
        if isinstance(event.facts.get("sqn"), int):
            return event.facts["sqn"], event.seq
    return None


@predicate("not-stale")
def not_stale(events: Events, *, exchange: str) -> Finding:
    """The answer does not say that only the nonce was stale (RFC 7616 section 3.3)."""
    answer = final_answer(of_exchange(events, exchange))
    if answer is None:
        return holds(f"{exchange}: no answer, which says nothing")
    name = CHALLENGES.get(int(answer.facts["status"]))
    for value in Message.parse(answer.data).get_all(name) if name else ():
        try:
            _, params = parse_challenge(value)
        except SipSyntaxError:
            continue
        if params.get("stale", "").lower() == "true":
            return fails(f"{exchange}: the challenge says stale=true", answer.seq)
    return holds(f"{exchange}: answered {answer.facts['status']}, and nothing is called stale", answer.seq)
