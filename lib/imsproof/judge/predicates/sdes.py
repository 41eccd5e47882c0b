"""SDES in session descriptions (RFC 4568): what an answer takes of an offer, the lab's keys, and where keys get to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sdp import Crypto, SdpSyntaxError
from imsproof.codec.srtp import suite
from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.predicates.sdp import description
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.codec.sdp import MediaSection
    from imsproof.seams import Events

PLAIN = {"RTP/AVP", "RTP/AVPF"}
UNPROTECTED = ("UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP")
NOT_ACCEPTABLE = {400, 415, 488, 606}
"""Refusals of what was offered (RFC 3261 clause 21)."""
LEAST_DIFFERENT = 8
"""Different octets in a key of 16: a random one has fewer with a probability below 10^-9."""
MOST_COMMON = 8
"""Octets that two random keys of 16 may have in common at the same places; more have a probability below 10^-14."""
_KEY = 16


def _audio(events: Events, exchange: str, kind: Kind) -> tuple[Event, MediaSection] | None:
    """The last audio line that was sent, or received, in this conversation; a hook notes what it hands over."""
    kinds = (kind, Kind.NOTE) if kind is Kind.SENT else (kind,)
    for event in reversed(of_exchange(events, exchange)):
        sdp = description(event) if event.kind in kinds else None
        section = sdp.first("audio") if sdp else None
        if section is not None:
            return event, section
    return None


def _lines(section: MediaSection) -> list[Crypto]:
    found = []
    for value in section.attrs("crypto"):
        try:
            found.append(Crypto.parse(value))
        except SdpSyntaxError:
            continue
    return found


@predicate("no-audio")
def no_audio(events: Events, *, exchange: str) -> Finding:
    """The lab gave no audio: it refused the offer, or the audio line in it."""
    seen = effect(events, exchange)
    found = _audio(events, exchange, Kind.RECEIVED)
    if seen.result in {Result.REFUSED, Result.SILENT} and (found is None or seen.status is not None):
        return holds(f"{exchange}: the lab {seen.how}", seen.event)
    if found is None:
        return unknown(f"{exchange}: the lab {seen.how}, and no session description was seen", seen.event)
    event, section = found
    if section.port == 0:
        return holds(f"{exchange}: the audio line was refused in the answer", event.seq)
    return fails(f"{exchange}: the lab gave audio at port {section.port} over {section.proto}", event.seq)


@predicate("no-key-agreed")
def no_key_agreed(events: Events, *, exchange: str) -> Finding:
    """The answer agrees on no key and on no plain RTP: audio was refused, or left without a line that was offered."""
    sent, told = _audio(events, exchange, Kind.SENT), _audio(events, exchange, Kind.RECEIVED)
    seen = effect(events, exchange)
    if told is None or told[1].port == 0:
        return holds(f"{exchange}: the lab gave no audio: it {seen.how}", seen.event)
    event, section = told
    if section.proto.upper() in PLAIN:
        return fails(f"{exchange}: protected audio was answered with {section.proto}", event.seq)
    offered = {value.split()[0] for value in sent[1].attrs("crypto") if value.split()} if sent else set()
    taken = [line.tag for line in _lines(section) if str(line.tag) in offered or len(offered) == 1]
    if taken:
        return fails(f"{exchange}: the answer takes a crypto line that cannot be used (tag {taken[0]})", event.seq)
    return holds(f"{exchange}: the answer says {section.proto} and takes no crypto line", event.seq)


@predicate("gives-audio")
def gives_audio(events: Events, *, exchange: str) -> Finding:
    """The lab gave audio; one that does not answer, or refuses for other reasons than the offer, tells nothing."""
    seen, found = effect(events, exchange), _audio(events, exchange, Kind.RECEIVED)
    if found is not None and found[1].port > 0:
        return holds(f"{exchange}: the lab gave audio over {found[1].proto}", found[0].seq)
    if found is not None:
        return fails(f"{exchange}: the audio line was refused in the answer", found[0].seq)
    if seen.result is Result.REFUSED and seen.status in NOT_ACCEPTABLE:
        return fails(f"{exchange}: no audio: the lab {seen.how}", seen.event)
    return unknown(f"{exchange}: the lab {seen.how}, and no session description was seen", seen.event)


@predicate("not-downgraded")
def not_downgraded(events: Events, *, exchange: str) -> Finding:
    """Protected audio was not answered with plain RTP."""
    seen, found = effect(events, exchange), _audio(events, exchange, Kind.RECEIVED)
    if found is None:
        return holds(f"{exchange}: no plain RTP: the lab {seen.how}", seen.event)
    event, section = found
    if section.port > 0 and section.proto.upper() in PLAIN:
        return fails(f"{exchange}: protected audio was answered with {section.proto}", event.seq)
    return holds(f"{exchange}: the answer says {section.proto} at port {section.port}", event.seq)


@predicate("crypto-answer-fits")
def crypto_answer_fits(events: Events, *, exchange: str) -> Finding:  # noqa: PLR0911 - one return for each fault
    """The answer has one crypto line: an offered tag with its suite, and no session parameter that was not offered."""
    sent, told = _audio(events, exchange, Kind.SENT), _audio(events, exchange, Kind.RECEIVED)
    if sent is None or told is None:
        return unknown(f"{exchange}: the lab's answer is no session description with audio")
    numbers, offered = (sent[0].seq, told[0].seq), {line.tag: line for line in _lines(sent[1])}
    if told[1].port == 0:
        return unknown(f"{exchange}: the audio line was refused in the answer", *numbers)
    answered = _lines(told[1])
    if len(answered) != 1 or len(told[1].attrs("crypto")) != 1:
        return fails(f"{exchange}: the answer has {len(told[1].attrs('crypto'))} crypto lines, expected one", *numbers)
    line = answered[0]
    if line.tag not in offered:
        return fails(f"{exchange}: the answer's tag {line.tag} was not offered", *numbers)
    if line.suite != offered[line.tag].suite:
        wanted = offered[line.tag].suite
        return fails(f"{exchange}: tag {line.tag} was offered with {wanted}, answered with {line.suite}", *numbers)
    unasked = [name for name in UNPROTECTED if name in line.params and name not in offered[line.tag].params]
    if unasked:
        return fails(f"{exchange}: the answer has {unasked[0]}, which was not offered", *numbers)
    return holds(f"{exchange}: the answer takes tag {line.tag} with {line.suite}", *numbers)


@predicate("no-unprotected-parameter")
def no_unprotected_parameter(events: Events, *, exchange: str) -> Finding:
    """The answer takes no crypto line that switches encryption or authentication off (RFC 4568 section 6.3.2)."""
    told, sent = _audio(events, exchange, Kind.RECEIVED), _audio(events, exchange, Kind.SENT)
    if told is None or told[1].port == 0:
        return holds(f"{exchange}: the lab gave no audio: it {effect(events, exchange).how}")
    offered = {line.tag: line.params for line in _lines(sent[1])} if sent else {}
    for line in _lines(told[1]):
        off = [name for name in UNPROTECTED if name in line.params or name in offered.get(line.tag, "")]
        off += [line.suite] if line.suite.upper().startswith("NULL") else []
        if off:
            return fails(f"{exchange}: the answer takes tag {line.tag} with {off[0]}", told[0].seq)
    return holds(f"{exchange}: the answer takes no line without protection", told[0].seq)


def _masters(events: Events, exchanges: Sequence[str]) -> list[tuple[Event, Crypto, bytes | None]]:
    found: list[tuple[Event, Crypto, bytes | None]] = []
    for exchange in exchanges:
        told = _audio(events, exchange, Kind.RECEIVED)
        for line in _lines(told[1]) if told else ():
            assert told is not None
            try:
                found.append((told[0], line, line.master()))
            except SdpSyntaxError:
                found.append((told[0], line, None))
    return found


@predicate("sdes-key-whole")
def sdes_key_whole(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """Each key of the lab is base64 and as long as its suite asks: key and salt (RFC 4568 section 6.1)."""
    masters = _masters(events, exchanges)
    for event, line, master in masters:
        chosen = suite(line.suite)
        if master is None:
            return fails(f"{event.exchange}: the lab's key is not base64", event.seq)
        if chosen is not None and len(master) != chosen.master_size:
            told = f"{line.suite} asks for {chosen.master_size} bytes, the lab's key has {len(master)}"
            return fails(f"{event.exchange}: {told}", event.seq)
    if not masters:
        return unknown("the lab's answers hold no SDES key")
    return holds(f"{len(masters)} keys of the lab, all as long as their suites ask", *(e.seq for e, _, _ in masters))


@predicate("sdes-keys-random")
def sdes_keys_random(events: Events, *, exchanges: Sequence[str], least: int = 2) -> Finding:
    """The lab's keys look drawn at random: many different octets in each, no two alike but for a few octets."""
    masters = [(event, key) for event, _, key in _masters(events, exchanges) if key and len(key) >= _KEY]
    if len(masters) < least:
        return unknown(f"the lab's answers hold {len(masters)} SDES keys, at least {least} are needed")
    for place, (event, key) in enumerate(masters):
        if len(set(key[:_KEY])) < LEAST_DIFFERENT:
            return fails(f"{event.exchange}: the lab's key has only {len(set(key[:_KEY]))} different octets", event.seq)
        for other, known in masters[:place]:
            same = sum(a == b for a, b in zip(key[:_KEY], known[:_KEY], strict=True))
            if same >= MOST_COMMON:
                told = f"the keys of {other.exchange} and {event.exchange} have {same} of {_KEY} octets in common"
                return fails(told, other.seq, event.seq)
    return holds(f"{len(masters)} keys of the lab look drawn at random", *(event.seq for event, _ in masters))


