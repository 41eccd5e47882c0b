"""Events come in the order of the capture, bounded, with a time whatever the capture says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.audit import draft
from imsproof.audit.draft import Draft, between, journal
from imsproof.seams import Kind

if TYPE_CHECKING:
    import pytest

WAY = (("10.0.0.1", 1), ("2001:db8::2", 2))


def drafted(frame: int, utc_ns: int) -> Draft:
    """A draft."""
    return Draft(frame, utc_ns, Kind.SENT, "udp", "x", WAY)


def test_events_are_numbered_in_the_order_of_their_times() -> None:
    events, over = journal([drafted(2, 20), drafted(1, 10)])
    assert [(event.seq, event.facts["frame"]) for event in events] == [(1, 1), (2, 2)]
    assert over == 0


def test_too_many_events_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft, "EVENTS", 1)
    events, over = journal([drafted(1, 1), drafted(2, 2)])
    assert (len(events), over) == (1, 1)


def test_an_impossible_time_is_no_reason_to_stop() -> None:
    events, _ = journal([drafted(1, (1 << 63) * 1_000_000_000)])
    assert events[0].utc.startswith("1970")


def test_ipv6_stands_in_brackets() -> None:
    assert between(WAY) == "10.0.0.1:1 > [2001:db8::2]:2"
