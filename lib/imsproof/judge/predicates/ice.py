"""Whom a peer with ICE believes: which checks it answers, where its DTLS goes, and how good its passwords are."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from imsproof.judge.effect import of_exchange
from imsproof.judge.predicates.certificate import guessable
from imsproof.judge.predicates.datagrams import none_came
from imsproof.judge.registry import Finding, fails, holds, opposite, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

FIRST_DTLS, LAST_DTLS = 20, 63
"""First octets of DTLS where several protocols share a port (RFC 7983 section 7)."""
_UFRAG, _PASSWORD = re.compile(r"[A-Za-z0-9+/]{4,256}"), re.compile(r"[A-Za-z0-9+/]{22,256}")


def _check(events: Events, exchange: str) -> tuple[Event | None, Event | None]:
    """The check that was sent in an exchange, and the answer of its transaction."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT and event.facts.get("stun") == "request"), None)
    if sent is None:
        return None, None
    answers = (
        event
        for event in own
        if event.kind is Kind.RECEIVED
        and event.facts.get("stun") in ("success", "error")
        and event.facts.get("transaction") == sent.facts["transaction"]
    )
    return sent, next(answers, None)


@predicate("check-answered")
def check_answered(events: Events, *, exchange: str) -> Finding:
    """An ICE check was answered with success."""
    sent, answer = _check(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no check was sent")
    if answer is None:
        return fails(f"{exchange}: the check was not answered", sent.seq)
    if answer.facts["stun"] == "error":
        return fails(f"{exchange}: the check was answered with {answer.facts.get('error')}", sent.seq, answer.seq)
    return holds(f"{exchange}: the check was answered with success", sent.seq, answer.seq)


@predicate("check-refused")
def check_refused(events: Events, *, exchange: str) -> Finding:
    """An ICE check was answered with an error, or not at all (RFC 8489 section 9.1.3, RFC 8445 section 7.3)."""
    return opposite(check_answered(events, exchange=exchange))


@predicate("no-dtls")
def no_dtls(events: Events, *, exchange: str) -> Finding:
    """No DTLS came to an address that is not known to want any (RFC 7675 section 5.1)."""

    def dtls(data: bytes) -> str:
        return f"{len(data)} bytes of DTLS" if data and FIRST_DTLS <= data[0] <= LAST_DTLS else ""

    return none_came(events, exchange, dtls, "DTLS")


@predicate("ice-credentials-good")
def ice_credentials_good(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """ICE user fragments and passwords are long enough, and no password came twice (RFC 8445 section 5.3)."""
    told = [next((e for e in of_exchange(events, name) if "ufrag" in e.facts), None) for name in exchanges]
    found = [event for event in told if event is not None]
    if len(found) < len(exchanges):
        return unknown("an answer has no ICE credentials")
    numbers = [event.seq for event in found]
    for event in found:
        ufrag, password = str(event.facts["ufrag"]), str(event.facts.get("password", ""))
        if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
            sizes = f"{len(ufrag)} and {len(password)} characters"
            return fails(f"{event.exchange}: user fragment and password of {sizes}, 4 and 22 at least", *numbers)
    if len({event.facts["password"] for event in found}) < len(found):
        return fails("the same ICE password stands in the answers to different calls", *numbers)
    passwords = [str(event.facts["password"]) for event in found]
    if any(guessable(one, other) for one, other in itertools.combinations(passwords, 2)):
        return fails(
            "the ICE passwords of different calls differ in a few characters only: one tells the next", *numbers
        )
    return holds("the ICE passwords are long and each call has its own", *numbers)
