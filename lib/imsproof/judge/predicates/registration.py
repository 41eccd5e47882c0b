"""Registration with IMS AKA or digest: was there a challenge, did the network prove itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.effect import of_exchange
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
