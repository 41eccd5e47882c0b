"""Message sessions (MSRP): what the answer promises, and what came back to requests that should not be obeyed."""

from __future__ import annotations

import math
import string
from typing import TYPE_CHECKING

from imsproof.codec.msrp import TLS_PROTO, MsrpSyntaxError, MsrpUri, parse_path
from imsproof.codec.sdp import MediaSection, Sdp, effective
from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.predicates.sdp import description
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

ENOUGH_BITS = 80
"""Randomness of a session id (RFC 4975 clause 14.1)."""
ALPHABETS = (
    string.digits,
    string.digits + "abcdef",
    string.digits + "ABCDEF",
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_letters,
)


def _answered(events: Events, exchange: str) -> tuple[Event, Sdp, MediaSection] | None:
    """The last description that came in this conversation, and its message line."""
    for event in reversed(of_exchange(events, exchange)):
        sdp = description(event) if event.kind is Kind.RECEIVED else None
        section = sdp.first("message") if sdp is not None else None
        if sdp is not None and section is not None:
            return event, sdp, section
    return None


@predicate("message-session-given")
def message_session_given(events: Events, *, exchange: str) -> Finding:
    """The lab took the offer of a message session."""
    found = _answered(events, exchange)
    seen = effect(events, exchange)
    if found is None:
        sentence = f"{exchange}: no message session: the lab {seen.how}"
        return unknown(sentence, seen.event) if seen.result is Result.UNKNOWN else fails(sentence, seen.event)
    event, _, section = found
    if section.port > 0:
        return holds(f"{exchange}: the lab gave a message session at port {section.port}", event.seq)
    return fails(f"{exchange}: the message session was refused in the answer", event.seq)


@predicate("no-message-session")
def no_message_session(events: Events, *, exchange: str) -> Finding:
    """The lab gave no message session: it refused the offer, or the media line in it."""
    found = _answered(events, exchange)
    seen = effect(events, exchange)
    if found is not None and found[2].port > 0:
        return fails(f"{exchange}: the lab gave a message session at port {found[2].port}", found[0].seq)
    if found is not None:
        return holds(f"{exchange}: the message session was refused in the answer", found[0].seq)
    if seen.result in {Result.REFUSED, Result.SILENT}:
        return holds(f"{exchange}: the lab {seen.how}", seen.event)
    return unknown(f"{exchange}: the lab {seen.how}, and no session description was seen", seen.event)


@predicate("message-session-protected")
def message_session_protected(events: Events, *, exchange: str) -> Finding:
    """The answer to an offer of TCP/TLS/MSRP keeps TLS: in the media line, in the path, and with a fingerprint.

    Behind a middlebox (a=msrp-cema, RFC 6714) the path is the far endpoint's, and the media line alone counts.
    """
    found = _answered(events, exchange)
    if found is None or found[2].port <= 0:
        return unknown(f"{exchange}: the lab gave no message session")
    event, sdp, section = found
    if section.proto.upper() != TLS_PROTO:
        return fails(f"{exchange}: TLS was offered, the answer says {section.proto}", event.seq)
    path = section.attr("path") or ""
    try:
        first = parse_path(path)[0]
    except MsrpSyntaxError as error:
        return fails(f"{exchange}: the answer's path cannot be read: {error}", event.seq)
    if first.scheme != "msrps" and section.attr("msrp-cema") is None:
        return fails(f"{exchange}: TLS was offered, the answer's path leads to {first.scheme}", event.seq)
    if effective(sdp, "fingerprint", section) is None:
        return fails(f"{exchange}: the answer says TLS and gives no fingerprint", event.seq)
    return holds(f"{exchange}: the answer keeps TLS, with a fingerprint", event.seq)


@predicate("message-certificate-announced")
def message_certificate_announced(events: Events, *, exchange: str, handshake: str) -> Finding:
    """The certificate that the lab showed is the one whose fingerprint its answer gave (RFC 8122 section 6.2)."""
    found = _answered(events, exchange)
    done = next((event for event in of_exchange(events, handshake) if event.kind is Kind.HANDSHAKE), None)
    if found is None or done is None:
        return unknown(f"{handshake}: there is no answer or no handshake to compare")
    event, sdp, section = found
    values = section.attrs("fingerprint") or [v for v in [effective(sdp, "fingerprint", section)] if v]
    shown = str(done.facts.get("peer_sha256", "")).upper()
    ours = [value.split(None, 1)[1].strip().upper() for value in values if value.lower().startswith("sha-256 ")]
    if not values:
        return fails(f"{exchange}: the answer gives no fingerprint", event.seq)
    if not ours:
        return unknown(f"{exchange}: the answer gives no SHA-256 fingerprint: {', '.join(values)}", event.seq)
    if shown in ours:
        return holds(f"{handshake}: the lab's certificate is the one that its answer announced", event.seq, done.seq)
    return fails(
        f"{handshake}: the lab's certificate ({shown[:23]}...) is not the one that its answer announced"
        f" ({ours[0][:23]}...)",
        event.seq,
        done.seq,
    )


