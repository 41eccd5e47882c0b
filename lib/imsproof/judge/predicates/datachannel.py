"""Whether an association of data channels lives, what it answers, and what it must not answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imsproof.codec.dcep import DATA_CHANNEL_ACK, PPID_DCEP
from imsproof.judge.effect import effect, of_exchange
from imsproof.judge.registry import Finding, fails, holds, opposite, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

ACK = "HEARTBEAT_ACK"
BOOTSTRAP = 0


def _answers(events: Events, exchange: str) -> tuple[Event | None, list[Event]]:
    """The HEARTBEAT that was sent in an exchange, and the acknowledgements of exactly that one."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT and event.facts.get("info")), None)
    if sent is None:
        return None, []
    return sent, [
        event
        for event in own
        if event.kind is Kind.RECEIVED and event.facts.get("chunk") == ACK and event.facts["info"] == sent.facts["info"]
    ]


@predicate("heartbeat-answered")
def heartbeat_answered(events: Events, *, exchange: str) -> Finding:
    """The SCTP association inside DTLS lives: its HEARTBEAT was acknowledged (RFC 9260 section 8.3)."""
    sent, answers = _answers(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no HEARTBEAT was sent: there was no association")
    if answers:
        return holds(f"{exchange}: the association lives: HEARTBEAT was acknowledged", sent.seq, answers[0].seq)
    gone = next((e for e in of_exchange(events, exchange) if e.kind is Kind.CLOSED), None)
    if gone is not None:
        return fails(f"{exchange}: the association is gone ({gone.facts.get('reason', 'closed')})", sent.seq, gone.seq)
    return fails(f"{exchange}: the association does not answer any more", sent.seq)


@predicate("heartbeat-not-answered")
def heartbeat_not_answered(events: Events, *, exchange: str) -> Finding:
    """A HEARTBEAT that should have been discarded was not acknowledged."""
    sent, answers = _answers(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no HEARTBEAT was sent: there was no association")
    if answers:
        return fails(f"{exchange}: the HEARTBEAT was taken and acknowledged", sent.seq, answers[0].seq)
    return holds(f"{exchange}: the HEARTBEAT was discarded", sent.seq)


@predicate("heartbeat-answered-once")
def heartbeat_answered_once(events: Events, *, exchange: str) -> Finding:
    """A HEARTBEAT whose record came several times was acknowledged once: replays were seen as such."""
    sent, answers = _answers(events, exchange)
    if sent is None or not answers:
        return unknown(f"{exchange}: the HEARTBEAT was not acknowledged at all")
    numbers = (sent.seq, *(answer.seq for answer in answers))
    if len(answers) > 1:
        return fails(f"{exchange}: the replayed HEARTBEAT was acknowledged {len(answers)} times", *numbers)
    return holds(f"{exchange}: the replayed HEARTBEAT was acknowledged once", *numbers)


@predicate("no-chunk")
def no_chunk(events: Events, *, exchange: str, chunks: Sequence[str]) -> Finding:
    """None of these SCTP chunks came in answer."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: nothing was sent")
    for event in own:
        if event.kind is Kind.RECEIVED and event.facts.get("chunk") in set(chunks):
            return fails(f"{exchange}: answered with {event.facts['chunk']}", sent.seq, event.seq)
    return holds(f"{exchange}: no {' or '.join(chunks)} came", sent.seq)


@predicate("chunk-came")
def chunk_came(events: Events, *, exchange: str, chunks: Sequence[str]) -> Finding:
    """One of these SCTP chunks came in answer."""
    return opposite(no_chunk(events, exchange=exchange, chunks=chunks))


@predicate("message-answered")
def message_answered(events: Events, *, exchange: str) -> Finding:
    """A message came back on the channel of one that was sent."""
    sent, back = _messages(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no message was sent")
    if back is None:
        return fails(f"{exchange}: no message came back", sent.seq)
    told = f"a message of {len(back.data)} bytes came back on stream {back.facts.get('stream')}"
    return holds(f"{exchange}: {told}", sent.seq, back.seq)


@predicate("message-not-answered")
def message_not_answered(events: Events, *, exchange: str) -> Finding:
    """Nothing came back over any data channel but an HTTP error, or what a peer opens: it was taken for no request."""
    sent, _ = _messages(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no message was sent")
    for event in of_exchange(events, exchange):
        if event.kind is Kind.RECEIVED and event.facts.get("ppid", PPID_DCEP) != PPID_DCEP and _serves(event.data):
            told = f"a message of {len(event.data)} bytes came back on stream {event.facts.get('stream')}"
            return fails(f"{exchange}: {told}", sent.seq, event.seq)
    return holds(f"{exchange}: nothing was served", sent.seq)


def _serves(data: bytes) -> bool:
    """Whether a message begins an HTTP answer that refuses nothing."""
    return re.match(rb"HTTP/\S+ [123]", data) is not None


def _messages(events: Events, exchange: str) -> tuple[Event | None, Event | None]:
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT and "ppid" in event.facts), None)
    stream = sent.facts.get("stream") if sent else None
    came = (event for event in own if event.kind is Kind.RECEIVED and "ppid" in event.facts)
    return sent, next((event for event in came if event.facts.get("stream") == stream), None)


@predicate("data-not-seen")
def data_not_seen(events: Events, *, exchanges: Sequence[str], sent: str) -> Finding:
    """What was sent in one conversation came out in none of the others."""
    out = next((e for e in of_exchange(events, sent) if e.kind is Kind.SENT and e.data), None)
    if out is None:
        return unknown(f"{sent}: nothing was sent that could turn up elsewhere")
    for exchange in exchanges:
        for event in of_exchange(events, exchange):
            if event.kind is Kind.RECEIVED and out.data in event.data:
                return fails(f"{exchange}: what was sent in {sent} came out here", out.seq, event.seq)
    return holds(f"what was sent in {sent} came out in none of {len(exchanges)} other conversations", out.seq)


@predicate("data-on-one-stream")
def data_on_one_stream(events: Events, *, exchange: str) -> Finding:
    """What was sent on one stream came back on no other one of the association."""
    sent, _ = _messages(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no message was sent")
    for event in of_exchange(events, exchange):
        stray = event.kind is Kind.RECEIVED and event.facts.get("stream") not in (None, sent.facts.get("stream"))
        if stray and sent.data in event.data:
            stream = event.facts.get("stream")
            return fails(f"{exchange}: what was sent on another stream came on {stream}", sent.seq, event.seq)
    return holds(f"{exchange}: what was sent on {sent.facts.get('stream')} came on no other stream", sent.seq)


@predicate("association-ended")
def association_ended(events: Events, *, exchange: str) -> Finding:
    """The association no longer answers: it ended with what it belonged to."""
    sent, answers = _answers(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no HEARTBEAT was tried")
    if answers:
        return fails(f"{exchange}: the association still answers", sent.seq, answers[0].seq)
    return holds(f"{exchange}: the association answers no more ({effect(events, exchange).how})", sent.seq)


@predicate("channel-not-opened")
def channel_not_opened(events: Events, *, exchange: str) -> Finding:
    """No DATA_CHANNEL_ACK came back (RFC 8832 section 6)."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT and event.facts.get("ppid") == PPID_DCEP), None)
    if sent is None:
        return unknown(f"{exchange}: no DATA_CHANNEL_OPEN was sent")
    for event in own:
        acknowledged = event.facts.get("ppid") == PPID_DCEP and event.data[:1] == bytes((DATA_CHANNEL_ACK,))
        if event.kind is Kind.RECEIVED and acknowledged:
            return fails(f"{exchange}: DATA_CHANNEL_ACK came back", sent.seq, event.seq)
    return holds(f"{exchange}: no DATA_CHANNEL_ACK came back", sent.seq)


@predicate("nothing-came")
def nothing_came(events: Events, *, exchange: str) -> Finding:
    """While the peer listened without asking, no message came on the bootstrap channel, nor an HTTP answer on another.

    On a channel that the lab opened by itself it may say what it likes.
    """
    own = of_exchange(events, exchange)
    if not own:
        return unknown(f"{exchange}: nobody listened")
    for event in own:
        message = event.kind is Kind.RECEIVED and event.facts.get("ppid", PPID_DCEP) != PPID_DCEP
        if message and (event.facts.get("stream") == BOOTSTRAP or event.data.startswith(b"HTTP/")):
            told = f"a message of {len(event.data)} bytes came that nobody asked for here"
            return fails(f"{exchange}: {told}", event.seq)
    return holds(f"{exchange}: nothing came unasked", own[-1].seq)
