"""What a TLS or DTLS handshake agreed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Events

TLS13_SUITES = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
)


@predicate("negotiated-version")
def negotiated_version(events: Events, *, exchange: str, version: str) -> Finding:
    """The handshake completed with exactly this protocol version."""
    done = _handshake(events, exchange)
    if done is None:
        seen = effect(events, exchange)
        sentence = f"{exchange}: no handshake with {version}: the lab {seen.how}"
        if seen.wanted:
            return unknown(f"{sentence}; it asks for a {seen.wanted}: fill in sbi.consumers", seen.event)
        if seen.result in {Result.UNREACHABLE, Result.SILENT, Result.UNKNOWN}:
            return unknown(sentence, seen.event)
        return fails(sentence, seen.event)
    found = str(done.facts.get("version"))
    sentence = f"{exchange}: agreed on {found}"
    return holds(sentence, done.seq) if found == version else fails(f"{sentence}, expected {version}", done.seq)


@predicate("strong-suite")
def strong_suite(events: Events, *, exchange: str) -> Finding:
    """The agreed cipher suite has forward secrecy and authenticated encryption (TS 33.210 6.2: ECDHE with AEAD)."""
    done = _handshake(events, exchange)
    if done is None:
        return unknown(f"{exchange}: no completed handshake, so no cipher suite to look at")
    cipher = str(done.facts.get("cipher", ""))
    if cipher in TLS13_SUITES:
        return holds(f"{exchange}: cipher suite {cipher}", done.seq)
    ephemeral = cipher.startswith(("ECDHE-", "TLS_ECDHE_"))
    aead = any(mark in cipher for mark in ("GCM", "CHACHA20", "CCM"))
    if ephemeral and aead:
        return holds(f"{exchange}: cipher suite {cipher}", done.seq)
    return fails(f"{exchange}: cipher suite {cipher or 'unknown'} is not ECDHE with AEAD", done.seq)


@predicate("handshake-refused")
def handshake_refused(events: Events, *, exchange: str, versions: Sequence[str] = ()) -> Finding:
    """No handshake completed with the offered parameters (with one of ``versions``, when given).

    Who selected one of them refused nothing, though the tester's own stack went no further.
    """
    done = _handshake(events, exchange)
    if done is None:
        taken = next((event for event in of_exchange(events, exchange) if event.facts.get("selected")), None)
        if taken is not None:
            why = taken.facts.get("reason", "no reason given")
            return fails(
                f"{exchange}: the lab selected {taken.facts['selected']} (the tester broke off: {why})", taken.seq
            )
        seen = effect(events, exchange)
        sentence = f"{exchange}: the lab {seen.how}"
        if seen.result is Result.UNKNOWN:
            return unknown(sentence, seen.event)
        return holds(sentence, seen.event)
    found = str(done.facts.get("version"))
    sentence = f"{exchange}: the handshake completed with {found}, {done.facts.get('cipher', '')}"
    if versions and found not in versions:
        return holds(f"{sentence}: not one of {', '.join(versions)}", done.seq)
    return fails(sentence, done.seq)


@predicate("connection-ended")
def connection_ended(events: Events, *, exchange: str) -> Finding:
    """The lab ended the connection, with TLS's close_notify or TCP's end."""
    for event in reversed(of_exchange(events, exchange)):
        if event.facts.get("connection") == "open":
            return fails(f"{exchange}: the lab left the connection open", event.seq)
        if event.kind is Kind.CLOSED and event.facts.get("by") == "lab":
            return holds(f"{exchange}: the lab ended the connection", event.seq)
        if event.kind is Kind.ALERT:
            return holds(f"{exchange}: the lab ended the session ({event.facts.get('alert')})", event.seq)
    return unknown(f"{exchange}: nothing tells whether the connection ended")


@predicate("connection-kept")
def connection_kept(events: Events, *, exchange: str) -> Finding:
    """The lab did not end the connection that this conversation opened; the tester's own end says nothing of it."""
    own = of_exchange(events, exchange)
    opened = next((event for event in own if event.kind in {Kind.OPENED, Kind.HANDSHAKE}), None)
    if opened is None:
        return unknown(f"{exchange}: no connection was opened")
    for event in own:
        if event.kind in {Kind.ALERT, Kind.REFUSED} or (event.kind is Kind.CLOSED and event.facts.get("by") == "lab"):
            how = event.facts.get("alert") or event.facts.get("reason") or "without a word"
            return fails(f"{exchange}: the lab ended the connection ({how})", event.seq)
    return holds(f"{exchange}: the lab kept the connection", opened.seq)


def _handshake(events: Events, exchange: str) -> Event | None:
    return next(
        (
            event
            for event in of_exchange(events, exchange)
            if event.kind is Kind.HANDSHAKE and event.transport in {"tls", "dtls"}
        ),
        None,
    )