@predicate("keys-kept-from")
def keys_kept_from(events: Events, *, exchange: str, actor: str) -> Finding:
    """No SDES key of this offer and its answer came to ``actor``, at the other end."""
    keys = set()
    for kind in (Kind.SENT, Kind.RECEIVED):
        found = _audio(events, exchange, kind)
        keys |= {line.key_b64 for line in _lines(found[1])} if found else set()
    if not keys:
        return unknown(f"{exchange}: neither offer nor answer holds an SDES key")
    came = [event for event in events if event.actor == actor and event.kind is Kind.RECEIVED]
    if not any(description(event) for event in came):
        return unknown(f"{exchange}: no session description came to {actor}")
    for event in came:
        if any(key.encode() in event.data for key in keys):
            return fails(f"{event.exchange}: an SDES key of the access leg came to {actor}", event.seq)
    return holds(f"{exchange}: none of its {len(keys)} SDES keys came to {actor}")


@predicate("attribute-kept-from")
def attribute_kept_from(events: Events, *, exchange: str, actor: str, name: str) -> Finding:
    """No description that came to ``actor`` has this attribute, which the offer had."""
    sent = _audio(events, exchange, Kind.SENT)
    if sent is None or sent[1].attr(name) is None:
        return unknown(f"{exchange}: the offer had no a={name}")
    seen = 0
    for event in events:
        sdp = description(event) if event.actor == actor and event.kind is Kind.RECEIVED else None
        section = sdp.first("audio") if sdp else None
        if section is not None and section.attr(name) is not None:
            return fails(f"{event.exchange}: a={name} came to {actor}", sent[0].seq, event.seq)
        seen += section is not None
    if not seen:
        return unknown(f"{exchange}: no session description came to {actor}")
    return holds(f"{exchange}: a={name} did not come to {actor}", sent[0].seq)
