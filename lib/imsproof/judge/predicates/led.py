"""A consumer of the lab that was led to a server of the tester: did it trust the server, and speak to it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.seams import Event, Events


@predicate("spoke-to-tester")
def spoke_to_tester(events: Events, *, exchange: str) -> Finding:
    """The consumer came, finished the handshake, and sent what it had to say."""
    own = of_exchange(events, exchange)
    said = _said(own)
    if said is not None:
        return holds(f"{exchange}: the lab came and sent {len(said.data)} octets", said.seq)
    return fails(f"{exchange}: {_instead(own)}", *(event.seq for event in own[-1:]))


@predicate("kept-silent")
def kept_silent(events: Events, *, exchange: str) -> Finding:
    """The consumer came, and told the server nothing: it ended the connection instead."""
    own = of_exchange(events, exchange)
    said = _said(own)
    if said is not None:
        return fails(f"{exchange}: the lab sent {len(said.data)} octets to this server", said.seq)
    if not any(event.kind is Kind.OPENED for event in own):
        return unknown(f"{exchange}: the lab did not come, so nothing is shown")
    return holds(f"{exchange}: {_instead(own)}", *(event.seq for event in own[-1:]))


def _said(own: list[Event]) -> Event | None:
    return next((event for event in own if event.kind is Kind.RECEIVED and event.data), None)


def _instead(own: list[Event]) -> str:
    alert = next((event for event in own if event.kind is Kind.ALERT), None)
    if alert is not None:
        return f"the lab ended the handshake with the alert {alert.facts.get('alert')}"
    if any(event.kind is Kind.TIMEOUT for event in own):
        return "the lab came and waited, without a word of its own"
    if any(event.kind is Kind.OPENED for event in own):
        return "the lab came and ended the connection without a word"
    return "the lab did not come"
