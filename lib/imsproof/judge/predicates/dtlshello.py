"""What a DTLS server makes of a hello, by its answer in clear: which version it selects, whose cookie it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.dtls import (
    CLIENT_HELLO,
    SERVER_HELLO,
    ClientHello,
    TlsSyntaxError,
    alerts,
    handshake_types,
    handshakes,
    server_hello,
    split_records,
)
from imsproof.codec.tlshello import version_name
from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.codec.dtls import Record
    from imsproof.seams import Events


@predicate("version-selected")
def version_selected(events: Events, *, exchange: str, versions: Sequence[str]) -> Finding:
    """The server selected one of these versions (RFC 9147 section 5.3; ``supported_versions`` of its hello)."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: no ClientHello was sent")
    told = ""
    for event in own:
        if event.kind is not Kind.RECEIVED:
            continue
        records = _records(event.data)
        hello = server_hello(event.data)
        if hello is not None:
            selected = version_name(hello.selected_version)
            verdict = holds if selected in versions else fails
            return verdict(f"{exchange}: the server selected {selected}", sent.seq, event.seq)
        told = told or next((f"the alert {alert.name}" for alert in alerts(records)), "")
    return fails(f"{exchange}: no version was selected: {told or 'no answer came'}", sent.seq)


@predicate("cookie-checked")
def cookie_checked(events: Events, *, exchange: str) -> Finding:
    """A hello with a cookie that the server did not make got no ServerHello, or no cookie was asked for."""
    own = of_exchange(events, exchange)
    sent = next((event for event in own if event.kind is Kind.SENT), None)
    if sent is None:
        return unknown(f"{exchange}: no hello was sent")
    if not _has_cookie(sent.data):
        if not any(event.kind is Kind.RECEIVED for event in own):
            return unknown(f"{exchange}: the hello was not answered")
        return holds(f"{exchange}: no cookie is asked for, so that none can be made up", sent.seq)
    for event in own:
        if event.kind is Kind.RECEIVED and SERVER_HELLO in handshake_types(event.data):
            return fails(f"{exchange}: a ServerHello came back", sent.seq, event.seq)
    return holds(f"{exchange}: no ServerHello came back", sent.seq)


def _has_cookie(datagram: bytes) -> bool:
    """Whether a datagram is a ClientHello with a cookie."""
    try:
        messages = [one for record in split_records(datagram) for one in handshakes(record.fragment)]
        return any(
            ClientHello.parse(one.body, dtls=True).cookie for one in messages if one.message_type == CLIENT_HELLO
        )
    except TlsSyntaxError:
        return False


def _records(datagram: bytes) -> list[Record]:
    try:
        return split_records(datagram)
    except TlsSyntaxError:
        return []
