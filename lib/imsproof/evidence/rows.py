"""From events to the rows of a ladder: short labels, repeated ones collapsed, a bounded number of rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imsproof.evidence.text import shorten
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

AT_MOST = 120
"""Rows; what is beyond collapses into "… n more"."""

TIMES = "\N{MULTIPLICATION SIGN}"
OUT, IN, BESIDE, GAP = "out", "in", "beside", "gap"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ladder.

    ``shape``: ``out`` (an arrow from the actor to the endpoint), ``in`` (the other way), ``beside`` (something at
    the actor) or ``gap`` (rows left out). ``tone``: ``plain``, ``injected``, ``good``, ``bad``, ``quiet``.
    """

    shape: str
    label: str
    detail: str = ""
    tone: str = "plain"
    actor: str = ""
    endpoint: str = ""
    exchange: str = ""
    at_ns: int = 0
    events: tuple[int, ...] = ()
    more: int = field(default=0)


def rows(events: Sequence[Event], keep: Collection[int] = (), at_most: int = AT_MOST) -> list[Row]:
    """Return the rows of a ladder, at most ``at_most`` and a few gaps.

    ``keep`` are the events that judgements name: their rows, and the injected ones, go last when there are too many.
    """
    return _bounded(_collapsed([_row(event) for event in events]), set(keep), at_most)


def _row(event: Event) -> Row:
    label, detail, tone = _LABELS[event.kind](event)
    shape = {Kind.SENT: OUT, Kind.ALERT_SENT: OUT, Kind.RECEIVED: IN, Kind.ALERT: IN, Kind.REFUSED: IN}.get(event.kind)
    if event.kind is Kind.HANDSHAKE or (event.kind is Kind.OPENED and event.transport in {"tcp", "tls"}):
        shape = OUT
    if event.kind is Kind.CLOSED:
        shape = IN if event.facts.get("by") == "lab" else OUT
    if event.remote is None or shape is None:
        shape = BESIDE
    if event.facts.get("injected"):
        tone = "injected"
    endpoint = f"{event.remote[0]} :{event.remote[1]}" if event.remote else ""
    return Row(shape, label, detail, tone, event.actor, endpoint, event.exchange, event.mono_ns, (event.seq,))


def _message(event: Event) -> tuple[str, str, str]:
    facts = event.facts
    detail = _join(event.transport, f"{len(event.data)} bytes" if event.data else "")
    if event.transport == "rtp":
        label = f"{'SRTP' if facts.get('protected') == 'srtp' else 'RTP, plain'}, payload type {facts.get('pt', '?')}"
    elif event.transport == "sctp":
        label = _sctp(event)
    elif "stun" in facts:
        label = _join(f"STUN {facts['stun']}", facts.get("error"), "nominates" if facts.get("nominates") else "")
    elif "sip" in facts:
        label, detail = _sip(event), _join(detail, facts.get("cseq"))
    elif "path" in facts:
        label = f"{facts.get('method', '?')} {facts['path']}"
    elif "status" in facts:
        label = _join(f"HTTP {facts['status']}", _reset(facts), oauth_error(event.data))
    elif "reset" in facts or "goaway" in facts:
        label = _reset(facts)
    else:
        label = first_line(event.data) or str(facts.get("text") or f"{len(event.data)} bytes")
    return label, detail, "plain"


def _sip(event: Event) -> str:
    line = first_line(event.data)
    if event.facts["sip"] == "response":
        return line.removeprefix("SIP/2.0 ") or str(event.facts.get("status", "?"))
    return line.removesuffix(" SIP/2.0") or str(event.facts.get("method", "?"))


def _sctp(event: Event) -> str:
    ppid = event.facts.get("ppid")
    if ppid is None:
        chunks = event.facts.get("chunks") or [
            event.facts.get("chunk") or ("HEARTBEAT" if "info" in event.facts else "")
        ]
        return _join(" ".join(map(str, chunks)).replace("_", " "), event.facts.get("text")) or "SCTP"
    names = {50: "DCEP", 51: "text", 53: "binary", 56: "text, empty", 57: "binary, empty"}
    name = names.get(ppid, f"ppid {ppid}") if isinstance(ppid, int) else "ppid ?"
    return _join(f"stream {event.facts.get('stream', '?')}", name, first_line(event.data) if ppid != 50 else "")


def _handshake(event: Event) -> tuple[str, str, str]:
    facts = event.facts
    if event.transport == "sctp":
        return "SCTP association up", "", "good"
    resumed = "resumed" if facts.get("resumed") else ""
    what = _join(facts.get("version") or event.transport.upper(), facts.get("cipher"))
    detail = _join(facts.get("group"), facts.get("alpn"), facts.get("srtp"), resumed, facts.get("peer_subject"))
    return f"handshake {what}", detail, "good"


