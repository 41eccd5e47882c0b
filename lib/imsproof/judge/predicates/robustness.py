"""What became of malformed messages: were good ones processed, was nothing passed on, reflected, or slowed down?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sdp import Sdp, SdpSyntaxError
from imsproof.codec.sip import Message, SipSyntaxError, StreamFramer
from imsproof.judge.effect import FINAL, Result, effect, final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.seams import Event, Events

NANO = 1e9


@predicate("processed")
def processed(events: Events, *, exchange: str, wrong: Sequence[int]) -> Finding:
    """The lab took a message for well formed: it answered, and not with a status that blames the message's form."""
    own = of_exchange(events, exchange)
    answer = final_answer(own)
    if answer is None:
        answer = next((e for e in own if e.kind is Kind.RECEIVED and isinstance(e.facts.get("status"), int)), None)
    if answer is None:
        seen = effect(events, exchange)
        return fails(f"{exchange}: a valid message was not taken: the lab {seen.how}", seen.event)
    status = int(answer.facts["status"])
    if status in set(wrong):
        return fails(f"{exchange}: a valid message was refused as malformed ({status})", answer.seq)
    return holds(f"{exchange}: a valid message was processed ({status})", answer.seq)


@predicate("stray-not-answered")
def stray_not_answered(events: Events, *, exchange: str) -> Finding:
    """Nothing came back."""
    own = of_exchange(events, exchange)
    came = next((e for e in own if e.kind is Kind.RECEIVED), None)
    if came is not None:
        return fails(f"{exchange}: something came back, where nothing is to be answered", came.seq)
    if not any(e.kind is Kind.SENT for e in own):
        return unknown(f"{exchange}: nothing was sent")
    return holds(f"{exchange}: nothing came back", own[-1].seq)


@predicate("not-reflected")
def not_reflected(events: Events, *, exchange: str, marker: str) -> Finding:
    """What came back does not repeat a mark that stood in a place which answers do not copy."""
    wanted = marker.encode()
    came = [e for e in of_exchange(events, exchange) if e.kind is Kind.RECEIVED]
    for event in came:
        if wanted in event.data:
            return fails(f"{exchange}: the answer repeats {marker}, which an answer does not copy", event.seq)
    return holds(f"{exchange}: {'no answer repeats' if came else 'nothing came back that could repeat'} {marker}")


@predicate("not-slower")
def not_slower(events: Events, *, exchange: str, reference: str, factor: float, floor: float) -> Finding:
    """A request is answered nearly as fast as before: in ``floor`` seconds or ``factor`` times the reference."""
    before, now = _latency(events, reference), _latency(events, exchange)
    if before is None:
        return unknown(f"{reference}: not answered, so nothing can be compared")
    if now is None:
        return fails(f"{exchange}: not answered any more; before it took {before * 1000:.0f} ms")
    limit = max(floor, factor * before)
    sentence = f"{exchange}: answered after {now * 1000:.0f} ms, before it took {before * 1000:.0f} ms"
    return holds(sentence) if now <= limit else fails(f"{sentence}; at most {limit:.1f} s were expected")


def _latency(events: Events, exchange: str) -> float | None:
    own = of_exchange(events, exchange)
    sent = next((e.mono_ns for e in own if e.kind is Kind.SENT), None)
    came = next((e.mono_ns for e in own if e.kind is Kind.RECEIVED), None)
    return None if sent is None or came is None else (came - sent) / NANO


def _messages(data: bytes) -> Iterator[Message]:
    try:
        parts = StreamFramer(1 << 24).feed(data)
    except SipSyntaxError:
        parts = [data]
    for part in parts:
        try:
            yield Message.parse(part)
        except SipSyntaxError:
            continue


def _answers(events: Events, exchange: str) -> Iterator[tuple[str, int, Event]]:
    """Call-ID and status of each response in a conversation, also of several that came in one piece."""
    for event in of_exchange(events, exchange):
        if event.kind is Kind.RECEIVED:
            for message in _messages(event.data):
                if not message.is_request:
                    yield message.get("Call-ID") or "", message.status, event


