"""Which version a DTLS server selects, by its first answer in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.dtls import TlsSyntaxError, alerts, server_hello, split_records
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


def _records(datagram: bytes) -> list[Record]:
    try:
        return split_records(datagram)
    except TlsSyntaxError:
        return []
