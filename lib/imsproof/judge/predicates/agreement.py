"""The security agreement of a registration (RFC 3329, TS 33.203 7.2) and what goes through its associations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.secagree import SecMechanism, parse_mechanisms
from imsproof.codec.sip import Message, SipSyntaxError
from imsproof.judge.effect import Result, effect, final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Event, Events

CHALLENGES = (401, 407)
SPIS = ("spi-c", "spi-s")


@predicate("agreed")
def agreed(events: Events, *, exchange: str) -> Finding:
    """The network challenged, and its list has an entry in common with what the UE offered."""
    return _common(events, exchange, wanted=True)


@predicate("nothing-agreed")
def nothing_agreed(events: Events, *, exchange: str) -> Finding:
    """The network agreed on nothing of what the UE offered: it refused, or its list has nothing of it."""
    return _common(events, exchange, wanted=False)


def _common(events: Events, exchange: str, *, wanted: bool) -> Finding:
    answer = final_answer(of_exchange(events, exchange))
    seen = effect(events, exchange)
    if answer is None:
        sentence = f"{exchange}: the lab {seen.how}"
        return holds(sentence, seen.event) if not wanted and seen.result is Result.SILENT else unknown(sentence)
    found = [_name(one) for one in _choices(events, exchange)]
    status = int(answer.facts["status"])
    told = f"{exchange}: answered {status}, in common: {', '.join(found) or 'nothing'}"
    reached = bool(found) and (status in CHALLENGES or 200 <= status < 300)
    if not wanted and 200 <= status < 300:
        return fails(f"{exchange}: answered {status}: the registration was accepted as it was", answer.seq)
    return holds(told, answer.seq) if reached is wanted else fails(told, answer.seq)


@predicate("same-choice")
def same_choice(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """The network's best common entry is the same one whatever the order in which the UE offered (TS 33.203 7.2)."""
    chosen: dict[str, int] = {}
    for exchange in exchanges:
        answer = final_answer(of_exchange(events, exchange))
        choices = _choices(events, exchange)
        if answer is None or not choices:
            return unknown(f"{exchange}: nothing was agreed, so that nothing can be compared")
        chosen.setdefault(_name(choices[0]), answer.seq)
    if len(chosen) > 1:
        return fails(f"the choice follows the order of the UE: {' or '.join(chosen)}", *chosen.values())
    return holds(f"the choice is {next(iter(chosen))} whatever the UE's order", *chosen.values())


@predicate("best-choice")
def best_choice(events: Events, *, exchange: str, priority: Sequence[str]) -> Finding:
    """The network's best common entry is the first of the declared list that the UE offered (``alg/ealg``)."""
    answer = final_answer(of_exchange(events, exchange))
    choices = _choices(events, exchange)
    offered = {_name(one) for one in _listed(events, exchange, Kind.SENT, "Security-Client")}
    best = next((name for name in priority if name in offered), None)
    if answer is None or not choices or best is None:
        return unknown(f"{exchange}: nothing was agreed of {', '.join(priority)}")
    told = f"{exchange}: the choice is {_name(choices[0])}, the declared best is {best}"
    return holds(told, answer.seq) if _name(choices[0]) == best else fails(told, answer.seq)


@predicate("spis-differ")
def spis_differ(events: Events, *, exchange: str) -> Finding:
    """The network's SPIs differ from the UE's and from each other (TS 33.203 7.1)."""
    answer = final_answer(of_exchange(events, exchange))
    own = [one for one in _listed(events, exchange, Kind.SENT, "Security-Client") if one.name == "ipsec-3gpp"]
    entries = [one for one in _listed(events, exchange, Kind.RECEIVED, "Security-Server") if one.name == "ipsec-3gpp"]
    if answer is None or not own or not entries:
        return unknown(f"{exchange}: there are no SPIs to compare")
    ours = {one.params.get(name) for one in own for name in SPIS}
    for entry in entries:
        theirs = [entry.params.get(name) for name in SPIS]
        told = f"{exchange}: the UE's SPIs are {_list(ours)}, the network's {_list(theirs)}"
        if ours & set(theirs) or theirs[0] == theirs[1]:
            return fails(told, answer.seq)
    return holds(told, answer.seq)


@predicate("answered-protected")
def answered_protected(events: Events, *, exchange: str) -> Finding:
    """What the network sent to a protected request came through the association."""
    received = [one for one in of_exchange(events, exchange) if one.kind is Kind.RECEIVED and one.facts.get("sip")]
    if not received:
        return unknown(f"{exchange}: nothing came")
    plain = next((one for one in received if one.transport != "esp"), None)
    if plain is not None:
        return fails(f"{exchange}: the answer came over {plain.transport.upper()} without ESP", plain.seq)
    return holds(f"{exchange}: every answer came through ESP", received[-1].seq)


@predicate("dropped-in-silence")
def dropped_in_silence(events: Events, *, exchange: str) -> Finding:
    """Nothing at all came back to what should be dropped."""
    received = next((one for one in of_exchange(events, exchange) if one.kind is Kind.RECEIVED), None)
    if received is None:
        return holds(f"{exchange}: nothing came back")
    return fails(f"{exchange}: something came back (status {received.facts.get('status', 'none')})", received.seq)


def _choices(events: Events, exchange: str) -> list[SecMechanism]:
    """The entries for SIP that both lists have, the network's best first."""
    offered = {_name(one) for one in _listed(events, exchange, Kind.SENT, "Security-Client")}
    listed = _listed(events, exchange, Kind.RECEIVED, "Security-Server")
    common = [one for one in listed if _name(one) in offered and "mediasec" not in one.params]
    return sorted(common, key=lambda one: one.preference, reverse=True)


def _name(mechanism: SecMechanism) -> str:
    """``alg/ealg`` of an entry of ipsec-3gpp, the mechanism's name of any other."""
    if mechanism.name != "ipsec-3gpp":
        return mechanism.name
    return f"{mechanism.get('alg')}/{mechanism.get('ealg')}"


def _listed(events: Events, exchange: str, kind: Kind, name: str) -> list[SecMechanism]:
    """The entries of a header in the first request of a conversation, or in its last final answer."""
    event: Event | None
    if kind is Kind.SENT:
        own = of_exchange(events, exchange)
        event = next((one for one in own if one.kind is kind and one.facts.get("sip") == "request"), None)
    else:
        event = final_answer(of_exchange(events, exchange))
    if event is None:
        return []
    try:
        return parse_mechanisms(Message.parse(event.data).get_all(name))
    except SipSyntaxError:
        return []


def _list(values: Sequence[str | None] | set[str | None]) -> str:
    return " and ".join(sorted(str(value) for value in values))
