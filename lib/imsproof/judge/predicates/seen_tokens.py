"""What a capture shows of access tokens on the SBI: what was issued, and what was served for them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from imsproof.codec.jose import JoseSyntaxError, Parts, parse_unverified
from imsproof.judge.passive import Look, tally
from imsproof.judge.registry import Finding, predicate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.seams import Event, Events

SERVICE = re.compile(r"/(n[a-z0-9]+-[a-z0-9-]+)/v\d")
CLAIMS = ("iss", "sub", "aud", "scope", "exp")
LEEWAY = 60
"""Seconds by which clocks, and the time of a packet in a long connection, may be off."""
VERSION = re.compile(r"\d+\.\d+")


class _Call(NamedTuple):
    request: Event
    answer: Event
    token: Parts
    service: str


def _header(event: Event, name: str) -> list[str]:
    return [str(value) for key, value in event.facts.get("headers", []) if str(key).lower() == name]


def _pairs(events: Events) -> Iterator[tuple[Event, Event]]:
    """Yield each request of HTTP/2 with its final answer."""
    waiting: dict[tuple[str, bool], list[Event]] = defaultdict(list)
    answers: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.transport == "h2" and "method" in event.facts:
            waiting[event.exchange, True].append(event)
        elif event.transport == "h2" and int(event.facts.get("status", 0)) >= 200:
            answers[event.exchange].append(event)
    for (exchange, _), requests in waiting.items():
        yield from zip(requests, answers.get(exchange, []), strict=False)


def _served(events: Events) -> Iterator[_Call]:
    """Yield the requests with an access token that were served."""
    for request, answer in _pairs(events):
        scheme, _, text = next(iter(_header(request, "authorization")), "").partition(" ")
        if scheme.lower() != "bearer" or not 200 <= int(answer.facts["status"]) < 300:
            continue
        try:
            token = parse_unverified(text.strip())
        except JoseSyntaxError:
            continue
        found = SERVICE.search(str(request.facts.get("path", "")).partition("?")[0])
        yield _Call(request, answer, token, found[1] if found else "")


@predicate("seen-token-signed")
def seen_token_signed(events: Events) -> Finding:
    """Nothing is served for an unsecured token."""
    looks = []
    for call in _served(events):
        algorithm = str(call.token.header.get("alg", ""))
        bare = algorithm.strip().lower() in {"", "none"} or not call.token.signature
        looks.append(
            Look(call.answer, f"{_name(call)} was served for a token without signature (alg {algorithm})" * bare)
        )
    return tally(looks, "requests with a token that were served")


@predicate("seen-token-in-date")
def seen_token_in_date(events: Events) -> Finding:
    """Nothing is served for a token that is over, or that never is."""
    return tally([Look(one.answer, _date(one)) for one in _served(events)], "requests with a token that were served")


def _date(call: _Call) -> str:
    expiry = call.token.claims.get("exp")
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        return f"{_name(call)} was served for a token that never expires"
    over = datetime.fromisoformat(call.request.utc).timestamp() - expiry
    return f"{_name(call)} was served for a token that was over for {over:.0f} s" if over > LEEWAY else ""


@predicate("seen-token-scope")
def seen_token_scope(events: Events) -> Finding:
    """No service is given for a token whose scope is another service."""
    looks = []
    for call in _served(events):
        scope = call.token.claims.get("scope")
        if call.service and isinstance(scope, str):
            granted = {one.partition(":")[0] for one in scope.split()}
            wrong = f"{_name(call)} was served for a token with the scope {scope[:80]!r}"
            looks.append(Look(call.answer, "" if call.service in granted else wrong))
    return tally(looks, "requests for a service that were served")


@predicate("seen-token-audience")
def seen_token_audience(events: Events) -> Finding:
    """No service is given for a token whose audience is another type of network function."""
    looks = []
    for call in _served(events):
        audience = call.token.claims.get("aud")
        if call.service and isinstance(audience, str) and not _is_instance(audience):
            owner = call.service.partition("-")[0][1:]
            wrong = f"{_name(call)} was served for a token whose audience is {audience[:80]}"
            looks.append(Look(call.answer, "" if _plain(audience) == owner else wrong))
    return tally(looks, "requests for a service that were served")


def _is_instance(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None or ":" in text


def _plain(nf_type: str) -> str:
    return re.sub(r"[^a-z0-9]", "", nf_type.lower())


def _name(call: _Call) -> str:
    return f"{call.request.facts['method']} {str(call.request.facts.get('path', ''))[:80]}"


def _issued(events: Events) -> Iterator[tuple[Event, str]]:
    for request, answer in _pairs(events):
        path = str(request.facts.get("path", "")).partition("?")[0]
        if path.endswith("/oauth2/token") and int(answer.facts["status"]) == 200:
            try:
                value = json.loads(answer.data)
            except (ValueError, RecursionError):
                continue
            text = value.get("access_token") if isinstance(value, dict) else None
            if isinstance(text, str):
                yield answer, text


@predicate("seen-issued-token")
def seen_issued_token(events: Events) -> Finding:
    """Tokens are issued signed, with the claims that every token has, and are not over already."""
    return tally([Look(answer, _wrong(answer, text)) for answer, text in _issued(events)], "tokens issued")


def _wrong(answer: Event, text: str) -> str:
    try:
        token = parse_unverified(text)
    except JoseSyntaxError as error:
        return f"what was issued is no signed token: {error}"
    missing = [name for name in CLAIMS if token.claims.get(name) in (None, "", [])]
    if str(token.header.get("alg", "")).strip().lower() in {"", "none"} or not token.signature:
        return "the token is not signed"
    if missing:
        return f"the token lacks {', '.join(missing)}"
    expiry: Any = token.claims["exp"]
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        return f"the token's exp is {expiry!r}"
    over = datetime.fromisoformat(answer.utc).timestamp() - expiry
    return f"the token was over for {over:.0f} s when it was issued" if over > LEEWAY else ""


@predicate("seen-token-not-stored")
def seen_token_not_stored(events: Events) -> Finding:
    """Answers with a token say that they must not be stored."""
    looks = []
    for answer, _ in _issued(events):
        told = ", ".join(_header(answer, "cache-control")) or "absent"
        looks.append(Look(answer, "" if "no-store" in told.lower() else f"Cache-Control is {told}"))
    return tally(looks, "tokens issued")


@predicate("seen-sbi-clear")
def seen_sbi_clear(events: Events, *, claimed: bool = False) -> Finding:
    """Nothing of the SBI is served in clear; where TLS is not claimed, other means may protect it."""
    looks = []
    for event, answer in _pairs(events):
        path = str(event.facts.get("path", ""))
        ours = SERVICE.search(path) or path.endswith("/oauth2/token") or _header(event, "authorization")
        if not ours:
            continue
        told = f"{event.facts['method']} {path[:80]} was served in clear"
        if not event.facts.get("clear") or int(answer.facts["status"]) >= 400:
            looks.append(Look(event))
        elif claimed:
            looks.append(Look(event, told))
        else:
            looks.append(Look(event, doubt=f"{told}: is that leg protected by other means (NDS/IP)?"))
    return tally(looks, "requests on the SBI")


@predicate("seen-sbi-product")
def seen_sbi_product(events: Events) -> Finding:
    """No answer on the SBI names a product with its version."""
    looks = []
    for _, answer in _pairs(events):
        told = [v for name in ("server", "x-powered-by") for v in _header(answer, name) if VERSION.search(v)]
        looks.append(Look(answer, f"an answer names {told[0][:80]}" if told else ""))
    return tally(looks, "answers on the SBI")
