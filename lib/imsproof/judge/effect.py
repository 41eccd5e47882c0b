"""What became of one conversation, judged by its effect and not by the layer at which it came.

A refusal can be a TCP reset, a TLS alert, a 4xx after a completed handshake, a reset stream, or silence. This
module reads the events of one exchange and says which of these it was, so that every predicate agrees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from imsproof.seams import Event, Events, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

FINAL = 200
TOO_MANY, UNAVAILABLE = 429, 503
HTTP = ("h2", "http")
CHALLENGES = {401, 407}


class Result(StrEnum):
    """The effect of a conversation."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect, one clause that says how it showed, the deciding event (0 for none), and status or alert if any.

    ``wanted`` is what the lab asked for in the handshake and was not given (a client certificate), or ``""``.
    """

    result: Result
    how: str
    event: int = 0
    status: int | None = None
    alert: str | None = None
    wanted: str = ""


def of_exchange(events: Events, exchange: str) -> list[Event]:
    """The events of one conversation, in order."""
    return [event for event in events if event.exchange == exchange]


def final_answer(events: Iterable[Event]) -> Event | None:
    """The last received event with a final status (200 or more), or ``None``."""
    found = None
    for event in events:
        status = event.facts.get("status")
        if event.kind is Kind.RECEIVED and isinstance(status, int) and status >= FINAL:
            found = event
    return found


def effect(events: Events, exchange: str, accept: Iterable[int] | None = None) -> Effect:
    """Say what became of an exchange.

    Args:
        events: the whole journal.
        exchange: the conversation's name.
        accept: the statuses that count as accepted; every 2xx when ``None``.
    """
    own = of_exchange(events, exchange)
    if not own:
        return Effect(Result.UNKNOWN, "nothing was recorded")
    answer = final_answer(own)
    if answer is None:
        return _without_status(own)
    if _went_on(own, answer):
        left = _without_status([event for event in own if event.seq > answer.seq])
        return replace(left, how=f"challenged with {answer.facts['status']}, and {left.how} when that was answered")
    return _by_status(answer, accept)


def _went_on(own: list[Event], challenge: Event) -> bool:
    """Whether the last final answer is a SIP challenge that was answered: then nothing is decided by it."""
    if challenge.facts.get("sip") != "response" or challenge.facts["status"] not in CHALLENGES:
        return False
    number, _, method = str(challenge.facts.get("cseq", "")).partition(" ")
    for event in own:
        if event.seq > challenge.seq and event.kind is Kind.SENT and event.facts.get("sip") == "request":
            later, _, name = str(event.facts.get("cseq", "")).partition(" ")
            if name == method and later.isdecimal() and number.isdecimal() and int(later) > int(number):
                return True
    return False


def _by_status(answer: Event, accept: Iterable[int] | None) -> Effect:
    status = int(answer.facts["status"])
    if is_throttled(answer):
        told = f"answered {status}: too many requests for it, so this one was not looked at (see limits)"
        return Effect(Result.UNKNOWN, told, answer.seq, status=status)
    good = status in set(accept) if accept is not None else FINAL <= status < FINAL + 100
    result = Result.ACCEPTED if good else Result.REFUSED
    return Effect(result, f"answered {status}", answer.seq, status=status)


def is_throttled(answer: Event) -> bool:
    """Whether an HTTP server only says that it has too many requests (RFC 6585 section 4, RFC 9110 section 15.6.4)."""
    if answer.transport not in HTTP:
        return False
    status = answer.facts.get("status")
    names = {str(name).lower() for name, _ in answer.facts.get("headers", ())}
    return status == TOO_MANY or (status == UNAVAILABLE and "retry-after" in names)


def _without_status(own: list[Event]) -> Effect:  # noqa: PLR0911 - one return for each way to end
    opened = any(event.kind in {Kind.OPENED, Kind.HANDSHAKE} for event in own)
    handshake = _last(own, Kind.HANDSHAKE)
    asked = any(event.kind is Kind.SENT and (handshake is None or event.seq > handshake.seq) for event in own)
    alert = _last(own, Kind.ALERT)
    if alert is not None and alert.facts.get("alert") != "close_notify":
        name, wanted = str(alert.facts.get("alert", "unnamed")), str(alert.facts.get("wanted", ""))
        return Effect(Result.REFUSED, f"sent the alert {name}", alert.seq, alert=name, wanted=wanted)
    for event in reversed(own):
        if event.kind is Kind.RECEIVED and (event.facts.get("reset") is not None or "goaway" in event.facts):
            return Effect(Result.REFUSED, "reset the stream or the connection", event.seq)
    refused = _last(own, Kind.REFUSED)
    if refused is not None:
        if not opened and refused.facts.get("stage", "connect") == "connect":
            return Effect(
                Result.UNREACHABLE, f"refused the connection ({refused.facts.get('reason', '')})", refused.seq
            )
        verb = "was refused by the tester" if refused.facts.get("by") == "tester" else "broke off"
        how, wanted = f"{verb} ({refused.facts.get('reason', 'no reason given')})", refused.facts.get("wanted", "")
        return Effect(Result.REFUSED, how, refused.seq, wanted=str(wanted))
    closed = next((e for e in reversed(own) if e.kind is Kind.CLOSED and e.facts.get("by") == "lab"), None)
    if closed is not None and (asked or handshake is None):
        return Effect(Result.REFUSED, "closed the connection", closed.seq)
    if asked or (handshake is None and any(event.kind is Kind.SENT for event in own)):
        waited = _last(own, Kind.TIMEOUT)
        return Effect(Result.SILENT, _silent(waited), waited.seq if waited else own[-1].seq)
    if handshake is not None:
        return Effect(Result.ACCEPTED, f"completed the handshake ({_version(handshake)})", handshake.seq)
    waited = _last(own, Kind.TIMEOUT)
    if waited is not None:
        result = Result.SILENT if opened else Result.UNREACHABLE
        return Effect(result, _silent(waited), waited.seq)
    return Effect(Result.UNKNOWN, "ended without a sign", own[-1].seq)


def _silent(waited: Event | None) -> str:
    """How somebody was silent, with what says that nothing arrives or comes there."""
    unheard = waited.facts.get("unheard", "") if waited else ""
    return f"did not answer ({unheard})" if unheard else "did not answer"


def _last(own: list[Event], kind: Kind) -> Event | None:
    return next((event for event in reversed(own) if event.kind is kind), None)


def _version(handshake: Event) -> str:
    version = handshake.facts.get("version")
    cipher = handshake.facts.get("cipher")
    return ", ".join(str(part) for part in (version, cipher) if part) or handshake.transport
