"""What messages tell whom: software, private data, the inside of nodes, and who is a subscriber."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError
from imsproof.codec.sipauth import parse_challenge
from imsproof.judge.effect import final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imsproof.seams import Events

BANNERS = ("Server", "User-Agent")
VERSION = re.compile(r"[/ v(]\d+(\.\d+)+|/\d+\b", re.IGNORECASE)
TELLTALES = (
    (re.compile(r"(?:^|[\s\"'(=])(?:/[\w.-]+){3,}"), "a path in its file system"),
    (re.compile(r"[A-Z]:\\\w+"), "a path in its file system"),
    (re.compile(r"Traceback|stack trace|\bat [\w.$]+\([\w.]+:\d+\)|\bline \d+", re.IGNORECASE), "where in its code"),
    (re.compile(r"\w+\.(?:c|cc|cpp|py|java|go|lua|erl):\d+"), "where in its code"),
    (re.compile(r"\b\w*(?:Exception|KeyError|ValueError|NullPointer)\w*\b"), "an exception's name"),
    (re.compile(r"\bSELECT\b.+\bFROM\b|\bSQLSTATE\b|\bSQL syntax\b", re.IGNORECASE), "a database's words"),
    (re.compile(r"Noisy feedback|\bpid=\d+", re.IGNORECASE), "its process"),
)
"""What an error answer must not tell: patterns, and what they give away."""

PRODUCT = re.compile(r"\b(?!SIP/)[A-Za-z][\w-]*/v?\d+(?:\.\d+)+")
"""A product and its version within a text."""


@predicate("no-version-told")
def no_version_told(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """No answer names a product with its version (RFC 3261 20.35: it helps who looks for known holes)."""
    answers = list(_answers(events, exchanges))
    if not answers:
        return unknown("there was no answer in which a product could be named")
    for event, message in answers:
        for name in BANNERS:
            for value in message.get_all(name):
                if VERSION.search(value):
                    return fails(f"{event.exchange}: {name} tells {value[:80]}", event.seq)
        for one in message.headers:
            found = PRODUCT.search(one.value) if one.key in _TEXTS else None
            if found is not None:
                return fails(f"{event.exchange}: {one.name} tells {found[0][:80]}", event.seq)
    return holds(f"none of {len(answers)} answers tells a version", *(event.seq for event, _ in answers))


@predicate("no-product-told")
def no_product_told(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """No answer names a product at all."""
    for event, message in _answers(events, exchanges):
        for name in BANNERS:
            if message.get(name):
                return fails(f"{event.exchange}: {name} tells {(message.get(name) or '')[:80]}", event.seq)
    return holds("no answer names a product")


@predicate("errors-tell-nothing")
def errors_tell_nothing(events: Events, *, exchanges: Sequence[str]) -> Finding:
    """No error answer tells of the node's inside: code, files, database, process."""
    errors = [(event, message) for event, message in _answers(events, exchanges) if message.status >= 400]
    if not errors:
        return unknown("there was no error answer to read")
    for event, message in errors:
        body = message.body.decode("utf-8", "replace")
        texts = [message.reason, *(one.value for one in message.headers if one.key in _TEXTS), body]
        for text in texts:
            for pattern, what in TELLTALES:
                found = pattern.search(text)
                if found:
                    return fails(f"{event.exchange}: {message.status} tells {what}: {found[0].strip()[:80]}", event.seq)
    return holds(f"none of {len(errors)} error answers tells of the node's inside", *(e.seq for e, _ in errors))


_TEXTS = {"warning", "reason", "error-info", "x-error", "x-reason"}


@predicate("never-told")
def never_told(events: Events, *, actor: str, texts: Mapping[str, str]) -> Finding:
    """None of these texts (name to text) is in any message that came to an actor."""
    came = [e for e in events if e.actor == actor and e.kind is Kind.RECEIVED and e.facts.get("sip")]
    if not came:
        return unknown(f"nothing came to {actor}")
    for event in came:
        lower = event.data.decode("utf-8", "replace").lower()
        for what, text in texts.items():
            if text.lower() in lower:
                kind = event.facts.get("method") if event.facts.get("sip") == "request" else event.facts.get("status")
                return fails(f"{event.exchange}: {kind} told {actor} {what} ({text})", event.seq)
    return holds(f"none of {len(came)} messages told {actor} {', '.join(texts)}")


