"""An event before it has its number: what was seen, and in which packets of the capture."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imsproof.audit.flows import Way

EVENTS = 200_000
"""Events of one audit, at most."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What will be an event: ``frame`` is the packet's number in the capture, ``way`` who said it to whom."""

    frame: int
    utc_ns: int
    kind: Kind
    transport: str
    exchange: str
    way: Way
    data: bytes = b""
    facts: dict[str, Any] = field(default_factory=dict)


def journal(drafts: Iterable[Draft]) -> tuple[list[Event], int]:
    """Return the events in the order of the capture, and how many were left out as there were too many."""
    ordered = sorted(drafts, key=lambda one: (one.utc_ns, one.frame))
    kept = ordered[:EVENTS]
    first = kept[0].utc_ns if kept else 0
    return [_event(number, one, first) for number, one in enumerate(kept, 1)], len(ordered) - len(kept)


def _event(number: int, one: Draft, first: int) -> Event:
    seconds, rest = divmod(one.utc_ns, 1_000_000_000)
    try:
        when = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    except (OverflowError, OSError, ValueError):
        when = datetime.fromtimestamp(0, UTC)
    return Event(
        seq=number,
        utc=when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        mono_ns=one.utc_ns - first,
        actor=one.way[0][0],
        kind=one.kind,
        exchange=one.exchange,
        transport=one.transport,
        local=one.way[0],
        remote=one.way[1],
        data=one.data,
        facts={"frame": one.frame, **one.facts},
    )


def between(way: Way) -> str:
    """Name a conversation by its two ends."""
    return f"{written(way[0])} > {written(way[1])}"


def written(address: tuple[str, int]) -> str:
    """Write a transport address, IPv6 in brackets."""
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{host}:{address[1]}"
