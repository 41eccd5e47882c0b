"""How far the chain of a data channel came: signalling, DTLS, SCTP, HTTP; and whether it stopped at the right link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.predicates.sdp import description
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

LINKS = ("signalling", "DTLS", "SCTP", "HTTP")
PLACES = {"signalling": 0, "DTLS": 1, "SCTP": 1, "HTTP": 2}
"""Which of a chain's conversations shows a link."""
OK = range(200, 400)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a chain came.

    Attributes:
        passed: for each link that was passed, in order, the event that shows it.
        stopped: the link at which it stopped, ``""`` for a whole chain.
        how: how that showed.
        known: whether anything was seen at that link.
        event: the event that shows it, 0 for none.
    """

    passed: tuple[Event, ...]
    stopped: str = ""
    how: str = ""
    known: bool = True
    event: int = 0


def reached(events: Events, exchanges: Sequence[str]) -> Reached:
    """Follow a chain through its conversations: the signalling first, then what was tried over it, in order."""
    own = [event for event in events if event.exchange in set(exchanges)]
    tests = (_gives_channel, _stays_connected, _associated, _served)
    passed: list[Event] = []
    for link, test in zip(LINKS, tests, strict=True):
        found = next((event for event in own if test(event, own)), None)
        if found is None and not _beyond(link, own):
            return _stopped(events, exchanges[min(PLACES[link], len(exchanges) - 1)], link, tuple(passed))
        passed += [found] if found else []
    return Reached(tuple(passed))


def _stopped(events: Events, exchange: str, link: str, passed: tuple[Event, ...]) -> Reached:
    own = of_exchange(events, exchange)
    shaken = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "dtls"), None)
    if link == "DTLS" and shaken is not None:
        return Reached(passed, link, "ended the session right after the handshake", event=shaken.seq)
    if link == "SCTP" and shaken is not None:
        return Reached(passed, link, "completed DTLS, but no SCTP association came up", event=shaken.seq)
    seen = effect(events, exchange)
    if link == "signalling" and seen.result is Result.ACCEPTED:
        return Reached(passed, link, "gave no data channel in its answer", event=seen.event)
    return Reached(passed, link, seen.how, seen.result is not Result.UNKNOWN, seen.event)


def _beyond(link: str, own: list[Event]) -> bool:
    """Whether a link must have been passed: a hook may give an answer that is no session description."""
    return link == "signalling" and any(event.transport == "dtls" and event.kind is Kind.SENT for event in own)


def _gives_channel(event: Event, _: list[Event]) -> bool:
    sdp = description(event) if event.kind is Kind.RECEIVED else None
    section = sdp.data_channel() if sdp is not None else None
    return section is not None and section.port > 0


def _stays_connected(event: Event, own: list[Event]) -> bool:
    if event.kind is not Kind.HANDSHAKE or event.transport != "dtls":
        return False
    later = [one for one in own if one.seq > event.seq and one.exchange == event.exchange]
    up = next((one.seq for one in later if _associated(one, own)), None)
    end = next((one.seq for one in later if _ends(one)), None)
    return end is None or (up is not None and up < end)


def _ends(event: Event) -> bool:
    return event.kind is Kind.ALERT or (event.kind is Kind.CLOSED and event.facts.get("by") == "lab")


def _associated(event: Event, _: list[Event]) -> bool:
    return event.kind is Kind.HANDSHAKE and event.transport == "sctp"


def _served(event: Event, _: list[Event]) -> bool:
    return event.kind is Kind.RECEIVED and event.transport == "http" and event.facts.get("status") in OK


@predicate("chain-complete")
def chain_complete(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """Every link came up: the answer gave a data channel, then DTLS, SCTP inside it, and HTTP inside that."""
    chain = reached(events, exchanges)
    numbers = [event.seq for event in chain.passed]
    if not chain.stopped:
        return holds(f"the chain came up whole: {', '.join(LINKS)}", *numbers)
    sentence = f"the chain stopped at {chain.stopped}: the lab {chain.how}"
    return (fails if chain.known else unknown)(sentence, *numbers, *([chain.event] if chain.event else []))


@predicate("chain-stopped")
def chain_stopped(events: Events, *, exchanges: Sequence[str], at: Sequence[str]) -> Finding:
    """The chain, broken at one link by the tester, stopped where it should: at one of the links ``at``."""
    chain = reached(events, exchanges)
    places = " or ".join(at)
    if not chain.stopped:
        return fails(f"the chain did not stop; the right place was {places}", *(one.seq for one in chain.passed))
    if not chain.known:
        return unknown(f"the chain stopped at {chain.stopped}: the lab {chain.how}")
    numbers = [chain.event] if chain.event else []
    sentence = f"the chain stopped at {chain.stopped} (the lab {chain.how})"
    if chain.stopped in at:
        return holds(f"{sentence}, which is the right place", *numbers)
    return fails(f"{sentence}; the right place was {places}", *numbers)
