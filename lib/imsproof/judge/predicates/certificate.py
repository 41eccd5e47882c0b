"""The lab's certificate in DTLS, and how it fits what the lab's session description says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imsproof.codec.sdp import Fingerprint, SdpSyntaxError, effective
from imsproof.judge.effect import effect, of_exchange
from imsproof.judge.predicates.sdp import description
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Events, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.codec.sdp import MediaSection, Sdp

MIN_BITS = {"RSA": 2048, "EC": 256, "Ed25519": 256, "Ed448": 448}
GOOD_SIGNATURES = {"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"}
CHANNEL = "application"
WEAK_HASHES = {"md2", "md5"}
STRONG_HASHES = {"sha-256", "sha-384", "sha-512"}
TLS_ID = re.compile(r"[A-Za-z0-9+/_-]{20,255}")
FEW = 12
"""Characters: two random values of 20 or more, in whatever alphabet, hardly ever differ in fewer."""


def guessable(value: str, other: str) -> bool:
    """Whether a value that should be random is another one but for a few characters, as counters and clocks are."""
    return abs(len(value) - len(other)) + sum(a != b for a, b in zip(value, other, strict=False)) < FEW


def _handshake(events: Events, exchange: str) -> Event | None:
    own = of_exchange(events, exchange)
    return next((event for event in own if event.kind is Kind.HANDSHAKE and event.transport == "dtls"), None)


@predicate("certificate-strength")
def certificate_strength(events: Events, *, exchange: str) -> Finding:
    """The lab's certificate has a key and a signature of today's strength (TS 33.210 clause 6.2)."""
    done = _handshake(events, exchange)
    if done is None:
        return unknown(f"{exchange}: no handshake was completed, so no certificate was seen")
    kind, bits = str(done.facts.get("peer_key", "")), int(done.facts.get("peer_key_bits", 0))
    signature = str(done.facts.get("peer_signature", ""))
    sentence = (
        f"{exchange}: the lab's certificate has {kind or 'no'} key of {bits} bits, signed with {signature or '?'}"
    )
    if kind not in MIN_BITS:
        return unknown(sentence, done.seq) if bits == 0 else fails(f"{sentence}: an unusual kind of key", done.seq)
    if bits < MIN_BITS[kind]:
        return fails(f"{sentence}; at least {MIN_BITS[kind]} bits are expected", done.seq)
    if signature and signature not in GOOD_SIGNATURES:
        return fails(f"{sentence}; SHA-256 or better is expected", done.seq)
    return holds(sentence, done.seq)


def _answer(events: Events, exchange: str, media: str = CHANNEL) -> tuple[Event, Sdp, MediaSection] | None:
    """The last session description that the lab sent in an exchange, with a data channel (or audio) that it took."""
    for event in reversed(of_exchange(events, exchange)):
        if event.kind is not Kind.RECEIVED:
            continue
        sdp = description(event)
        if sdp is None:
            continue
        section = sdp.data_channel() if media == CHANNEL else sdp.first(media)
        if section is not None and section.port > 0:
            return event, sdp, section
    return None


def _announced(sdp: Sdp, section: MediaSection) -> list[Fingerprint]:
    values = section.attrs("fingerprint") or sdp.session.attrs("fingerprint")
    found = []
    for value in values:
        try:
            found.append(Fingerprint.parse(value))
        except SdpSyntaxError:
            continue
    return found


@predicate("certificate-announced")
def certificate_announced(events: Events, *, exchange: str, answer: str, media: str = CHANNEL) -> Finding:
    """The certificate that the lab shows in DTLS is one whose fingerprint stands in its answer (RFC 8122)."""
    done, told = _handshake(events, exchange), _answer(events, answer, media)
    if told is None:
        return unknown(f"{answer}: the lab's answer is no session description with {media}")
    if done is None:
        return unknown(f"{exchange}: no handshake was completed: the lab {effect(events, exchange).how}")
    shown = {str(k).lower(): str(v) for k, v in dict(done.facts.get("peer_fingerprints", {})).items()}
    announced = _announced(told[1], told[2])
    if not announced:
        return fails(f"{answer}: the answer announces no fingerprint", told[0].seq)
    known = [one for one in announced if one.hash.lower() in shown]
    if not known:
        return unknown(f"{answer}: only hashes that are not known here: {', '.join(o.hash for o in announced)}")
    strong = [one for one in known if one.hash.lower() in STRONG_HASHES]  # beside them the weak ones count for nothing
    if any(shown[one.hash.lower()] == one.value for one in strong or known):
        return holds(f"{exchange}: the certificate is the one that {answer} announces", told[0].seq, done.seq)
    weak = next((f", though its {one.hash} is right" for one in known if shown[one.hash.lower()] == one.value), "")
    return fails(f"{exchange}: the certificate is none of those that {answer} announces{weak}", told[0].seq, done.seq)


@predicate("answer-hash")
def answer_hash(events: Events, *, exchange: str) -> Finding:
    """The answer announces a fingerprint with SHA-256 or better, and none with MD5 (RFC 8122 section 5)."""
    told = _answer(events, exchange)
    if told is None:
        return unknown(f"{exchange}: the lab's answer is no session description with a data channel")
    hashes = [one.hash.lower() for one in _announced(told[1], told[2])]
    sentence = f"{exchange}: the answer's fingerprints use {', '.join(hashes) or 'nothing'}"
    if WEAK_HASHES & set(hashes) or not STRONG_HASHES & set(hashes):
        return fails(f"{sentence}; one with SHA-256 or better is expected, and none with MD5", told[0].seq)
    return holds(sentence, told[0].seq)


@predicate("answer-setup")
def answer_setup(events: Events, *, exchange: str, allowed: Sequence[str], media: str = CHANNEL) -> Finding:
    """The answer's setup role fits the offer's (RFC 8842 section 5.3, RFC 4145 section 4.1)."""
    told = _answer(events, exchange, media)
    if told is None:
        return unknown(f"{exchange}: the lab's answer is no session description with {media}")
    setup = (effective(told[1], "setup", told[2]) or "").strip().lower()
    sentence = f"{exchange}: the answer says a=setup:{setup or '(nothing)'}, expected {' or '.join(allowed)}"
    return holds(sentence, told[0].seq) if setup in set(allowed) else fails(sentence, told[0].seq)


@predicate("tls-id-formed")
def tls_id_formed(events: Events, *, exchange: str) -> Finding:
    """A tls-id in the answer has 20 to 255 characters of those allowed (RFC 8842 section 4)."""
    told = _answer(events, exchange)
    if told is None:
        return unknown(f"{exchange}: the lab's answer is no session description with a data channel")
    value = (effective(told[1], "tls-id", told[2]) or "").strip()
    if not value:
        return holds(f"{exchange}: the answer has no tls-id, so none that is malformed", told[0].seq)
    if TLS_ID.fullmatch(value):
        return holds(f"{exchange}: the answer's tls-id has {len(value)} characters", told[0].seq)
    return fails(f"{exchange}: the answer's tls-id {value[:40]!r} is not 20 to 255 allowed characters", told[0].seq)


@predicate("tls-id-present")
def tls_id_present(events: Events, *, exchange: str) -> Finding:
    """The answer to an offer with a tls-id has one too (RFC 8842 section 5.3)."""
    told = _answer(events, exchange)
    if told is None:
        return unknown(f"{exchange}: the lab's answer is no session description with a data channel")
    if (effective(told[1], "tls-id", told[2]) or "").strip():
        return holds(f"{exchange}: the answer has a tls-id", told[0].seq)
    return fails(f"{exchange}: the answer to an offer with a tls-id has none", told[0].seq)


@predicate("tls-ids-differ")
def tls_ids_differ(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """Every DTLS association has a tls-id of its own, which nobody can guess from another (RFC 8842 section 4)."""
    seen: dict[str, str] = {}
    for exchange in exchanges:
        told = _answer(events, exchange)
        if told is None:
            return unknown(f"{exchange}: the lab's answer is no session description with a data channel")
        value = (effective(told[1], "tls-id", told[2]) or "").strip()
        if value and value in seen:
            return fails(f"{exchange}: the tls-id is the one of {seen[value]}", told[0].seq)
        like = next((exchange for other, exchange in seen.items() if guessable(value, other)), "")
        if value and like:
            text = f"the tls-id is that of {like} but for a few characters; 120 bits of randomness are expected"
            return fails(f"{exchange}: {text}", told[0].seq)
        if value:
            seen[value] = exchange
    return holds(f"{len(seen)} tls-ids in {len(exchanges)} answers, all different")


@predicate("attribute-unchanged")
def attribute_unchanged(events: Events, *, sent: str, received: str, names: Sequence[str]) -> Finding:
    """Attributes of the data channel arrived at the other end as they were sent."""
    before, after = _section(events, sent, Kind.SENT), _section(events, received, Kind.RECEIVED)
    if before is None or after is None:
        missing = sent if before is None else received
        return unknown(f"{missing}: no session description with a data channel was seen")
    numbers = (before[0].seq, after[0].seq)
    for name in names:
        own, other = effective(before[1], name, before[2]), effective(after[1], name, after[2])
        if own != other:
            return fails(f"{received}: a={name}:{own} arrived as {other or 'nothing'}", *numbers)
    return holds(f"{received}: {', '.join(names)} arrived as they were sent", *numbers)


def _section(events: Events, exchange: str, kind: Kind) -> tuple[Event, Sdp, MediaSection] | None:
    for event in of_exchange(events, exchange):
        sdp = description(event) if event.kind is kind else None
        section = sdp.data_channel() if sdp is not None else None
        if sdp is not None and section is not None:
            return event, sdp, section
    return None
