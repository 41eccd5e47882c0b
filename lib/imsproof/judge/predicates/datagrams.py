"""What a peer of DTLS makes of datagrams that are not its rightful peer's: alerts, answers, sessions, clear text."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from imsproof.codec.dtls import SERVER_HELLO, TlsSyntaxError, handshake_types, split_records
from imsproof.codec.sctp import Packet, SctpSyntaxError
from imsproof.codec.tlshello import APPLICATION_DATA
from imsproof.judge.effect import Result, effect, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.seams import Events


def _first(own: list[Event], kind: Kind) -> Event | None:
    return next((event for event in own if event.kind is kind), None)


def none_came(events: Events, exchange: str, seen: Callable[[bytes], str], what: str) -> Finding:
    """Judge that nothing of a kind came back: ``seen`` names what it finds in the octets that came, or says ``""``."""
    own = of_exchange(events, exchange)
    sent = _first(own, Kind.SENT)
    if sent is None:
        return unknown(f"{exchange}: nothing was sent")
    for event in own:
        if event.kind is Kind.RECEIVED and (found := seen(event.data)):
            return fails(f"{exchange}: {found} came back", sent.seq, event.seq)
    return holds(f"{exchange}: no {what} came back", sent.seq)


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
    counted = _first(of_exchange(events, exchange), Kind.COUNTED)
    if counted is None:
        return unknown(f"{exchange}: nothing was counted")
    sent, got = int(counted.facts["sent_bytes"]), int(counted.facts["bytes"])
    sentence = f"{exchange}: {got} bytes came back for {sent}, at most {factor:g} times is allowed"
    return holds(sentence, counted.seq) if got <= factor * sent else fails(sentence, counted.seq)


@predicate("unanswered")
def unanswered(events: Events, *, exchange: str) -> Finding:
    """Nothing came back to datagrams from an address that the session does not know."""
    return none_came(events, exchange, lambda data: f"{len(data)} bytes", "datagram")


@predicate("no-server-hello")
def no_server_hello(events: Events, *, exchange: str) -> Finding:
    """To hellos from where nobody proved to be, no more than HelloVerifyRequest was answered (RFC 6347 4.2.1)."""
    return none_came(
        events, exchange, lambda data: "a ServerHello" if SERVER_HELLO in handshake_types(data) else "", "ServerHello"
    )


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

    def clear(data: bytes) -> str:
        chunks = _clear_chunks(data)
        return f"SCTP in clear ({', '.join(chunks)})" if chunks else ""

    return none_came(events, exchange, clear, "SCTP in clear")


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
