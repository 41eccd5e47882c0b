"""Under load: does the rightful user still get service?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, effect
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events


@predicate("flood-happened")
def flood_happened(events: Events, *, exchange: str, at_least: int) -> Finding:
    """The flood was really sent: at least so many messages left the tester."""
    sent = [(int(e.facts.get("sent", 0)), e.seq) for e in events if e.exchange == exchange and e.kind is Kind.COUNTED]
    total = sum(count for count, _ in sent)
    numbers = [seq for _, seq in sent]
    if total >= at_least:
        return holds(f"{exchange}: {total} messages were sent", *numbers)
    return fails(f"{exchange}: only {total} messages were sent, {at_least} were meant", *numbers)


@predicate("served-share")
def served_share(
    events: Events, *, exchanges: Sequence[str], share: float, accept: Sequence[int] | None = None
) -> Finding:
    """At least this share of the rightful user's attempts was accepted."""
    if not exchanges:
        return unknown("the rightful user made no attempt")
    seen = [effect(events, name, accept) for name in exchanges]
    good = sum(one.result is Result.ACCEPTED for one in seen)
    sentence = f"{good} of {len(seen)} attempts of the rightful user were served, at least {share:.0%} expected"
    numbers = [one.event for one in seen if one.event]
    return holds(sentence, *numbers) if good >= share * len(seen) else fails(sentence, *numbers)
