"""Was a request accepted or refused, and in which form?"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from imsproof.judge.effect import Result, effect, final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.seams import Event, Events

REDIRECTIONS = 300
UNAUTHORISED = (401, 403, 407)
DISBELIEVED = (
    "the UE does not believe the network: the MAC in AUTN is not what the subscriber's k and opc (or op) give; either"
    " the network does not know the key, or the profile has another"
)
AGREEMENT = (
    "it wants a security agreement: say so with gm.sec_agree: [ipsec-3gpp] and gm.sec_agree_required: true (or, of this"
    " subscriber alone, must_agree: true)"
)
LONGEST = 160
"""Characters of a server's words that a sentence repeats."""


@predicate("accepted")
def accepted(events: Events, *, exchange: str, accept: Sequence[int] | None = None) -> Finding:
    """The lab did what was asked (a 2xx, or one of ``accept``; a completed handshake when nothing was asked)."""
    seen = effect(events, exchange, accept)
    sentence = f"{exchange}: the lab {seen.how}"
    if seen.result is Result.ACCEPTED:
        return holds(sentence, seen.event)
    if seen.wanted:
        return unknown(f"{sentence}; it asks for a {seen.wanted}: fill in sbi.consumers", seen.event)
    if seen.result in {Result.UNREACHABLE, Result.UNKNOWN}:
        return unknown(sentence, seen.event)
    if wants_agreement(events, exchange):
        return unknown(f"{sentence}; {AGREEMENT}", seen.event)
    return fails(sentence + _why(events, exchange), seen.event)


def _why(events: Events, exchange: str) -> str:
    """The server's own words for an error (RFC 9457), or where it leads to instead, in brackets; or nothing.

    Of an answer to a challenge that was right by the profile: what may be wrong there.
    """
    own = of_exchange(events, exchange)
    answer = final_answer(own)
    if answer is None:
        return ""
    if any(event.facts.get("autn") == "wrong-mac" for event in own):
        return f" ({DISBELIEVED})"
    if answer.facts.get("status") in UNAUTHORISED and any(map(_proves, own)):
        return (
            " (the answer to its challenge was not taken: the profile's password, or k and opc, may not be the lab's)"
        )
    headers = {str(name).lower(): str(value) for name, value in answer.facts.get("headers", ())}
    if REDIRECTIONS <= int(answer.facts["status"]) < REDIRECTIONS + 100 and "location" in headers:
        return f" (it leads to {headers['location'][:LONGEST]}: the profile must say that address)"
    return _words(answer) + unauthorised(events, own, answer)


def _words(answer: Event) -> str:
    try:
        body = json.loads(answer.data)
    except (ValueError, RecursionError):
        return ""
    words = (
        [str(body[name]) for name in ("cause", "title", "detail") if body.get(name)] if isinstance(body, dict) else []
    )
    return f" ({': '.join(words)[:LONGEST]})" if words else ""


def unauthorised(events: Events, own: Sequence[Event], answer: Event) -> str:
    """What a producer on the SBI that answers 401 may lack, in brackets; or nothing."""
    sent = [event.facts for event in own if event.kind is Kind.SENT and event.transport == "h2"]
    asked = next((facts for facts in sent if "headers" in facts), {"headers": [("authorization", "")]})
    if not sent or answer.facts.get("status") != UNAUTHORISED[0] or str(asked.get("path")).endswith("/oauth2/token"):
        return ""
    if all(str(name).lower() != "authorization" for name, _ in asked["headers"]):
        return " (no access token went with it: fill in sbi.tokens, or sbi.nrf)"
    says = [str(event.facts["says"]) for event in events if event.seq < answer.seq and event.facts.get("says")]
    told = f", which says {says[-1]}" if says else ""
    return f" (it may not like the access token{told}: see sbi.tokens, and the producer's nf_type and scope)"


def wants_agreement(events: Events, exchange: str) -> bool:
    """Whether a REGISTER that offered no security agreement was refused for that (RFC 3329 2.3.1, unchecked)."""
    own = of_exchange(events, exchange)
    answer = final_answer(own)
    if answer is None or answer.facts.get("status") not in (421, 494):
        return False
    offered = any(event.kind is Kind.SENT and b"security-client" in event.data.lower() for event in own)
    return not offered and any(name in answer.data.lower() for name in (b"sec-agree", b"security-server"))


