"""Whose identity arrives at the far side?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr
from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events


@predicate("arrived")
def arrived(events: Events, *, exchange: str, method: str) -> Finding:
    """A request of this method arrived at the tester in this conversation."""
    event = _request(events, exchange, method)
    if event is None:
        return fails(f"{exchange}: no {method} arrived")
    return holds(f"{exchange}: {method} arrived", event.seq)


@predicate("not-arrived")
def not_arrived(events: Events, *, exchange: str, method: str) -> Finding:
    """No request of this method arrived at the tester in this conversation."""
    event = _request(events, exchange, method)
    if event is None:
        return holds(f"{exchange}: no {method} arrived")
    return fails(f"{exchange}: {method} arrived", event.seq)


@predicate("asserted-identity")
def asserted_identity(events: Events, *, exchange: str, allowed: Sequence[str], forged: Sequence[str]) -> Finding:
    """P-Asserted-Identity at the far side is one of the caller's own identities, and none that it claimed falsely."""
    event = _request(events, exchange, "INVITE")
    if event is None:
        return holds(f"{exchange}: the request with the false identity did not arrive at all")
    asserted = Message.parse(event.data).values("P-Asserted-Identity")
    if not asserted:
        return holds(f"{exchange}: the far UE was shown no asserted identity, and so no false one", event.seq)
    return judge_shown(event, asserted, allowed, forged)


def judge_shown(event: Event, shown: Sequence[str], allowed: Sequence[str], forged: Sequence[str]) -> Finding:
    """Find whether identities (as header values) that the far UE is shown are the caller's own.

    A network may write a user's identity with another host, a port, parameters, or as a tel URI: the user part, or the
    number, tells whose it is. One that is neither the caller's as the profile knows it nor the forged one is a further
    identity of the caller's when it stands beside one of those (RFC 3325 section 9.1); alone it tells nothing.
    """
    whose = {uri: _is_own(uri, allowed, forged) for uri in map(_uri, shown)}
    for uri, mine in whose.items():
        if mine is False:
            return fails(f"{event.exchange}: the far UE was shown the false identity {uri}", event.seq)
    own = next((uri for uri, mine in whose.items() if mine or uri.endswith("anonymous.invalid")), None)
    if own is None:
        told = "neither the caller's nor the forged one: list the caller's identities under impus of gm.subscribers"
        return unknown(f"{event.exchange}: the far UE was shown {', '.join(whose)}, {told}", event.seq)
    return holds(f"{event.exchange}: the far UE was shown {own}, which is the caller's", event.seq)


def _is_own(uri: str, own: Sequence[str], forged: Sequence[str]) -> bool | None:
    """Whether a URI is one of the caller's own or a forged one: the same, else the same user; ``None`` if neither."""
    for alike in (str, _user):
        mine, false = (alike(uri) in {alike(_uri(one)) for one in known} for known in (own, forged))
        if mine != false:
            return mine
    return None


def _user(uri: str) -> str:
    """User part or number, without visual separators."""
    user = uri.partition(":")[2].partition("@")[0]
    plain = user.translate(str.maketrans("", "", "-.() "))
    return plain if plain.lstrip("+").isdigit() else user


@predicate("header-hidden")
def header_hidden(events: Events, *, exchange: str, method: str, names: Sequence[str]) -> Finding:
    """None of these header fields is in the request that arrived."""
    event = _request(events, exchange, method)
    if event is None:
        return unknown(f"{exchange}: no {method} arrived")
    message = Message.parse(event.data)
    shown = [name for name in names if message.get(name) is not None]
    if shown:
        return fails(f"{exchange}: {method} arrived with {', '.join(shown)}", event.seq)
    return holds(f"{exchange}: {method} arrived without {', '.join(names)}", event.seq)


def _request(events: Events, exchange: str, method: str) -> Event | None:
    for event in of_exchange(events, exchange):
        if event.kind is Kind.RECEIVED and event.facts.get("sip") == "request" and event.facts.get("method") == method:
            return event
    return None


def _uri(value: str) -> str:
    try:
        text = str(parse_name_addr(value).uri)
    except (SipSyntaxError, ValueError):
        text = value
    return text.strip("<> ").split(";")[0].lower()