def _alert(event: Event) -> tuple[str, str, str]:
    name = event.facts.get("alert", "?")
    if name == "close_notify":
        return "alert close_notify", "", "quiet"
    return f"alert {name}", _join(event.transport, event.facts.get("level")), "bad"


def _refused(event: Event) -> tuple[str, str, str]:
    return f"refused: {event.facts.get('reason', 'no reason given')}", event.transport, "bad"


def _closed(event: Event) -> tuple[str, str, str]:
    by = event.facts.get("by", "?")
    return f"{event.transport} closed by {by}", "", "plain" if by == "lab" else "quiet"


def _opened(event: Event) -> tuple[str, str, str]:
    local = f" from {event.local[0]}:{event.local[1]}" if event.local else ""
    return f"{event.facts.get('reason') or event.transport + ' opened'}{local}", "", "quiet"


def _timeout(event: Event) -> tuple[str, str, str]:
    return f"no answer: {event.facts.get('reason', 'the timer ran out')}", event.transport, "bad"


def _counted(event: Event) -> tuple[str, str, str]:
    facts = event.facts
    parts = [f"{facts[name]} {name}" for name in ("sent", "received") if name in facts]
    if "seconds" in facts:
        parts.append(f"in {_number(facts['seconds'])} s")
    statuses = facts.get("statuses")
    if isinstance(statuses, Mapping) and statuses:
        parts.append("answers " + ", ".join(f"{status} {TIMES}{count}" for status, count in list(statuses.items())[:6]))
    return "burst: " + ", ".join(parts), event.transport, "plain"


def _note(event: Event) -> tuple[str, str, str]:
    return str(event.facts.get("text", "note")), "", "quiet"


_LABELS: dict[Kind, Callable[[Event], tuple[str, str, str]]] = {
    Kind.OPENED: _opened,
    Kind.SENT: _message,
    Kind.RECEIVED: _message,
    Kind.HANDSHAKE: _handshake,
    Kind.ALERT_SENT: _alert,
    Kind.ALERT: _alert,
    Kind.REFUSED: _refused,
    Kind.CLOSED: _closed,
    Kind.TIMEOUT: _timeout,
    Kind.COUNTED: _counted,
    Kind.NOTE: _note,
}


def first_line(data: bytes) -> str:
    """Return the first line of a message when it is readable text, else ``""``."""
    line = data[:300].partition(b"\n")[0].rstrip(b"\r").decode("latin-1")
    return shorten(line, 160) if line and line.isprintable() else ""


def oauth_error(data: bytes) -> str:
    """Return the OAuth error or the 3GPP cause that a JSON body names, else ``""``."""
    found = re.search(rb'"(?:error|cause)"\s*:\s*"([A-Za-z0-9_ ]{1,60})"', data[:4000])
    return found[1].decode("ascii") if found else ""


def _reset(facts: Mapping[str, Any]) -> str:
    parts = [f"{name} {facts[key]}" for key, name in (("reset", "RST_STREAM"), ("goaway", "GOAWAY")) if key in facts]
    return ", ".join(part for part in parts if not part.endswith((" None", " False")))


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _join(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part is not None and part != "")


def _collapsed(found: Sequence[Row]) -> list[Row]:
    """Join neighbours that say the same (RTP both ways counts as neighbours) into one row with a count."""
    done: list[Row] = []
    for row in found:
        same = next((n for n in range(len(done) - 1, max(len(done) - 3, -1), -1) if _alike(done[n], row)), None)
        if same is None or (same != len(done) - 1 and not _alike_flow(done[-1], row)):
            done.append(row)
        else:
            first = done[same]
            done[same] = replace(first, events=first.events + row.events, more=first.more + 1)
    return done


def _alike(one: Row, other: Row) -> bool:
    return (one.shape, one.label, one.tone, one.exchange) == (
        other.shape,
        other.label,
        other.tone,
        other.exchange,
    ) and (
        one.actor,
        one.endpoint,
    ) == (other.actor, other.endpoint)


def _alike_flow(one: Row, other: Row) -> bool:
    """Tell whether two rows are the two directions of one repeated exchange."""
    return {one.shape, other.shape} == {IN, OUT} and (one.actor, one.endpoint) == (other.actor, other.endpoint)


def _bounded(found: list[Row], keep: set[int], at_most: int) -> list[Row]:
    if len(found) <= at_most:
        return found
    first = [n for n, row in enumerate(found) if row.tone == "injected" or keep.intersection(row.events)]
    others = [n for n in range(len(found)) if n not in set(first)]
    chosen = set((first + others)[:at_most])
    done: list[Row] = []
    left: list[Row] = []
    for n, row in enumerate(found):
        if n not in chosen:
            left.append(row)
            continue
        _close_gap(done, left)
        done.append(row)
    _close_gap(done, left)
    return done


def _close_gap(done: list[Row], left: list[Row]) -> None:
    if left:
        done.append(Row(GAP, f"… {sum(1 + row.more for row in left)} more", tone="quiet", at_ns=left[0].at_ns))
        left.clear()
