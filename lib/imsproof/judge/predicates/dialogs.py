"""Who was reached by what a third party sent, and what was shown to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr
from imsproof.judge.effect import effect
from imsproof.judge.predicates.identity import judge_shown
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.seams import Events


BREADTH_EXCEEDED = 440


@predicate("not-reached")
def not_reached(
    events: Events, *, exchange: str, actor: str, methods: Sequence[str], until: str | None = None
) -> Finding:
    """After a request was sent, and until another conversation begins, nothing of these methods comes to an actor.

    What the network itself asks within a call, to refresh it, is not counted.
    """
    sent = next((e for e in events if e.exchange == exchange and e.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: nothing was sent")
    start = sent.seq
    end = next((e.seq for e in events if e.exchange == until and e.seq > start), None)
    for event in events:
        if event.seq <= start or (end is not None and event.seq >= end):
            continue
        if _is_request(event) and event.actor == actor and event.facts.get("method") in methods:
            if _refreshes(events, sent, event):
                continue
            return fails(f"{exchange}: {event.facts['method']} came to {actor}", start, event.seq)
    return holds(f"{exchange}: no {' or '.join(methods)} came to {actor}", start)


def _refreshes(events: Events, sent: Event, came: Event) -> bool:
    """Whether a request within a call changes nothing (no SDP, or that of before), though what was sent has SDP."""
    message = _read(came)
    offered = _read(sent)
    if message is None or offered is None or not offered.body.strip() or not _tag(message.get("To")):
        return False
    earlier = (_read(e) for e in events if e.seq < sent.seq and e.actor == came.actor and e.kind is Kind.RECEIVED)
    return not message.body.strip() or message.body in [one.body for one in earlier if one is not None]


def _read(event: Event) -> Message | None:
    try:
        return Message.parse(event.data)
    except SipSyntaxError:
        return None


@predicate("answered-by-nobody-else")
def answered_by_nobody_else(events: Events, *, exchange: str, tag: str) -> Finding:
    """No response with this To tag, which somebody else made up, came to the caller."""
    for event in events:
        if event.exchange != exchange or event.kind is not Kind.RECEIVED or event.facts.get("sip") != "response":
            continue
        if _tag(Message.parse(event.data).get("To")) == tag:
            return fails(f"{exchange}: the caller was given the third party's {event.facts.get('status')}", event.seq)
    return holds(f"{exchange}: the caller was given no response of the third party")


@predicate("nothing-received")
def nothing_received(events: Events, *, exchange: str) -> Finding:
    """Nothing at all came to this socket."""
    for event in events:
        if event.exchange == exchange and event.kind is Kind.RECEIVED:
            what = event.facts.get("method") or f"{len(event.data)} bytes"
            return fails(f"{exchange}: {what} came to an address that nobody but the sender named", event.seq)
    return holds(f"{exchange}: nothing came")


@predicate("shown-identity")
def shown_identity(events: Events, *, exchange: str, allowed: Sequence[str], forged: Sequence[str]) -> Finding:
    """The identity that the far UE shows (the asserted one, else From) is the caller's, and none that it forged.

    A far UE shows P-Asserted-Identity where there is one (RFC 3325 section 5); without one it has only From.
    """
    event = _arrived(events, exchange)
    if event is None:
        return holds(f"{exchange}: the request with the false identity did not arrive at all")
    message = Message.parse(event.data)
    shown = message.values("P-Asserted-Identity") or [message.get("From") or ""]
    return judge_shown(event, shown, allowed, forged)


@predicate("planted-absent")
def planted_absent(events: Events, *, exchange: str, planted: Sequence[Sequence[str]]) -> Finding:
    """None of the header fields that the caller planted arrives with what the caller wrote into it."""
    event = _arrived(events, exchange)
    if event is None:
        return holds(f"{exchange}: the request with the planted headers did not arrive at all")
    message = Message.parse(event.data)
    shown = [name for name, value in planted if any(value.lower() in one.lower() for one in message.get_all(name))]
    if shown:
        return fails(f"{exchange}: the far UE was given the caller's own {', '.join(shown)}", event.seq)
    return holds(f"{exchange}: none of the caller's {', '.join(name for name, _ in planted)} arrived", event.seq)


@predicate("anonymous-sender")
def anonymous_sender(events: Events, *, actor: str, method: str) -> Finding:
    """From of the request that an AS sent is Anonymous with the Anonymous User Identity (TS 24.229 5.7.3)."""
    event = next((e for e in events if _is_request(e) and e.actor == actor and e.facts.get("method") == method), None)
    if event is None:
        return unknown(f"no {method} of the AS came to {actor}")
    sender = Message.parse(event.data).get("From") or ""
    try:
        address = parse_name_addr(sender)
    except SipSyntaxError:
        return fails(f"From of the {method} cannot be read: {sender[:80]}", event.seq)
    sentence = f"From of the {method} is {sender.partition(';tag')[0][:120]}"
    named = (address.display or "").strip('"').lower() == "anonymous"
    if named and _uri(sender) == "sip:anonymous@anonymous.invalid":
        return holds(sentence, event.seq)
    return fails(f'{sentence}, expected "Anonymous" <sip:anonymous@anonymous.invalid>', event.seq)


@predicate("hops-limited")
def hops_limited(events: Events, *, actor: str, method: str, most: int) -> Finding:
    """One request made no more than so many requests come to an actor."""
    came = [e.seq for e in _requests(events, actor, method)]
    sentence = f"{len(came)} {method} came to {actor} for one that was sent"
    return holds(sentence, *came[:most]) if len(came) <= most else fails(f"{sentence}, at most {most} expected", *came)


@predicate("not-multiplied")
def not_multiplied(events: Events, *, actors: Sequence[str], method: str, after: int, most: int) -> Finding:
    """One request, sent after event ``after``, made no more than so many requests at all of these actors together."""
    came = [e.seq for actor in actors for e in _requests(events, actor, method) if e.seq > after]
    sentence = f"{len(came)} {method} came to {' and '.join(actors)} for one that was sent"
    told = sorted(came)[: most + 1]
    return holds(sentence, *told) if len(came) <= most else fails(f"{sentence}, at most {most} expected", *told)


@predicate("one-at-a-time")
def one_at_a_time(events: Events, *, actors: Sequence[str], method: str, after: int, exchange: str = "") -> Finding:
    """Of several contacts, at most one was sent this request since event ``after``, none of which was answered.

    A server may also refuse what may not be spread as far as it wants to (440, RFC 5393 section 5.3.3.1): ``exchange``.
    """
    came = {actor: [e.seq for e in _requests(events, actor, method) if e.seq > after] for actor in actors}
    reached = {actor: seqs for actor, seqs in came.items() if seqs}
    if not reached:
        refused = effect(events, exchange)
        told = f"{method} came to none of {', '.join(actors)}; it {refused.how}"
        return holds(told, refused.event) if refused.status == BREADTH_EXCEEDED else unknown(told)
    first = [seqs[0] for seqs in reached.values()]
    sentence = f"{method} came to {' and '.join(sorted(reached))} while none of them had answered"
    return (
        fails(sentence, *first) if len(reached) > 1 else holds(f"{method} came to {next(iter(reached))} alone", *first)
    )


@predicate("session-bearable")
def session_bearable(events: Events, *, exchange: str, least: int) -> Finding:
    """The INVITE as it arrived asks for no refreshes more often than this many seconds (RFC 4028 section 4)."""
    event = _arrived(events, exchange)
    if event is None:
        return unknown(f"{exchange}: no request arrived")
    message = Message.parse(event.data)
    text = (message.get("Session-Expires") or message.get("x") or "").partition(";")[0].strip()
    seconds = int(text) if text.isascii() and text.isdigit() else None
    if seconds is not None and seconds < least:
        return fails(f"{exchange}: arrived with a session of {seconds} s, at least {least} s expected", event.seq)
    told = "no session interval" if seconds is None else f"a session of {seconds} s"
    return holds(f"{exchange}: arrived with {told}", event.seq)


def _requests(events: Events, actor: str, method: str) -> Iterator[Event]:
    return (e for e in events if _is_request(e) and e.actor == actor and e.facts.get("method") == method)


def _is_request(event: Event) -> bool:
    return event.kind is Kind.RECEIVED and event.facts.get("sip") == "request"


def _arrived(events: Events, exchange: str) -> Event | None:
    return next((event for event in events if event.exchange == exchange and _is_request(event)), None)


def _uri(value: str) -> str:
    try:
        text = str(parse_name_addr(value).uri)
    except (SipSyntaxError, ValueError):
        text = value
    return text.strip("<> ").split(";")[0].lower()


def _tag(value: str | None) -> str:
    try:
        return parse_name_addr(value or "").tag or ""
    except SipSyntaxError:
        return ""
