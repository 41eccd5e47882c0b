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
    message = Message.parse(event.data)
    asserted = [_uri(value) for value in message.values("P-Asserted-Identity")]
    false = [uri for uri in asserted if uri in {_uri(one) for one in forged}]
    if false:
        return fails(f"{exchange}: the far UE was shown the false identity {false[0]}", event.seq)
    own = {_uri(one) for one in allowed}
    strange = [uri for uri in asserted if uri not in own]
    if strange:
        return fails(f"{exchange}: the far UE was shown {strange[0]}, which is not the caller's", event.seq)
    if not asserted:
        return unknown(f"{exchange}: no identity was asserted", event.seq)
    return holds(f"{exchange}: the far UE was shown {asserted[0]}, which is the caller's", event.seq)


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
