"""Protected media: what the lab let through, and what it sent itself, as the opened packets show."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from imsproof.seams import Events


MARKED = "the marked packet"


def _came(events: Events, exchange: str, *, reports: bool) -> list[Event]:
    """Packets that came in this conversation: media, or reports."""
    own = (event for event in of_exchange(events, exchange) if event.kind is Kind.RECEIVED)
    return [event for event in own if event.transport == "rtp" and bool(event.facts.get("rtcp")) is reports]


def holding(events: Events, exchange: str, payload: str) -> list[Event]:
    """Packets that came with this payload (base64), in clear or inside a packet that was opened."""
    wanted = base64.b64decode(payload)
    found = []
    for event in of_exchange(events, exchange):
        opened = base64.b64decode(event.facts.get("payload") or "")
        if event.kind is Kind.RECEIVED and (wanted in event.data or wanted in opened):
            found.append(event)
    return found


@predicate("srtp-profile")
def srtp_profile(events: Events, *, exchange: str, profile: str) -> Finding:
    """The DTLS handshake agreed on this profile of use_srtp, by OpenSSL's name (RFC 5764 section 4.1)."""
    own = of_exchange(events, exchange)
    done = next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "dtls"), None)
    if done is None:
        return fails(f"{exchange}: no DTLS handshake was completed")
    agreed = done.facts.get("srtp")
    if agreed != profile:
        return fails(f"{exchange}: DTLS agreed on {agreed or 'no profile'} of use_srtp, not on {profile}", done.seq)
    return holds(f"{exchange}: DTLS agreed on {profile}", done.seq)


@predicate("payload-arrived-once")
def payload_arrived_once(events: Events, *, exchange: str, payload: str, what: str = MARKED) -> Finding:
    """Exactly one packet with this payload (base64) arrived, however often it was sent."""
    found = [event.seq for event in holding(events, exchange, payload)]
    if not found:
        return unknown(f"{exchange}: {what} did not arrive at all")
    if len(found) > 1:
        return fails(f"{exchange}: {what} arrived {len(found)} times", *found[:8])
    return holds(f"{exchange}: {what} arrived once", *found)


@predicate("media-protected")
def media_protected(events: Events, *, exchange: str, least: int = 1) -> Finding:
    """Every media packet that the lab sent is authentic under the agreed key; there were at least so many.

    One that came before a DTLS handshake was over is looked into afterwards (a note with ``early``).
    """
    for event in of_exchange(events, exchange):
        if event.facts.get("early") and event.facts.get("authentic") is False:
            name = f"SSRC {event.facts.get('ssrc')}, number {event.facts.get('seq')}"
            told = f"before the handshake was over the lab sent a packet ({name}) that is not authentic under its keys"
            return fails(f"{exchange}: {told}", event.seq)
    came = _came(events, exchange, reports=False)
    wrong = next((event for event in came if event.facts.get("authentic") is False), None)
    if wrong is not None:
        name = f"SSRC {wrong.facts.get('ssrc')}, number {wrong.facts.get('seq')}"
        return fails(
            f"{exchange}: the lab sent a packet ({name}) that is not authentic under the agreed key", wrong.seq
        )
    sound = [event.seq for event in came if event.facts.get("authentic")]
    if len(sound) < least:
        return unknown(f"{exchange}: {len(sound)} protected packets came, at least {least} are needed")
    return holds(f"{exchange}: all {len(sound)} packets of the lab are authentic under the agreed key", *sound[:8])


@predicate("payload-not-in-clear")
def payload_not_in_clear(events: Events, *, exchange: str, payload: str) -> Finding:
    """No packet of the lab holds this payload (base64) in clear."""
    wanted = base64.b64decode(payload)
    for event in of_exchange(events, exchange):
        if event.kind is Kind.RECEIVED and wanted in event.data:
            return fails(f"{exchange}: the lab sent the marked payload in clear", event.seq)
    return holds(f"{exchange}: the marked payload did not come in clear")


