"""Whether an association of data channels lives, what it answers, and what it must not answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec.dcep import DATA_CHANNEL_ACK, PPID_DCEP
from imsproof.codec.dtls import SERVER_HELLO, TlsSyntaxError, handshakes, split_records
from imsproof.codec.sctp import Packet, SctpSyntaxError
from imsproof.codec.tlshello import APPLICATION_DATA, HANDSHAKE
from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

ACK = "HEARTBEAT_ACK"


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
    found = no_chunk(events, exchange=exchange, chunks=chunks)
    turned = {Outcome.HOLDS: Outcome.FAILS, Outcome.FAILS: Outcome.HOLDS, Outcome.UNKNOWN: Outcome.UNKNOWN}
    return replace(found, outcome=turned[found.outcome])


@predicate("message-answered")
def message_answered(events: Events, *, exchange: str) -> Finding:
    """A message came back over a data channel."""
    sent, back = _messages(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no message was sent")
    if back is None:
        return fails(f"{exchange}: no message came back", sent.seq)
    return holds(f"{exchange}: a message of {len(back.data)} bytes came back", sent.seq, back.seq)


@predicate("message-not-answered")
def message_not_answered(events: Events, *, exchange: str) -> Finding:
    """No message came back over any data channel: what was sent was not taken for a request."""
    sent, back = _messages(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no message was sent")
    if back is not None:
        stream = back.facts.get("stream")
        return fails(
            f"{exchange}: a message of {len(back.data)} bytes came back on stream {stream}", sent.seq, back.seq
        )
    return holds(f"{exchange}: no message came back", sent.seq)


def _messages(events: Events, exchange: str) -> tuple[Event | None, Event | None]:
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT and "ppid" in event.facts), None)
    back = next((event for event in own if event.kind is Kind.RECEIVED and "ppid" in event.facts), None)
    return sent, back


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


@predicate("no-alert")
def no_alert(events: Events, *, exchange: str) -> Finding:
    """No fatal alert reached the peer in this conversation."""
    own = of_exchange(events, exchange)
    if not own:
        return unknown(f"{exchange}: nothing was recorded")
    for event in own:
        if event.kind is Kind.ALERT and event.facts.get("level") == "fatal":
            return fails(f"{exchange}: the alert {event.facts.get('alert')} reached the peer", event.seq)
    return holds(f"{exchange}: no fatal alert reached the peer", own[-1].seq)


@predicate("not-amplified")
def not_amplified(events: Events, *, exchange: str, factor: float) -> Finding:
    """An address that proved nothing got back no more than ``factor`` times the bytes that came from it."""
    counted = next((e for e in of_exchange(events, exchange) if e.kind is Kind.COUNTED), None)
    if counted is None:
        return unknown(f"{exchange}: nothing was counted")
    sent, got = int(counted.facts["sent_bytes"]), int(counted.facts["bytes"])
    sentence = f"{exchange}: {got} bytes came back for {sent}, at most {factor:g} times is allowed"
    return holds(sentence, counted.seq) if got <= factor * sent else fails(sentence, counted.seq)


@predicate("unanswered")
def unanswered(events: Events, *, exchange: str) -> Finding:
    """Nothing came back to datagrams from an address that the session does not know."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: nothing was sent")
    back = next((event for event in own if event.kind is Kind.RECEIVED), None)
    if back is not None:
        return fails(f"{exchange}: {len(back.data)} bytes came back", sent.seq, back.seq)
    return holds(f"{exchange}: nothing came back", sent.seq)


@predicate("no-server-hello")
def no_server_hello(events: Events, *, exchange: str) -> Finding:
    """To hellos from where nobody proved to be, no more than HelloVerifyRequest was answered (RFC 6347 4.2.1)."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: nothing was sent")
    for event in own:
        if event.kind is Kind.RECEIVED and SERVER_HELLO in _handshake_types(event.data):
            return fails(f"{exchange}: a ServerHello came back", sent.seq, event.seq)
    return holds(f"{exchange}: no ServerHello came back", sent.seq)


def _handshake_types(datagram: bytes) -> set[int]:
    with suppress(TlsSyntaxError):
        clear = [one for one in split_records(datagram) if one.content_type == HANDSHAKE and one.epoch == 0]
        return {message.message_type for record in clear for message in handshakes(record.fragment)}
    return set()


@predicate("association-ended")
def association_ended(events: Events, *, exchange: str) -> Finding:
    """The association no longer answers: it ended with what it belonged to."""
    sent, answers = _answers(events, exchange)
    if sent is None:
        return unknown(f"{exchange}: no HEARTBEAT was tried")
    if answers:
        return fails(f"{exchange}: the association still answers", sent.seq, answers[0].seq)
    return holds(f"{exchange}: the association answers no more ({effect(events, exchange).how})", sent.seq)


@predicate("no-session")
def no_session(events: Events, *, exchange: str) -> Finding:
    """No DTLS session came up that the lab goes on with: it refused, or ended it at once.

    A client may see its handshake complete before the server has judged its certificate; then what the lab says right
    after (an alert, a close) decides.
    """
    own = of_exchange(events, exchange)
    done = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "dtls"), None)
    if done is None:
        seen = effect(events, exchange)
        if seen.result is Result.UNKNOWN:
            return unknown(f"{exchange}: the lab {seen.how}", seen.event)
        return holds(f"{exchange}: no session: the lab {seen.how}", seen.event)
    for event in own:
        if event.seq > done.seq and event.kind in (Kind.ALERT, Kind.CLOSED) and event.facts.get("by") != "tester":
            return holds(f"{exchange}: the lab ended the session at once", done.seq, event.seq)
    return fails(f"{exchange}: the lab completed the handshake ({done.facts.get('version')})", done.seq)


@predicate("no-clear-sctp")
def no_clear_sctp(events: Events, *, exchange: str) -> Finding:
    """No SCTP came back in clear, bare or in a DTLS record of epoch 0."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: nothing was sent")
    for event in own:
        if event.kind is Kind.RECEIVED and (chunks := _clear_chunks(event.data)):
            return fails(f"{exchange}: SCTP came back in clear: {', '.join(chunks)}", sent.seq, event.seq)
    return holds(f"{exchange}: no SCTP came back in clear", sent.seq)


def _clear_chunks(datagram: bytes) -> list[str]:
    """Names of the SCTP chunks that stand in clear in a datagram."""
    found = []
    for packet in (datagram, *_clear_data(datagram)):
        with suppress(SctpSyntaxError):
            parsed = Packet.parse(packet)
            if parsed.checksum_right:
                found += [chunk.name for chunk in parsed.chunks]
    return found


def _clear_data(datagram: bytes) -> list[bytes]:
    try:
        records = split_records(datagram)
    except TlsSyntaxError:
        return []
    return [one.fragment for one in records if one.content_type == APPLICATION_DATA and one.epoch == 0]


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
    """While the peer listened without asking, no message came over a data channel."""
    own = of_exchange(events, exchange)
    if not own:
        return unknown(f"{exchange}: nobody listened")
    came = next((event for event in own if event.kind is Kind.RECEIVED and "ppid" in event.facts), None)
    if came is not None:
        return fails(f"{exchange}: a message of {len(came.data)} bytes came that nobody asked for here", came.seq)
    return holds(f"{exchange}: nothing came unasked", own[-1].seq)
