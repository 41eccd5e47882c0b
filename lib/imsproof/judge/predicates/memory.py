"""What the lab's memory did while malformed messages came, by the readings that the journal holds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from imsproof.judge.effect import of_exchange
from imsproof.judge.growth import ROUNDS, Round, grows, told
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Event, Events


@predicate("memory-not-growing")
def memory_not_growing(events: Events, *, exchange: str, series: Sequence[str]) -> Finding:
    """Memory did not grow with malformed messages in each of these series of rounds.

    A reading is a counted event with ``memory_kib`` and ``after``: ``begin``, ``good`` or ``malformed``. One series
    that does not grow is enough; a second, after a rest, tells state that is kept for a while from what is never freed.
    """
    del exchange
    last = None
    for name in series:
        readings = [e for e in of_exchange(events, name) if e.kind is Kind.COUNTED and "memory_kib" in e.facts]
        if not readings or any(not e.facts["memory_kib"] for e in readings):
            return unknown(f"{name}: the lab's memory could not be read")
        if len({str(e.facts.get("processes")) for e in readings}) > 1:
            return unknown(f"{name}: the lab's processes changed meanwhile, so that sums cannot be compared")
        rounds = rounds_of(readings)
        if len(rounds) < ROUNDS:
            return unknown(f"{name}: only {len(rounds)} of {ROUNDS} rounds were measured")
        if not grows(rounds):
            return holds(f"{name}: memory did not grow steadily ({told(rounds)})", readings[-1].seq)
        last = (name, rounds, readings[-1].seq)
    if last is None:
        return unknown("no series was measured")
    name, rounds, seq = last
    return fails(f"{name}: memory grew in every round, in each of {len(series)} series (the last: {told(rounds)})", seq)


def rounds_of(readings: Sequence[Event]) -> list[Round]:
    """Pair what each reading added with the other kind's of the same round."""
    added: dict[str, list[int]] = {"good": [], "malformed": []}
    for before, now in pairwise(readings):
        kind = str(now.facts.get("after"))
        if kind in added:
            added[kind].append(int(now.facts["memory_kib"]) - int(before.facts["memory_kib"]))
    return [Round(good, bad) for good, bad in zip(added["good"], added["malformed"], strict=False)]


@predicate("same-processes")
def same_processes(events: Events, *, readings: Sequence[str]) -> Finding:
    """None of the lab's processes ended between the first and the last of these readings; new ones may have come."""
    found = [e for name in readings for e in of_exchange(events, name) if "processes" in e.facts]
    if len(found) < 2:
        return unknown("the lab's processes were not read twice")
    before, now = (set(str(e.facts["processes"]).split()) for e in (found[0], found[-1]))
    if not before:
        return unknown("the lab had no processes at the beginning")
    gone = sorted(before - now, key=int)
    if gone:
        return fails(f"processes of the lab have ended meanwhile: {' '.join(gone)} of {len(before)}", found[-1].seq)
    return holds(f"all {len(before)} processes of the lab run on", found[-1].seq)