@predicate("all-answered")
def all_answered(events: Events, *, exchange: str, call_ids: Sequence[str], wrong: Sequence[int]) -> Finding:
    """Each request of a stream has a final answer of its own, and none is blamed for its form."""
    found = {call_id: (status, event) for call_id, status, event in _answers(events, exchange) if status >= FINAL}
    for number, call_id in enumerate(call_ids, 1):
        if call_id not in found:
            return fails(f"{exchange}: message {number} of {len(call_ids)} on the connection was not answered")
        status, event = found[call_id]
        if status in set(wrong):
            return fails(f"{exchange}: message {number} on the connection was refused ({status})", event.seq)
    return holds(f"{exchange}: each of {len(call_ids)} messages was answered", *(e.seq for _, e in found.values()))


@predicate("next-understood")
def next_understood(events: Events, *, exchange: str, call_id: str, wrong: Sequence[int]) -> Finding:
    """The request behind a malformed one was answered as a good one, or the lab closed the connection."""
    for answered, status, event in _answers(events, exchange):
        if answered == call_id and status >= FINAL:
            if status in set(wrong):
                return fails(f"{exchange}: the good request behind it was refused ({status})", event.seq)
            return holds(f"{exchange}: the good request behind it was answered ({status})", event.seq)
    own = of_exchange(events, exchange)
    closed = next((e for e in own if e.kind is Kind.CLOSED and e.facts.get("by") == "lab"), None)
    if closed is not None:
        return holds(f"{exchange}: the lab closed the connection", closed.seq)
    if not any(e.kind is Kind.SENT for e in own):
        return unknown(f"{exchange}: nothing was sent")
    return fails(f"{exchange}: the good request behind it was not answered, on a connection that stayed open")


@predicate("none-served")
def none_served(events: Events, *, exchange: str, call_ids: Sequence[str], accept: Sequence[int]) -> Finding:
    """No request of these Call-IDs was served."""
    for call_id, status, event in _answers(events, exchange):
        if call_id in call_ids and status in set(accept):
            return fails(f"{exchange}: a request that stood inside another's body was served ({status})", event.seq)
    return holds(f"{exchange}: what stood inside a body was not served as a request")


@predicate("mark-not-arrived")
def mark_not_arrived(events: Events, *, actor: str, marker: str) -> Finding:
    """Nothing with this mark reached another user agent."""
    wanted = marker.encode()
    for event in events:
        if event.actor == actor and event.kind is Kind.RECEIVED and wanted in event.data:
            return fails(f"what had to be stopped was passed on to {actor}", event.seq)
    return holds(f"nothing of it reached {actor}")


@predicate("mark-arrived")
def mark_arrived(events: Events, *, actor: str, marker: str) -> Finding:
    """Something with this mark reached another user agent."""
    wanted = marker.encode()
    for event in events:
        if event.actor == actor and event.kind is Kind.RECEIVED and wanted in event.data:
            return holds(f"it reached {actor}", event.seq)
    return fails(f"nothing of it reached {actor}")


@predicate("medium-taken")
def medium_taken(events: Events, *, exchange: str, medium: str) -> Finding:
    """A call was accepted with this medium."""
    taken, how, seq = _medium(events, exchange, medium)
    return holds(how, seq) if taken else fails(how, seq)


@predicate("medium-not-taken")
def medium_not_taken(events: Events, *, exchange: str, medium: str) -> Finding:
    """A call was not accepted with this medium: refused, not answered, or accepted with the medium's port at 0."""
    taken, how, seq = _medium(events, exchange, medium)
    return fails(how, seq) if taken else holds(how, seq)


def _medium(events: Events, exchange: str, medium: str) -> tuple[bool, str, int]:
    seen = effect(events, exchange)
    answer = final_answer(of_exchange(events, exchange))
    if answer is None or seen.result is not Result.ACCEPTED:
        return False, f"{exchange}: the lab {seen.how}", seen.event
    try:
        sections = Sdp.parse(Message.parse(answer.data).body).media
    except (SdpSyntaxError, SipSyntaxError):
        return False, f"{exchange}: accepted without a session description", answer.seq
    taken = any(section.kind == medium and section.port > 0 for section in sections)
    return taken, f"{exchange}: accepted {'with' if taken else 'without'} {medium}", answer.seq
