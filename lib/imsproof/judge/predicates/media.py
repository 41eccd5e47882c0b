"""What happened on the media plane: associations, channels, packets that arrived or did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.predicates.sdp import description
from imsproof.judge.predicates.srtp import MARKED, holding
from imsproof.judge.registry import Finding, fails, holds, opposite, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.seams import Events

BUSY = (429, 486, 503, 600)
"""Statuses of who is busy, overloaded or away (RFC 3261 section 21, RFC 9110 section 15)."""


@predicate("association-up")
def association_up(events: Events, *, exchange: str) -> Finding:
    """DTLS completed and the SCTP association inside it came up."""
    own = of_exchange(events, exchange)
    up = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "sctp"), None)
    if up is not None:
        return holds(f"{exchange}: the SCTP association came up inside DTLS", up.seq)
    dtls = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "dtls"), None)
    if dtls is not None:
        return fails(f"{exchange}: DTLS completed, but no SCTP association came up", dtls.seq)
    seen = effect(events, exchange)
    return fails(f"{exchange}: no association: the lab {seen.how}", seen.event)


@predicate("no-association")
def no_association(events: Events, *, exchange: str) -> Finding:
    """No SCTP association came up, so nothing was given to the peer that should not have been trusted."""
    own = of_exchange(events, exchange)
    if not any(event.kind is Kind.SENT for event in own):
        return unknown(f"{exchange}: nothing was tried")
    up = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "sctp"), None)
    if up is not None:
        return fails(f"{exchange}: the SCTP association came up", up.seq)
    dtls = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "dtls"), None)
    if dtls is not None:
        return holds(f"{exchange}: DTLS completed, but the lab did not go on to SCTP", dtls.seq)
    seen = effect(events, exchange)
    return holds(f"{exchange}: no association: the lab {seen.how}", seen.event)


@predicate("no-data-channel")
def no_data_channel(events: Events, *, exchange: str) -> Finding:
    """The lab gave no data channel: it refused the offer, or the media line in it."""
    seen = effect(events, exchange)
    if seen.status in BUSY:
        return unknown(
            f"{exchange}: the lab {seen.how}: it may be busy, which says nothing of what was offered", seen.event
        )
    if seen.result in {Result.REFUSED, Result.SILENT}:
        return holds(f"{exchange}: the lab {seen.how}", seen.event)
    answered = [event for event in of_exchange(events, exchange) if event.kind is Kind.RECEIVED]
    for event in reversed(answered):
        sdp = description(event)
        if sdp is None:
            continue
        section = sdp.data_channel()
        if section is None or section.port == 0:
            return holds(f"{exchange}: the data channel was refused in the answer", event.seq)
        return fails(f"{exchange}: the lab gave a data channel at port {section.port}", event.seq)
    return unknown(f"{exchange}: the lab {seen.how}, and no session description was seen", seen.event)


@predicate("no-data-channel-offered")
def no_data_channel_offered(events: Events, *, sent: str, actor: str) -> Finding:
    """After what was sent, no data channel was offered to ``actor``, at the other end."""
    out = next((event for event in of_exchange(events, sent) if event.kind is Kind.SENT), None)
    if out is None:
        return unknown(f"{sent}: nothing was sent")
    for event in events:
        if event.seq <= out.seq or event.actor != actor or event.kind is not Kind.RECEIVED:
            continue
        sdp = description(event)
        section = sdp.data_channel() if sdp is not None else None
        if section is not None and section.port > 0:
            return fails(f"{event.exchange}: the data channel was offered to the other end", out.seq, event.seq)
    return holds(f"{sent}: no data channel was offered to the other end", out.seq)


@predicate("gives-data-channel")
def gives_data_channel(events: Events, *, exchange: str) -> Finding:
    """The lab took the offer of a data channel."""
    return opposite(no_data_channel(events, exchange=exchange))


@predicate("payload-arrived")
def payload_arrived(events: Events, *, exchange: str, payload: str, what: str = MARKED) -> Finding:
    """A packet with this payload (base64) arrived in this conversation; ``what`` says to people which one it is."""
    event = _with_payload(events, exchange, payload)
    if event:
        return holds(f"{exchange}: {what} arrived", event)
    return fails(f"{exchange}: {what} did not arrive")


@predicate("payload-not-arrived")
def payload_not_arrived(events: Events, *, exchange: str, payload: str, what: str = MARKED) -> Finding:
    """No packet with this payload (base64) arrived in this conversation."""
    event = _with_payload(events, exchange, payload)
    if event:
        return fails(f"{exchange}: {what} arrived", event)
    return holds(f"{exchange}: {what} did not arrive")


def _with_payload(events: Events, exchange: str, payload: str) -> int:
    found = holding(events, exchange, payload)
    return found[0].seq if found else 0
