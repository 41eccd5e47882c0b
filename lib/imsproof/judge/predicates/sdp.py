"""What the session descriptions say: fingerprints end to end, SDES keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sdp import Crypto, Sdp, SdpSyntaxError, effective
from imsproof.codec.sip import Message, SipSyntaxError
from imsproof.codec.srtp import suite
from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events


def description(event: Event) -> Sdp | None:
    """The session description that an event carries: as a SIP body, or bare (an offer or answer by hook)."""
    body = event.data
    if event.facts.get("sip"):
        try:
            body = Message.parse(event.data).body
        except SipSyntaxError:
            return None
    if not body.lstrip().startswith(b"v="):
        return None
    try:
        return Sdp.parse(body)
    except ValueError:
        return None


def _fingerprints(sdp: Sdp, kind: str) -> list[str]:
    found: list[str] = []
    for media in sdp.media:
        if media.kind != kind:
            continue
        own = media.attrs("fingerprint") or [v for v in [effective(sdp, "fingerprint", media)] if v]
        found.extend(" ".join(value.split()) for value in own)
    return found


def _first(events: Events, exchange: str, kind: Kind) -> tuple[Event, Sdp] | None:
    kinds = (kind, Kind.NOTE) if kind is Kind.SENT else (kind,)  # a hook notes what it hands over
    for event in of_exchange(events, exchange):
        if event.kind in kinds:
            sdp = description(event)
            if sdp is not None:
                return event, sdp
    return None


@predicate("fingerprint-unchanged")
def fingerprint_unchanged(events: Events, *, sent: str, received: str, media: str = "application") -> Finding:
    """The fingerprints that one side sent are those that the other received, bit for bit, none added or lost."""
    out, into = _first(events, sent, Kind.SENT), _first(events, received, Kind.RECEIVED)
    if out is None or into is None:
        missing = sent if out is None else received
        return unknown(f"{missing}: no session description was seen")
    before, after = _fingerprints(out[1], media), _fingerprints(into[1], media)
    if not before:
        return unknown(f"{sent}: the offer had no fingerprint", out[0].seq)
    numbers = (out[0].seq, into[0].seq)
    if not after:
        return fails(f"{received}: the fingerprint was removed on the way", *numbers)
    if before != after:
        return fails(f"{received}: the fingerprint {before[0]} arrived as {after[0]}", *numbers)
    return holds(f"{received}: the fingerprint arrived as it was sent ({before[0]})", *numbers)


@predicate("fingerprint-arrived")
def fingerprint_arrived(events: Events, *, sent: str, actor: str, media: str = "application") -> Finding:
    """The fingerprints that one side sent arrived at ``actor`` afterwards, bit for bit, none added or lost."""
    out = _first(events, sent, Kind.SENT)
    if out is None or not _fingerprints(out[1], media):
        return unknown(f"{sent}: no session description with a fingerprint was sent")
    before, last = _fingerprints(out[1], media), None
    for event in events:
        if event.seq <= out[0].seq or event.actor != actor or event.kind is not Kind.RECEIVED:
            continue
        sdp = description(event)
        if sdp is None:
            continue
        last, after = event, _fingerprints(sdp, media)
        if after == before:
            return holds(
                f"{event.exchange}: the fingerprint arrived as it was sent ({before[0]})", out[0].seq, last.seq
            )
    if last is None:
        return unknown(f"{sent}: no session description came to {actor} afterwards", out[0].seq)
    return fails(f"{last.exchange}: the fingerprint {before[0]} did not arrive as it was sent", out[0].seq, last.seq)


def _cryptos(sdp: Sdp) -> list[str]:
    """The SDES keys of a description, without their salts where they can be read."""
    return [key for media in sdp.media for value in media.attrs("crypto") for key in _keys(value)]


def _keys(crypto: str) -> list[str]:
    try:
        line = Crypto.parse(crypto)
        size = known.key_size if (known := suite(line.suite)) else None
        return [master[:size].hex() for master, _ in line.masters()]
    except SdpSyntaxError:
        inline = [part for part in crypto.split() if part.startswith("inline:")]
        return [part.removeprefix("inline:").split("|")[0] for part in inline]


@predicate("has-crypto")
def has_crypto(events: Events, *, exchange: str) -> Finding:
    """The lab's description carries an SDES key (RFC 4568)."""
    found = _first(events, exchange, Kind.RECEIVED)
    if found is None:
        return unknown(f"{exchange}: the lab sent no session description")
    if not _cryptos(found[1]):
        return fails(f"{exchange}: the lab's description carries no a=crypto", found[0].seq)
    return holds(f"{exchange}: the lab's description carries a=crypto", found[0].seq)


@predicate("sdes-keys-differ")
def sdes_keys_differ(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """No SDES key appears twice, with another salt neither: not in two calls, nor in both directions (RFC 4568)."""
    seen: dict[str, tuple[str, int]] = {}
    answers = 0
    for exchange in exchanges:
        for kind in (Kind.SENT, Kind.RECEIVED):
            found = _first(events, exchange, kind)
            if found is None:
                continue
            answers += kind is Kind.RECEIVED and bool(_cryptos(found[1]))
            for key in _cryptos(found[1]):
                where = f"{exchange} ({'offer' if kind is Kind.SENT else 'answer'})"
                if key in seen:
                    return fails(f"one SDES key stands in {seen[key][0]} and in {where}", seen[key][1], found[0].seq)
                seen[key] = (where, found[0].seq)
    if answers < len(exchanges):
        return unknown(f"only {answers} of {len(exchanges)} calls were answered with an SDES key")
    return holds(f"{len(seen)} SDES keys in {len(exchanges)} calls, all different", *(n for _, n in seen.values()))