@predicate("session-ids-hard-to-guess")
def session_ids_hard_to_guess(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """The session ids of several answers differ, and what differs could hold 80 bits (RFC 4975 clause 14.1).

    This is an upper bound: what varies between the ids, counted with the smallest alphabet that they use. A random id
    that passes may still be a bad one; an id that fails cannot have 80 random bits.
    """
    ids, numbers = [], []
    for exchange in exchanges:
        found = _answered(events, exchange)
        if found is None or found[2].port <= 0:
            return unknown(f"{exchange}: the lab gave no message session")
        try:
            uri: MsrpUri = parse_path(found[2].attr("path") or "")[-1]
        except MsrpSyntaxError as error:
            return fails(f"{exchange}: the answer's path cannot be read: {error}", found[0].seq)
        ids.append(uri.session)
        numbers.append(found[0].seq)
    if len(set(ids)) < len(ids):
        return fails(f"the session id {ids[0]!r} was given more than once", *numbers)
    bits = _varying_bits(ids)
    said = f"session ids {ids[0]!r}, {ids[1]!r}...: what varies can hold {bits:.0f} bits"
    return holds(said, *numbers) if bits >= ENOUGH_BITS else fails(f"{said}, {ENOUGH_BITS} are needed", *numbers)


def _varying_bits(ids: Sequence[str]) -> float:
    """How many bits the places can hold in which several ids differ, if every place were drawn by chance."""
    letters = set().union(*ids)
    classes = (
        string.digits,
        string.hexdigits[:16],
        string.hexdigits[:10] + "ABCDEF",
        string.ascii_lowercase + string.digits,
    )
    alphabet = min((len(one) for one in classes if letters <= set(one)), default=max(64, len(letters)))
    longest = max(map(len, ids))
    padded = [one.ljust(longest) for one in ids]
    varying = sum(len({one[place] for one in padded}) > 1 for place in range(longest))
    return varying * math.log2(alphabet)


@predicate("no-response-to")
def no_response_to(events: Events, *, transaction: str) -> Finding:
    """Nothing answered this transaction."""
    for event in events:
        if event.kind is Kind.RECEIVED and event.facts.get("msrp") == "response":
            status = event.facts.get("status", event.facts.get("other_status"))
            if event.facts.get("transaction") == transaction:
                return fails(f"{event.exchange}: the lab answered {status} to {transaction}", event.seq)
    sent = next((e.seq for e in events if e.kind is Kind.SENT and transaction.encode() in e.data), 0)
    if not sent:
        return unknown(f"nothing was sent as {transaction}")
    return holds(f"the lab did not answer {transaction}", sent)


@predicate("no-stray-response")
def no_stray_response(events: Events, *, exchange: str) -> Finding:
    """In this conversation no response came but to the tester's own request; requests of the lab are its affair."""
    own = of_exchange(events, exchange)
    for event in own:
        if event.kind is Kind.RECEIVED and "other_status" in event.facts:
            status = event.facts["other_status"]
            return fails(f"{exchange}: the lab sent a response ({status}) to what is no request", event.seq)
    if not any(event.kind is Kind.SENT for event in own):
        return unknown(f"{exchange}: nothing was sent")
    return holds(f"{exchange}: no response came that nobody asked for", own[-1].seq)


@predicate("message-refused")
def message_refused(events: Events, *, exchange: str, message_id: str) -> Finding:
    """A message was refused: in the response to its request, or in a failure report (RFC 4975 clause 7.1.4)."""
    seen = effect(events, exchange)
    if seen.result is not Result.ACCEPTED:
        sentence = f"{exchange}: the lab {seen.how}"
        return unknown(sentence, seen.event) if seen.result is Result.UNKNOWN else holds(sentence, seen.event)
    for event in events:
        words = str(event.facts.get("report", "")).split()
        about = event.kind is Kind.RECEIVED and event.facts.get("message_id") == message_id
        if about and words[:1] == ["000"] and len(words) > 1 and not words[1].startswith("2"):
            return holds(f"{exchange}: the lab reported {words[1]}", seen.event, event.seq)
    return fails(f"{exchange}: the lab {seen.how}", seen.event)


@predicate("reports-at-most")
def reports_at_most(events: Events, *, message_id: str, most: int) -> Finding:
    """So many success reports at most came for a message."""
    came = [
        event.seq
        for event in events
        if event.kind is Kind.RECEIVED
        and event.facts.get("method") == "REPORT"
        and event.facts.get("message_id") == message_id
    ]
    said = f"{len(came)} reports came for one message"
    return holds(said, *came) if len(came) <= most else fails(f"{said}, at most {most} may", *came)


@predicate("message-leg-in-core")
def message_leg_in_core(events: Events, *, exchange: str, actor: str) -> Finding:
    """What the callee is offered holds nothing of the caller's access leg: neither 3ge2ae nor its fingerprint."""
    sent = next((e for e in of_exchange(events, exchange) if e.kind is Kind.SENT and description(e)), None)
    if sent is None:
        return unknown(f"{exchange}: nothing was offered")
    offered = description(sent)
    section = offered.first("message") if offered is not None else None
    secret = section.attrs("fingerprint") if section is not None else []
    for event in events:
        sdp = description(event) if event.seq > sent.seq and event.kind is Kind.RECEIVED else None
        line = sdp.first("message") if sdp is not None and event.actor == actor else None
        if line is None:
            continue
        if line.attr("3ge2ae") == "requested":
            return fails(f"{event.exchange}: a=3ge2ae:requested reached the callee", sent.seq, event.seq)
        if set(line.attrs("fingerprint")) & set(secret):
            return fails(
                f"{event.exchange}: the fingerprint of the caller's access leg reached the callee", sent.seq, event.seq
            )
        return holds(f"{event.exchange}: the callee's offer ({line.proto}) holds nothing of it", sent.seq, event.seq)
    return unknown(f"{exchange}: the callee got no offer of a message session", sent.seq)
