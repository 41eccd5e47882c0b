"""What the bootstrap channel's HTTP gives to a subscriber, and what it must keep from it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from imsproof.judge.effect import FINAL, Result, effect, final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Event, Events

MULTIPART = 1024
"""Octets that an answer in parts may need beside its contents."""
VIA_PROTOCOL = re.compile(r"(?:^|,)\s*(?:[A-Za-z]+/)?\d(?:\.\d)?(?=\s)")
"""The protocol that each entry of Via begins with (RFC 9110 section 7.6.3); it is no product's version."""
STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3} ")


def _body(events: Events, exchange: str) -> tuple[Event, bytes] | None:
    answer = final_answer(of_exchange(events, exchange))
    return (answer, answer.data) if answer is not None else None


@predicate("body-holds")
def body_holds(events: Events, *, exchange: str, words: Sequence[str]) -> Finding:
    """The answer's body names all of ``words``."""
    found = _body(events, exchange)
    if found is None:
        return fails(f"{exchange}: no answer came: the lab {effect(events, exchange).how}")
    text = found[1].decode("utf-8", "replace").lower()
    missing = [word for word in words if word.lower() not in text]
    if missing:
        return fails(f"{exchange}: the answer does not name {', '.join(missing)}", found[0].seq)
    return holds(f"{exchange}: the answer names {', '.join(words)}", found[0].seq)


@predicate("body-lacks")
def body_lacks(events: Events, *, exchange: str, words: Sequence[str]) -> Finding:
    """No answer with a success status names any of ``words``: what is not this subscriber's stays away from it."""
    found = _body(events, exchange)
    if found is None:
        return holds(f"{exchange}: no answer came: the lab {effect(events, exchange).how}")
    status = int(found[0].facts["status"])
    if status >= FINAL + 100:
        return holds(f"{exchange}: answered {status}", found[0].seq)
    text = found[1].decode("utf-8", "replace").lower()
    named = [word for word in words if word.lower() in text]
    if named:
        return fails(f"{exchange}: the answer names {', '.join(named)}, not this subscriber's", found[0].seq)
    return holds(f"{exchange}: the answer ({status}) names none of {', '.join(words)}", found[0].seq)


@predicate("answer-bounded")
def answer_bounded(events: Events, *, exchange: str, listed: str, times: int) -> Finding:
    """The answer is no longer than ``times`` the one to the same request without what was meant to make it long."""
    found, plain = _body(events, exchange), _body(events, listed)
    if found is None:
        return holds(f"{exchange}: no answer came: the lab {effect(events, exchange).how}")
    if plain is None:
        return unknown(f"{listed}: no answer came that could be compared")
    sentence = f"{exchange}: {len(found[1])} octets were answered, {len(plain[1])} to the plain request"
    bounded = len(found[1]) <= times * max(len(plain[1]), MULTIPART)
    return holds(sentence, found[0].seq, plain[0].seq) if bounded else fails(sentence, found[0].seq, plain[0].seq)


@predicate("nothing-else-given")
def nothing_else_given(events: Events, *, exchange: str, listed: str) -> Finding:
    """What was asked for is not given: an error, or no more than the list that the subscriber may see anyway."""
    found, listing = _body(events, exchange), _body(events, listed)
    if found is None:
        return holds(f"{exchange}: no answer came: the lab {effect(events, exchange).how}")
    status = int(found[0].facts["status"])
    if status >= FINAL + 100 or not found[1]:
        return holds(f"{exchange}: answered {status}", found[0].seq)
    if listing is not None and found[1] == listing[1]:
        return holds(f"{exchange}: answered with the subscriber's own list", found[0].seq, listing[0].seq)
    return fails(f"{exchange}: answered {status} with {len(found[1])} bytes", found[0].seq)


@predicate("answers-at-most")
def answers_at_most(events: Events, *, exchange: str, count: int) -> Finding:
    """Not more HTTP answers came than requests were sent: none was smuggled in."""
    own = of_exchange(events, exchange)
    if not any(event.kind is Kind.SENT for event in own):
        return unknown(f"{exchange}: nothing was sent")
    got = b"".join(event.data for event in own if event.kind is Kind.RECEIVED and "ppid" in event.facts)
    answers = len(STATUS_LINE.findall(got))
    last = own[-1].seq
    if answers > count:
        return fails(f"{exchange}: {answers} answers came to {count} request", last)
    return holds(f"{exchange}: {answers} answers came, at most {count} may", last)


@predicate("package-intact")
def package_intact(events: Events, *, exchange: str, listed: str, path: str) -> Finding:
    """The package has the hash that the list gives for it."""
    listing, package = _body(events, listed), _body(events, exchange)
    if listing is None or package is None:
        return unknown(f"{exchange}: list or package did not come")
    wanted = listed_hash(listing[1], path)
    if not wanted:
        return unknown(f"{listed}: the list gives no sha256 for {path}", listing[0].seq)
    found = hashlib.sha256(package[1]).hexdigest()
    numbers = (listing[0].seq, package[0].seq)
    if found != wanted.lower():
        return fails(f"{exchange}: the package has SHA-256 {found}, the list says {wanted}", *numbers)
    return holds(f"{exchange}: the package has the SHA-256 that the list gives", *numbers)


def listed_hash(listing: bytes, path: str) -> str:
    """The ``sha256`` that stands beside ``url: path`` in a list in JSON, or ``""``."""
    try:
        entries = json.loads(listing).get("applications", [])
    except (ValueError, RecursionError, AttributeError):
        return ""
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("url") == path and isinstance(entry.get("sha256"), str):
            return str(entry["sha256"])
    return ""


@predicate("no-product-version")
def no_product_version(events: Events, *, exchange: str) -> Finding:
    """No header of the answer tells product and version (TS 33.117 clause 4.3.4.11)."""
    answer = final_answer(of_exchange(events, exchange))
    if answer is None:
        seen = effect(events, exchange)
        silent = seen.result in {Result.SILENT, Result.REFUSED}
        return (holds if silent else unknown)(f"{exchange}: no answer came, so that nothing was told", seen.event)
    for name, value in answer.facts.get("headers", []):
        told = VIA_PROTOCOL.sub("", str(value)) if str(name).lower() == "via" else str(value)
        if str(name).lower() in {"server", "x-powered-by", "via"} and re.search(r"\d+\.\d+", told):
            return fails(f"{exchange}: {name}: {value}", answer.seq)
    return holds(f"{exchange}: no header tells product and version", answer.seq)
