"""Holds what a journal says besides the bytes against the bytes, against its own clocks, and against the capture's.

Facts of SIP and RTP are read from the bytes once more. Times may differ by :data:`LEEWAY`, as clocks are set and
machines stall; who moves a whole run in time has to move journal and capture alike.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imsproof.codec.rtp import RtpPacket, RtpSyntaxError
from imsproof.codec.sip import Message
from imsproof.codec.sipaddress import SipSyntaxError
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.seams import Event, Judgement

LEEWAY = 60.0
"""Seconds."""
CROSSED = {Kind.SENT, Kind.RECEIVED}


def contradictions(events: Sequence[Event]) -> Iterator[str]:
    """Yield what a journal says of its messages that their bytes do not, and where its clocks go astray."""
    for event in events:
        for name, value in _read(event).items():
            if name in event.facts and event.facts[name] != value:
                yield f"event {event.seq} says {name} {event.facts[name]!r}; its bytes say {value!r}"
    yield from _clocks(events)


def _read(event: Event) -> dict[str, Any]:
    """Return the facts that stand in the bytes of an event."""
    if event.kind not in CROSSED or not event.data:
        return {}
    if "sip" in event.facts:
        return _sip(event.data)
    if event.transport == "rtp" and "seq" in event.facts:
        return _rtp(event.data)
    return {}


def _sip(data: bytes) -> dict[str, Any]:
    try:
        message = Message.parse(data)
    except SipSyntaxError:
        return {"sip": "no message"}
    told: dict[str, Any] = {"sip": "request" if message.is_request else "response"}
    told |= {"call_id": message.get("Call-ID") or "", "cseq": message.get("CSeq") or ""}
    return told | ({"method": message.method} if message.is_request else {"status": message.status})


def _rtp(data: bytes) -> dict[str, Any]:
    try:
        packet = RtpPacket.parse(data)
    except RtpSyntaxError:
        return {}
    return {"ssrc": packet.ssrc, "seq": packet.sequence, "pt": packet.payload_type}


def _clocks(events: Sequence[Event]) -> Iterator[str]:
    """Yield where the wall clock and the monotonic one of a journal do not go together."""
    if not events:
        return
    first = events[0]
    for event in events:
        wall = (_when(event.utc) - _when(first.utc)).total_seconds()
        if abs(wall - (event.mono_ns - first.mono_ns) / 1e9) > LEEWAY:
            yield f"event {event.seq}: its two clocks do not go together ({event.utc}, {event.mono_ns} ns)"
            return


def out_of_time(events: Sequence[Event], span_ns: tuple[int, int] | None) -> str:
    """Return what is wrong with the times of what crossed, beside those of the capture; ``""`` when nothing is."""
    if span_ns is None:
        return ""
    first, last = (datetime.fromtimestamp(one / 1e9, UTC) for one in span_ns)
    for event in events:
        if event.kind in CROSSED and event.data:
            when = _when(event.utc)
            if (first - when).total_seconds() > LEEWAY or (when - last).total_seconds() > LEEWAY:
                return f"event {event.seq} is of {event.utc}; the capture goes from {first:%F %T} to {last:%F %T} UTC"
    return ""


def _when(utc: str) -> datetime:
    return datetime.fromisoformat(utc)


def on_word(judgement: Judgement, events: Sequence[Event]) -> bool:
    """Whether a judgement rests on something of which no message is the proof: the tester's word is all there is.

    Timeouts, refusals, closings, the facts of handshakes, counts and notes; also a judgement that names no event.
    """
    named = [events[number - 1] for number in judgement.events if 0 < number <= len(events)]
    return not named or any(event.kind not in CROSSED for event in named)