@predicate("headers-never-told")
def headers_never_told(events: Events, *, actor: str, names: Sequence[str]) -> Finding:
    """None of these header fields is in any message that came to an actor."""
    came = [e for e in events if e.actor == actor and e.kind is Kind.RECEIVED and e.facts.get("sip")]
    if not came:
        return unknown(f"nothing came to {actor}")
    for event in came:
        shown = [name for name in names if Message.parse(event.data).get(name) is not None]
        if shown:
            return fails(f"{event.exchange}: {actor} was given {', '.join(shown)}", event.seq)
    return holds(f"none of {len(came)} messages gave {actor} {', '.join(names)}")


@predicate("answers-alike")
def answers_alike(events: Events, *, exchange: str, other: str) -> Finding:
    """Two answers are of one kind: status, header fields and the form of the challenge."""
    pair = []
    for name in (exchange, other):
        answer = final_answer(of_exchange(events, name))
        if answer is None:
            return unknown(f"{name}: no answer to compare")
        pair.append(answer)
    first, second = (_shape(Message.parse(event.data)) for event in pair)
    for what, value in first.items():
        if value != second[what]:
            return fails(f"{what} differs: {value} for {exchange}, {second[what]} for {other}", *(e.seq for e in pair))
    return holds(f"{exchange} and {other} are answered alike ({first['the status']})", *(e.seq for e in pair))


def _shape(message: Message) -> dict[str, object]:
    shape: dict[str, object] = {
        "the status": message.status,
        "the reason": message.reason,
        "the list of headers": sorted({header.key for header in message.headers}),
        "whether there is a body": bool(message.body),
    }
    for name in ("WWW-Authenticate", "Proxy-Authenticate"):
        for number, value in enumerate(message.get_all(name)):
            try:
                _, params = parse_challenge(value)
            except SipSyntaxError:
                continue
            shape[f"the form of {name} {number + 1}"] = sorted(params)
            for one in ("realm", "algorithm", "qop"):
                shape[f"{one} of {name} {number + 1}"] = params.get(one)
            shape[f"the length of the nonce of {name} {number + 1}"] = len(params.get("nonce", ""))
    return _Shape(shape)


class _Shape(dict[str, object]):
    """A part that the other answer lacks compares as ``None``."""

    def __missing__(self, key: str) -> None:
        return None


def _answers(events: Events, exchanges: Sequence[str]) -> Iterator[tuple[Event, Message]]:
    for event in events:
        if event.exchange in exchanges and event.kind is Kind.RECEIVED and event.facts.get("sip") == "response":
            yield event, Message.parse(event.data)


@predicate("not-named-in")
def not_named_in(
    events: Events, *, exchange: str, method: str, names: Sequence[str], texts: Mapping[str, str]
) -> Finding:
    """None of these texts stands in these header fields of the request that arrived."""
    event = next(
        (
            e
            for e in of_exchange(events, exchange)
            if e.kind is Kind.RECEIVED and e.facts.get("sip") == "request" and e.facts.get("method") == method
        ),
        None,
    )
    if event is None:
        return unknown(f"{exchange}: no {method} arrived")
    message = Message.parse(event.data)
    for name in names:
        value = " ".join(message.get_all(name)).lower()
        told = next((what for what, text in texts.items() if text.lower() in value), None)
        if told is not None:
            return fails(f"{exchange}: {name} tells {told}", event.seq)
    return holds(f"{exchange}: {', '.join(names)} tell none of {', '.join(texts)}", event.seq)


@predicate("reginfo-ids-opaque")
def reginfo_ids_opaque(events: Events, *, exchange: str, identities: Sequence[str]) -> Finding:
    """The ids in a document of registration states are made of no identity, and the first identity is not in it.

    Args:
        events: the journal.
        exchange: the NOTIFY.
        identities: the private identity first, then the public ones, which the document may name outside of ids.
    """
    event = next((e for e in of_exchange(events, exchange) if e.kind is Kind.RECEIVED and e.data), None)
    body = Message.parse(event.data).body.decode("utf-8", "replace") if event else ""
    ids = re.findall(r"""\bid\s*=\s*["']([^"']*)["']""", body)
    if event is None or not ids:
        return unknown(f"{exchange}: there is no document with ids", *([event.seq] if event else []))
    parts = [one.partition(":")[2] if one.startswith(("sip", "tel")) else one for one in identities]
    users = {part.partition("@")[0].lstrip("+").lower() for part in parts}
    for one in ids:
        if any(user and user in one.lower() for user in users):
            return fails(f"{exchange}: the id {one[:80]} is made of an identity", event.seq)
    private = identities[0]
    if private not in identities[1:] and private.lower() in body.lower():
        return fails(f"{exchange}: the document tells the private identity {private}", event.seq)
    return holds(f"{exchange}: {len(ids)} ids tell no identity", event.seq)
