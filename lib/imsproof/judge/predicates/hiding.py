"""Topology hiding: is a network's inside seen from outside (TS 33.203 6.4, TS 24.229 5.10.4)?"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from imsproof.codec.sip import Message
from imsproof.judge.effect import of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.seams import Events

TOKEN = re.compile(r"[A-Za-z0-9+/_-]{12,}")
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}")


@predicate("inner-hidden")
def inner_hidden(events: Events, *, actor: str, names: Sequence[str], hidden: Sequence[str]) -> Finding:
    """None of these header fields of what comes to an actor tells an inner address, plainly or merely encoded."""
    came = list(_came(events, actor))
    if not came:
        return unknown(f"nothing came to {actor}")
    seen = 0
    for event in came:
        message = Message.parse(event.data)
        for name in names:
            for value in message.get_all(name):
                seen += 1
                found = tells(value, hidden)
                if found:
                    return fails(f"{event.exchange}: {name} tells {found} to the far network", event.seq)
    if not seen:
        return unknown(f"no message to {actor} has {', '.join(names)}", *(event.seq for event in came[:5]))
    return holds(
        f"{seen} fields ({', '.join(names)}) tell {actor} no inner address", *(event.seq for event in came[:5])
    )


@predicate("inner-never-told")
def inner_never_told(events: Events, *, actor: str, hidden: Sequence[str]) -> Finding:
    """No message that comes to an actor tells an inner address, in whatever part of it."""
    came = list(_came(events, actor))
    if not came:
        return unknown(f"nothing came to {actor}")
    for event in came:
        message = Message.parse(event.data)
        parts = [(header.name, header.value) for header in message.headers]
        parts += [("the start line", message.start_line), ("the body", message.body.decode("utf-8", "replace"))]
        for name, text in parts:
            found = tells(text, hidden)
            if found:
                return fails(f"{event.exchange}: {name} tells {found} to the far network", event.seq)
    return holds(f"{len(came)} messages tell {actor} no inner address", *(event.seq for event in came[:5]))


@predicate("hidden-as-constants")
def hidden_as_constants(events: Events, *, exchange: str, other: str) -> Finding:
    """Two calls show the same route: what was hidden was replaced by constant values."""
    pair = _routes(events, exchange, other)
    if pair is None:
        return unknown("two calls are needed to compare what is hidden in them")
    if pair[0] == pair[1]:
        return holds(f"{exchange} and {other} show the same route of {len(pair[0])} entries")
    return fails(f"{exchange} and {other} show different routes: {pair[0][-1][:80]} and {pair[1][-1][:80]}")


@predicate("hidden-afresh")
def hidden_afresh(events: Events, *, exchange: str, other: str) -> Finding:
    """Two calls share no hidden entry: what was hidden was encrypted anew each time."""
    pair = _routes(events, exchange, other)
    if pair is None:
        return unknown("two calls are needed to compare what is hidden in them")
    shared = set(pair[0][1:]) & set(pair[1][1:])
    if shared:
        return fails(f"{exchange} and {other} share the hidden entry {min(shared)[:80]}")
    return holds(f"{exchange} and {other} share no hidden entry")


def tells(text: str, hidden: Sequence[str]) -> str:
    """The first inner address or name that a text tells (as it is, escaped, in base64 or hexadecimal), or ``""``."""
    for form in (text, unquote(text), *_decoded(text)):
        for one in hidden:
            if re.search(rf"(?<![\w.-]){re.escape(one)}(?![\w-]|\.\w)", form, re.IGNORECASE):
                return one
    return ""


def _decoded(text: str) -> Iterator[str]:
    for found in TOKEN.findall(text):
        for alphabet in (b"+/", b"-_"):
            try:
                data = base64.b64decode(found + "=" * (-len(found) % 4), altchars=alphabet)
            except (ValueError, binascii.Error):
                continue
            yield data.decode("latin-1")
    for found in HEXADECIMAL.findall(text):
        yield bytes.fromhex(found).decode("latin-1")


def _came(events: Events, actor: str) -> Iterator[Event]:
    return (e for e in events if e.actor == actor and e.kind is Kind.RECEIVED and e.facts.get("sip"))


def _routes(events: Events, *exchanges: str) -> tuple[list[str], list[str]] | None:
    found = []
    for name in exchanges:
        event = next((e for e in of_exchange(events, name) if e.kind is Kind.RECEIVED), None)
        routes = Message.parse(event.data).values("Record-Route") if event else []
        if len(routes) < 2:
            return None
        found.append(routes)
    return found[0], found[1]
