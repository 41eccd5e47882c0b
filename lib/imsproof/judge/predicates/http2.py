"""HTTP/2 by its frames: was an offence served, and was it answered by an error that the RFC names?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, is_throttled, of_exchange
from imsproof.judge.effect import effect as seen
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

REFUSAL, SERVER_ERROR = 400, 500
FENCE_DATA = b"imsproof"
END_STREAM = 0x1


@predicate("h2-not-served")
def not_served(
    events: Events,
    *,
    exchange: str,
    effect: str,
    accept: Sequence[int] = (),
    legit: Sequence[int] = (),
    limit: int = 0,
    without: str = "",
    early: str = "",
) -> Finding:
    """The offence had no effect that could be seen (a request accepted, PING answered, SETTINGS acknowledged).

    ``without`` and ``early`` are conversations with the request without the field that the offence is in, and with a
    request that has not ended: a lab that serves these may have dropped the field, or answered before the offence.
    """
    own = of_exchange(events, exchange)
    if not _spoke(own):
        return unknown(f"{exchange}: the case could not be brought about: {_why_not(own)}")
    if throttled := _throttled(own):
        return throttled
    shown = _shown(own, effect, accept=accept, legit=legit, limit=limit)
    if shown is not None and without and seen(events, without, accept).result is Result.ACCEPTED:
        return holds(f"{exchange}: {shown[0]}, as it does without the field, which it may have dropped", shown[1].seq)
    if shown is not None and early and seen(events, early, accept).result is Result.ACCEPTED:
        return _answered_early(own, of_exchange(events, early), f"{exchange}: {shown[0]}", shown[1])
    if shown is not None:
        return fails(f"{exchange}: {shown[0]}", shown[1].seq)
    return holds(f"{exchange}: {_reaction(own)}", *(event.seq for event in own[-1:]))


def _answered_early(own: list[Event], before: list[Event], told: str, answer: Event) -> Finding:
    """The lab answers before a request has ended: only that it takes offence, as it does not there, tells anything."""
    after, usual = _ended(own), _ended(before)
    if after is not None and (usual is None or after.facts.get("error") != usual.facts.get("error")):
        return holds(f"{told}, before the offence came; then {_reaction(own)}", after.seq)
    return unknown(
        f"{told}, but it answers the probe before a request has ended, so this may have been before the offence:"
        " give sbi.producers[].probe a body that the producer reads",
        answer.seq,
    )


def _shown(
    own: list[Event], effect: str, *, accept: Sequence[int], legit: Sequence[int], limit: int
) -> tuple[str, Event] | None:
    """What shows that the offence was served, and the event that does."""
    received = [event for event in own if event.kind is Kind.RECEIVED]
    if effect in {"response", "tunnel"}:
        good = accept if effect == "response" else range(200, 300)
        answers = [e for e in received if e.facts.get("status") in good and e.facts.get("stream") not in legit]
        if effect == "tunnel":
            answers = [e for e in answers if not _has_ended(received, e.facts.get("stream"))]
        if answers:
            where = f"status {answers[0].facts['status']} on stream {answers[0].facts['stream']}"
            return f"the lab served it: {where}", answers[0]
    elif effect == "overrun":
        pieces = [e for e in received if e.facts.get("frame") == "DATA" and e.facts.get("stream") == 1]
        total = sum(int(e.facts.get("octets", 0)) for e in pieces)
        if total > limit:
            return f"the lab sent {total} octets of DATA where the window allows {limit}", pieces[-1]
    elif effect in {"ping", "settings"}:
        answers = [e for e in received if e.facts.get("frame") == effect.upper() and e.facts.get("ack")]
        answers = [e for e in answers if e.data != FENCE_DATA]
        due = limit if effect == "settings" else 0
        if len(answers) > due:
            return f"the lab answered it: {len(answers)} {effect.upper()} with ACK, {due} due", answers[-1]
    return None


def _has_ended(received: list[Event], stream: object) -> bool:
    """Whether the lab ended a stream: then it is no tunnel."""
    return any(
        e.facts.get("stream") == stream
        and e.facts.get("frame") in {"HEADERS", "DATA"}
        and int(e.facts.get("flags", 0)) & END_STREAM
        for e in received
    )


@predicate("h2-error")
def error(
    events: Events,
    *,
    exchange: str,
    connection: Sequence[str] = (),
    stream: Sequence[str] = (),
    malformed: bool = False,
) -> Finding:
    """The offence was answered by an error of the kind that the RFC names: code, and connection or stream."""
    own = of_exchange(events, exchange)
    wanted = " or ".join(
        part
        for part in (
            f"connection error {'/'.join(connection)}" if connection else "",
            f"stream error {'/'.join(stream)}" if stream else "",
            "a 4xx answer" if malformed else "",
        )
        if part
    )
    for event in own:
        seen_here = _answer(event, connection, stream, malformed=malformed)
        if seen_here is not None:
            fits, told = seen_here
            return (holds if fits else fails)(f"{exchange}: {told}; expected {wanted}", event.seq)
    closed = next((e for e in own if e.kind is Kind.CLOSED and e.facts.get("by") == "lab"), None)
    if closed is not None:
        return holds(f"{exchange}: the lab closed the connection; expected {wanted}", closed.seq)
    return fails(f"{exchange}: the lab took no offence; expected {wanted}", *(event.seq for event in own[-1:]))


def _answer(
    event: Event, connection: Sequence[str], stream: Sequence[str], *, malformed: bool
) -> tuple[bool, str] | None:
    """Whether an event is an error, whether that fits, and its words; ``None`` for every other event."""
    facts = event.facts
    if event.kind is not Kind.RECEIVED:
        return None
    if facts.get("goaway"):
        return facts["error"] in {*connection, *stream}, f"GOAWAY with {facts['error']}"
    if facts.get("reset"):
        return facts["error"] in stream, f"RST_STREAM with {facts['error']}"
    if malformed and int(facts.get("status", 0)) >= REFUSAL:
        return True, f"answered {facts['status']}"
    return None


@predicate("h2-served")
def served(events: Events, *, exchange: str, streams: Sequence[int], accept: Sequence[int]) -> Finding:
    """What the RFC allows was served: every request of the case was answered as the profile's probe is."""
    own = of_exchange(events, exchange)
    if not any(event.kind is Kind.HANDSHAKE for event in own):
        return unknown(f"{exchange}: no connection came up, so the case could not be brought about")
    if throttled := _throttled(own):
        return throttled
    for stream in streams:
        answer = next(
            (
                e
                for e in own
                if e.kind is Kind.RECEIVED and e.facts.get("stream") == stream and e.facts.get("status", 0) >= 200
            ),
            None,
        )
        if answer is None and stream != streams[0] and _said_goodbye(own):
            break  # a server may end a connection after any answer (RFC 9113 section 9.1)
        if answer is None:
            return fails(f"{exchange}: no answer on stream {stream}: {_reaction(own)}", *(e.seq for e in own[-1:]))
        if answer.facts["status"] not in accept:
            return fails(f"{exchange}: answered {answer.facts['status']} on stream {stream}", answer.seq)
    return holds(f"{exchange}: served", *(e.seq for e in own[-1:]))


