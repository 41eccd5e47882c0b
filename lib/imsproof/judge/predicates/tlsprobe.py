"""What a server answered in clear to a hello made by hand, and what TLS agreed on beyond version and suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.judge.effect import Effect, Result, effect, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Event, Events

MARKS = ("444f574e47524401", "444f574e47524400")
"""The last eight octets of ServerHello.random after a downgrade (RFC 8446 section 4.1.3), in hexadecimal."""
MISSING = (Result.UNREACHABLE, Result.UNKNOWN)
NO_ANSWER = (*MISSING, Result.SILENT)
"""What says nothing of a server that should agree: one that is busy with another connection is silent, too."""


def _hello(events: Events, exchange: str) -> tuple[Event, dict[str, Any]] | None:
    for event in of_exchange(events, exchange):
        facts = event.facts.get("tls")
        if event.kind is Kind.RECEIVED and isinstance(facts, dict) and "suite" in facts:
            return event, facts
    return None


def _absent(events: Events, exchange: str) -> tuple[Effect, str]:
    seen = effect(events, exchange)
    return seen, f"{exchange}: the lab {seen.how}"


def _newer_only(events: Events, seen: Effect, plain: str) -> bool:
    """Whether a server takes no TLS 1.2: it says so, or breaks off here as it does in ``plain``, a whole handshake."""
    if seen.alert is None and seen.result is Result.REFUSED and plain:
        return effect(events, plain).result is Result.REFUSED
    return seen.alert == "protocol_version"


@predicate("hello-refused")
def hello_refused(events: Events, *, exchange: str) -> Finding:
    """The server did not answer this hello with a ServerHello: it took none of what was offered."""
    found = _hello(events, exchange)
    if found is not None:
        event, facts = found
        return fails(f"{exchange}: the lab chose {facts['suite']} in {facts['version']}", event.seq)
    seen, sentence = _absent(events, exchange)
    if seen.result in MISSING:
        return unknown(sentence, seen.event)
    return holds(sentence, seen.event)


def _no_hello(events: Events, exchange: str, plain: str, *, moot: bool) -> Finding:
    """What it means that no ServerHello came."""
    seen, sentence = _absent(events, exchange)
    if _newer_only(events, seen, plain):
        if moot:
            return holds(f"{sentence}: it takes no TLS 1.2, and TLS 1.3 leaves no choice", seen.event)
        return unknown(f"{sentence}: it takes no TLS 1.2 (see SBI-TLS-01)", seen.event)
    if seen.result in NO_ANSWER:
        return unknown(sentence, seen.event)
    return fails(f"{sentence} instead of a ServerHello", seen.event)


@predicate("server-hello")
def server_hello(
    events: Events,
    *,
    exchange: str,
    extensions: Sequence[str] = (),
    compression: int | None = None,
    group: int | None = None,
    suites: Sequence[str] = (),
    moot: bool = False,
    plain: str = "",
) -> Finding:
    """The ServerHello has these extensions, this compression method, one of these suites, this key exchange group.

    ``moot``: TLS 1.3 leaves no choice in it, so that a server without TLS 1.2 is right. ``plain``: the exchange of a
    whole handshake with TLS 1.2 alone, which tells such a server from one that does not like the hello.
    """
    found = _hello(events, exchange)
    if found is None:
        return _no_hello(events, exchange, plain, moot=moot)
    event, facts = found
    absent = [name for name in extensions if name not in facts["extensions"]]
    if absent:
        return fails(f"{exchange}: the ServerHello lacks {', '.join(absent)}", event.seq)
    if compression is not None and facts["compression"] != compression:
        return fails(f"{exchange}: the lab chose compression method {facts['compression']}", event.seq)
    if group is not None and facts.get("group") != group:
        return fails(f"{exchange}: the key exchange uses group {facts.get('group', 'unknown')}, not {group}", event.seq)
    if suites and facts["suite"] not in suites:
        return fails(f"{exchange}: the lab chose {facts['suite']}", event.seq)
    told = [f"suite {facts['suite']}", *extensions]
    if compression is not None:
        told.append(f"compression method {compression}")
    if group is not None:
        told.append(f"group {group}")
    return holds(f"{exchange}: the ServerHello has {', '.join(told)}", event.seq)


@predicate("large-field")
def large_field(events: Events, *, exchange: str, least: int = 0, small: Sequence[int] = ()) -> Finding:
    """The keys are exchanged in a finite field of ``least`` bits or more, and on no curve of ``small``, if at all."""
    found = _hello(events, exchange)
    if found is None:
        seen, sentence = _absent(events, exchange)
        return (unknown if seen.result in MISSING else holds)(sentence, seen.event)
    event, facts = found
    told, bits, group = f"{exchange}: the lab chose {facts['suite']}", facts.get("field_bits"), facts.get("group")
    if group in small:
        return fails(f"{told} on a curve that is too small (number {group} of IANA's groups)", event.seq)
    if bits is not None and bits < least:
        return fails(f"{told} in a field of {bits} bits; at least {least} are expected", event.seq)
    if bits is None and group is None:
        return unknown(f"{told}, and did not say in which field or on which curve", event.seq)
    return holds(f"{told} {f'on curve {group}' if bits is None else f'in a field of {bits} bits'}", event.seq)


@predicate("downgrade-marked")
def downgrade_marked(events: Events, *, exchange: str, plain: str = "") -> Finding:
    """A server that knows TLS 1.3 and agrees on an older version says so in its random (RFC 8446 section 4.1.3).

    ``plain``: the exchange of a whole handshake with TLS 1.2 alone.
    """
    found = _hello(events, exchange)
    if found is None:
        seen, sentence = _absent(events, exchange)
        if _newer_only(events, seen, plain):
            return holds(f"{sentence}: it takes no TLS 1.2 that could be a downgrade", seen.event)
        return unknown(sentence, seen.event)
    event, facts = found
    if str(facts["random"]).endswith(MARKS):
        return holds(f"{exchange}: the ServerHello for {facts['version']} carries the downgrade mark", event.seq)
    return fails(f"{exchange}: the ServerHello for {facts['version']} lacks the downgrade mark", event.seq)


@predicate("closed-in-form")
def closed_in_form(events: Events, *, exchange: str, alerts: Sequence[str] = ()) -> Finding:
    """The server ended the connection, with an alert that fits (any when ``alerts`` is empty) or by closing."""
    seen, sentence = _absent(events, exchange)
    if seen.result is not Result.REFUSED:
        return fails(f"{sentence}; an alert or the end of the connection was expected", seen.event)
    if seen.alert and alerts and seen.alert not in alerts:
        return fails(f"{sentence}; expected {' or '.join(alerts)}, or the end of the connection", seen.event)
    return holds(sentence, seen.event)


@predicate("alpn-chosen")
def alpn_chosen(events: Events, *, exchange: str, protocol: str) -> Finding:
    """ALPN agreed on this protocol."""
    done = [e for e in of_exchange(events, exchange) if e.kind is Kind.HANDSHAKE and e.transport == "tls"]
    if not done:
        seen, sentence = _absent(events, exchange)
        return (unknown if seen.result in NO_ANSWER else fails)(f"{sentence}: no handshake", seen.event)
    found = str(done[-1].facts.get("alpn", ""))
    sentence = f"{exchange}: ALPN chose {found or 'nothing'}"
    return holds(sentence, done[-1].seq) if found == protocol else fails(f"{sentence}, not {protocol}", done[-1].seq)


@predicate("no-http-answer")
def no_http_answer(events: Events, *, exchange: str) -> Finding:
    """No HTTP answer came that served anything: none at all, or an error."""
    seen, sentence = _absent(events, exchange)
    if seen.status is not None and 200 <= seen.status < 400:
        return fails(sentence, seen.event)
    if seen.status is None and seen.result is Result.UNKNOWN:
        return unknown(sentence, seen.event)
    return holds(sentence, seen.event)


@predicate("no-renegotiation")
def no_renegotiation(events: Events, *, exchange: str, plain: str = "") -> Finding:
    """The server did not do a second handshake that the client asked for.

    ``plain``: the exchange of a whole handshake with TLS 1.2 alone.
    """
    own = of_exchange(events, exchange)
    if not any(event.facts.get("asked") for event in own):
        seen, sentence = _absent(events, exchange)
        if _newer_only(events, seen, plain):
            return holds(f"{sentence}: it takes no TLS 1.2, and TLS 1.3 has no renegotiation", seen.event)
        return unknown(f"{exchange}: renegotiation was not asked for")
    second = next((e for e in own if e.kind is Kind.HANDSHAKE and e.facts.get("renegotiated")), None)
    if second is not None:
        return fails(f"{exchange}: the lab did the second handshake that the client asked for", second.seq)
    return holds(f"{exchange}: the lab did not renegotiate", *(event.seq for event in own[-1:]))


@predicate("no-early-data")
def no_early_data(events: Events, *, exchange: str, plain: str = "") -> Finding:
    """No session ticket of the server allows early data.

    ``plain``: the exchange of a whole handshake with TLS 1.2 alone: where it completed and this one did not, the server
    takes no TLS 1.3.
    """
    told = [event for event in of_exchange(events, exchange) if "max_early_data" in event.facts]
    if not told:
        seen, sentence = _absent(events, exchange)
        older = bool(plain) and seen.result is Result.REFUSED and effect(events, plain).result is Result.ACCEPTED
        if seen.alert == "protocol_version" or older:
            return holds(f"{exchange}: the lab takes no TLS 1.3, so no early data", seen.event)
        return unknown(f"{sentence}: no session could be looked at", seen.event)
    limit = int(told[-1].facts["max_early_data"])
    if limit:
        return fails(f"{exchange}: session tickets allow {limit} octets of early data", told[-1].seq)
    seen = effect(events, exchange)
    if seen.wanted:
        return unknown(f"{exchange}: the lab {seen.how} before any ticket; it asks for a {seen.wanted}", seen.event)
    return holds(f"{exchange}: session tickets, if any, allow no early data", told[-1].seq)


@predicate("tampering-noticed")
def tampering_noticed(events: Events, *, exchange: str, ended: bool = False) -> Finding:
    """After a record was changed on the way, the server ended the connection or, unless ``ended``, said no more."""
    own = of_exchange(events, exchange)
    note = next((event for event in own if event.facts.get("tampered")), None)
    if note is None:
        return unknown(f"{exchange}: the handshake did not come to the record that was to be changed")
    for event in own:
        if event.seq <= note.seq:
            continue
        if event.kind is Kind.ALERT and event.facts.get("alert") != "close_notify":
            return holds(f"{exchange}: the lab sent the alert {event.facts.get('alert')}", event.seq)
        if event.kind is Kind.CLOSED and event.facts.get("by") == "lab":
            return holds(f"{exchange}: the lab closed the connection", event.seq)
        if event.facts.get("octets") == 0 and not ended:
            return holds(f"{exchange}: the lab said nothing more on the connection", event.seq)
    return fails(f"{exchange}: the lab did not end the connection after a changed record", note.seq)