@predicate("keystream-used-once")
def keystream_used_once(events: Events, *, exchange: str, least: int = 1, reports: bool = False) -> Finding:
    """No two different packets (or reports) of the lab have one source and index under one key (RFC 3711 9.1)."""
    seen: dict[tuple[object, object], Event] = {}
    for event in _came(events, exchange, reports=reports):
        if not event.facts.get("authentic"):
            continue
        place = (event.facts.get("ssrc"), event.facts.get("index"))
        first = seen.setdefault(place, event)
        if first.data != event.data:
            told = f"SSRC {place[0]}, index {place[1]}"
            return fails(f"{exchange}: two different packets under one keystream ({told})", first.seq, event.seq)
    if len(seen) < least:
        return unknown(f"{exchange}: {len(seen)} protected packets came, at least {least} are needed")
    return holds(f"{exchange}: {len(seen)} packets, each with an index of its own")


@predicate("rollover-right")
def rollover_right(events: Events, *, exchange: str, payload: str) -> Finding:
    """The packet with this payload (base64) is protected with the rollover counter that is due (RFC 3711 3.3.1)."""
    found = holding(events, exchange, payload)
    if not found:
        return fails(f"{exchange}: the marked packet did not come, or could not be opened with any counter near")
    roc, due = found[0].facts.get("roc"), found[0].facts.get("expected_roc")
    if roc != due:
        return fails(f"{exchange}: the marked packet has the rollover counter {roc}, due is {due}", found[0].seq)
    return holds(f"{exchange}: the marked packet has the rollover counter {roc} that is due", found[0].seq)


@predicate("reports-protected")
def reports_protected(events: Events, *, exchange: str, least: int = 1) -> Finding:
    """Every RTCP packet that the lab sent is authentic under the agreed key, and encrypted; at least so many came."""
    came = _came(events, exchange, reports=True)
    for event in came:
        if event.facts.get("authentic") is False:
            return fails(f"{exchange}: the lab sent an RTCP packet that is not authentic", event.seq)
        if event.facts.get("authentic") and not event.facts.get("encrypted"):
            return fails(f"{exchange}: the lab sent an RTCP packet that is not encrypted (E flag 0)", event.seq)
    sound = [event.seq for event in came if event.facts.get("authentic")]
    if len(sound) < least:
        return unknown(f"{exchange}: {len(sound)} SRTCP packets came, at least {least} are needed")
    return holds(f"{exchange}: all {len(sound)} RTCP packets of the lab are authentic and encrypted", *sound[:8])


@predicate("no-media-received")
def no_media_received(events: Events, *, exchange: str, after: str = "", who: str = "") -> Finding:
    """Nothing came to this socket (after what was sent in ``after``)."""
    begun = 0
    if after:
        sent = [event.seq for event in of_exchange(events, after)]
        if not sent:
            return unknown(f"{after}: nothing was sent")
        begun = sent[-1]
    for event in of_exchange(events, exchange):
        if event.kind is Kind.RECEIVED and event.seq > begun:
            return fails(
                f"{exchange}: the lab sent {len(event.data)} bytes {f'to {who}' if who else 'there'}", event.seq
            )
    return holds(f"{exchange}: nothing came")


@predicate("numbers-not-arrived")
def numbers_not_arrived(events: Events, *, exchange: str, sent: str) -> Finding:
    """No packet arrived with source and sequence number of one that was sent in ``sent``."""
    out = [event for event in of_exchange(events, sent) if event.kind is Kind.SENT]
    if not out:
        return unknown(f"{sent}: nothing was sent")
    numbers = {(event.facts.get("ssrc"), event.facts.get("seq")): event.seq for event in out}
    for event in _came(events, exchange, reports=False):
        place = (event.facts.get("ssrc"), event.facts.get("seq"))
        if place in numbers:
            return fails(f"{exchange}: the packet number {place[1]} arrived", numbers[place], event.seq)
    return holds(f"{exchange}: none of the {len(numbers)} packets arrived")