@predicate("h2-flood-met")
def flood_met(events: Events, *, exchange: str, at_least: int) -> Finding:
    """The flood was really sent, or the lab put an end to it."""
    own = of_exchange(events, exchange)
    counted = [event for event in own if event.kind is Kind.COUNTED]
    total = sum(int(event.facts.get("sent", 0)) for event in counted)
    if total >= at_least:
        return holds(f"{exchange}: {total} frames were sent; {_reaction(own)}", *(event.seq for event in counted))
    if _spoke(own) and _ended(own) is not None:
        return holds(f"{exchange}: {total} frames were sent, then {_reaction(own)}", *(e.seq for e in counted))
    return fails(f"{exchange}: only {total} frames were sent, {at_least} were meant", *(e.seq for e in counted))


@predicate("no-server-error")
def no_server_error(events: Events, *, exchange: str) -> Finding:
    """The request was answered, and not by an error of the server's own (5xx): what was wrong is the client's."""
    found = seen(events, exchange)
    if found.status is None:
        return fails(f"{exchange}: the lab {found.how}; an HTTP error was expected", found.event)
    sentence = f"{exchange}: answered {found.status}"
    return fails(sentence, found.event) if found.status >= SERVER_ERROR else holds(sentence, found.event)


def _spoke(own: list[Event]) -> bool:
    """Whether the lab came as far as HTTP/2 before the case began (or the case is about that very beginning)."""
    undone = any(event.facts.get("undone") for event in own)
    kinds = {event.kind for event in own}
    return not undone and {Kind.HANDSHAKE, Kind.SENT} <= kinds


def _throttled(own: list[Event]) -> Finding | None:
    """That nothing can be told, where the lab answered only that it has too many requests."""
    found = next((event for event in own if event.kind is Kind.RECEIVED and is_throttled(event)), None)
    if found is None:
        return None
    return unknown(f"{found.exchange}: answered {found.facts['status']}: too many requests (see limits)", found.seq)


def _said_goodbye(own: list[Event]) -> bool:
    """Whether the lab said that it takes no more requests on this connection, or closed it, as it may at any time."""
    for event in own:
        closed = event.kind is Kind.CLOSED and event.facts.get("by") == "lab"
        closed |= event.kind is Kind.ALERT and event.facts.get("alert") == "close_notify"
        if closed or (event.kind is Kind.RECEIVED and event.facts.get("goaway") == 0):
            return True
    return False


def _why_not(own: list[Event]) -> str:
    last = own[-1] if own else None
    return str(last.facts.get("reason", last.kind.value)) if last else "nothing was recorded"


def _ended(own: list[Event]) -> Event | None:
    for event in own:
        if event.kind is Kind.RECEIVED and (event.facts.get("goaway") or event.facts.get("reset")):
            return event
        if event.kind is Kind.CLOSED and event.facts.get("by") == "lab":
            return event
    return None


def _reaction(own: list[Event]) -> str:
    """What the lab did, in a few words."""
    ended = _ended(own)
    if ended is None:
        statuses = [str(e.facts["status"]) for e in own if e.kind is Kind.RECEIVED and "status" in e.facts]
        return f"the lab answered {', '.join(statuses)}" if statuses else "the lab did nothing that could be seen"
    if ended.kind is Kind.CLOSED:
        return "the lab closed the connection"
    if "goaway" in ended.facts:
        return f"the lab sent GOAWAY with {ended.facts['error']}"
    return f"the lab reset stream {ended.facts.get('stream')} with {ended.facts['error']}"