def _proves(event: Event) -> bool:
    """Whether a request with credentials was sent as it should be."""
    as_meant = event.kind is Kind.SENT and event.facts.get("sip") == "request" and not event.facts.get("injected")
    return as_meant and re.search(rb'(?i)authorization:[^\r\n]*response="[0-9a-f]', event.data) is not None


@predicate("refused")
def refused(events: Events, *, exchange: str, accept: Sequence[int] | None = None) -> Finding:
    """The lab did not do what was asked, at whichever layer it said so (alert, error status, reset, silence)."""
    seen = effect(events, exchange, accept)
    sentence = f"{exchange}: the lab {seen.how}"
    if seen.result in {Result.REFUSED, Result.SILENT, Result.UNREACHABLE}:
        return holds(sentence, seen.event)
    if seen.result is Result.ACCEPTED:
        return fails(sentence, seen.event)
    return unknown(sentence, seen.event)


@predicate("status-in")
def status_in(events: Events, *, exchange: str, statuses: Sequence[int]) -> Finding:
    """The final status is one of those that the clause names."""
    seen = effect(events, exchange)
    wanted = ", ".join(str(status) for status in statuses)
    if seen.status is None:
        return fails(f"{exchange}: the lab {seen.how}; expected status {wanted}", seen.event)
    found = f"{exchange}: status {seen.status}, expected {wanted}"
    return holds(found, seen.event) if seen.status in set(statuses) else fails(found, seen.event)


@predicate("alert-in")
def alert_in(events: Events, *, exchange: str, alerts: Sequence[str]) -> Finding:
    """The refusal came as one of the alerts that the clause or RFC names."""
    seen = effect(events, exchange)
    wanted = ", ".join(alerts)
    found = f"{exchange}: {'alert ' + seen.alert if seen.alert else 'the lab ' + seen.how}; expected alert {wanted}"
    return holds(found, seen.event) if seen.alert in set(alerts) else fails(found, seen.event)


@predicate("oauth-error")
def oauth_error(events: Events, *, exchange: str, errors: Sequence[str]) -> Finding:
    """The refusal names an OAuth 2.0 error, in WWW-Authenticate (RFC 6750) or in the JSON body (RFC 6749)."""
    answer = final_answer(of_exchange(events, exchange))
    if answer is None:
        return fails(f"{exchange}: no answer that could name an error; expected {', '.join(errors)}")
    found: set[str] = set()
    for name, value in answer.facts.get("headers", []):
        if str(name).lower() == "www-authenticate":
            found.update(re.findall(r'error="?([a-z_]+)', str(value)))
    try:
        body = json.loads(answer.data)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        nested = body.get("accessTokenError")
        for place in (body, nested if isinstance(nested, dict) else {}):
            if isinstance(place.get("error"), str):
                found.add(place["error"])
    sentence = f"{exchange}: names {', '.join(sorted(found)) or 'no OAuth error'}; expected {' or '.join(errors)}"
    return holds(sentence, answer.seq) if found & set(errors) else fails(sentence, answer.seq)


@predicate("serves")
def serves(events: Events, *, exchanges: Sequence[str], accept: Sequence[int] | None = None) -> Finding:
    """The lab still serves: at least one of the probes was accepted (throttling one source is not being dead)."""
    seen = [effect(events, name, accept) for name in exchanges]
    good = [one for one in seen if one.result is Result.ACCEPTED]
    if good and good[0] is seen[0]:
        return holds(f"the lab still serves: {exchanges[0]} {good[0].how}", good[0].event)
    if good:
        return holds("silent towards this source but serves another: throttled, not dead", good[0].event)
    told = "; ".join(f"{name} {one.how}" for name, one in zip(exchanges, seen, strict=True))
    if any(one.result is Result.UNKNOWN for one in seen):
        return unknown(
            f"whether the lab still serves cannot be told: {told}", *(one.event for one in seen if one.event)
        )
    return fails(f"the lab no longer serves: {told}", *(one.event for one in seen if one.event))
