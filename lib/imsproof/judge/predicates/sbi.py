"""What only the service-based interfaces have: issued tokens, response headers, a lab that was led to the tester."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from imsproof.codec.jose import JoseSyntaxError, Parts, parse_unverified
from imsproof.judge.effect import Result, effect, final_answer, of_exchange
from imsproof.judge.registry import Finding, fails, holds, predicate, unknown
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imsproof.seams import Event, Events


UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@predicate("nobody-came")
def nobody_came(events: Events, *, exchange: str) -> Finding:
    """Nobody connected to the address that the tester had named in a request."""
    own = of_exchange(events, exchange)
    if not any(event.facts.get("listening") for event in own):
        return unknown(f"{exchange}: the tester did not listen")
    came = next((event for event in own if event.kind is Kind.RECEIVED), None)
    if came is None:
        return holds(f"{exchange}: the lab did not connect to the address that the request named")
    return fails(f"{exchange}: the lab connected to the address that the request named", came.seq)


@predicate("response-header")
def response_header(events: Events, *, exchange: str, name: str, contains: str) -> Finding:
    """The final answer has a header of this name with this directive in it (case does not matter)."""
    answer = final_answer(of_exchange(events, exchange))
    if answer is None:
        return unknown(f"{exchange}: no answer")
    values = [str(value) for key, value in answer.facts.get("headers", []) if str(key).lower() == name.lower()]
    directives = {part.strip().lower() for value in values for part in value.split(",")}
    found = f"{exchange}: {name}: {', '.join(values) or 'absent'}"
    if contains.lower() in directives:
        return holds(found, answer.seq)
    return fails(f"{found}; expected {contains}", answer.seq)


@predicate("token-claims")
def token_claims(events: Events, *, exchange: str, expected: Mapping[str, Sequence[Any]]) -> Finding:
    """Each named claim of the issued token has one of these values; a list of values in it counts as any of them."""
    seen = _issued(events, exchange)
    if isinstance(seen, Finding):
        return seen
    answer, token = seen
    for name, allowed in expected.items():
        value = token.claims.get(name)
        held = value if isinstance(value, list) else [value]
        if not held or not all(_same(one, allowed) for one in held):
            wanted = " or ".join(str(one) for one in allowed)
            return fails(f"{exchange}: the token's {name} is {_short(value)}, expected {wanted}", answer.seq)
    return holds(f"{exchange}: the token's {', '.join(expected)} are right", answer.seq)


@predicate("token-audience")
def token_audience(events: Events, *, exchange: str, nf_type: str = "", instance_id: str = "") -> Finding:
    """The issued token is for producers of the type that was asked for: by its name, or by their instance ids.

    Which other instances of the type there are only the NRF knows: where one's own is among them, they may be, too.
    """
    seen = _issued(events, exchange)
    if isinstance(seen, Finding):
        return seen
    answer, token = seen
    value = token.claims.get("aud")
    held = value if isinstance(value, list) else [value]
    own = [name for name in (nf_type, instance_id) if name]
    known = [one for one in held if _same(one, own)]
    instances = [one for one in held if isinstance(one, str) and UUID.fullmatch(one)]
    strange = [one for one in held if one not in known and one not in instances]
    if not held or strange or (instances and not known and instance_id):
        return fails(f"{exchange}: the token's aud is {_short(value)}, expected {' or '.join(own)}", answer.seq)
    return holds(f"{exchange}: the token's aud is {_short(value)}", answer.seq)


@predicate("token-scope")
def token_scope(events: Events, *, exchange: str, allowed: Sequence[str]) -> Finding:
    """The issued token's scope names nothing beyond what was asked for."""
    seen = _issued(events, exchange)
    if isinstance(seen, Finding):
        return seen
    answer, token = seen
    granted = str(token.claims.get("scope", "")).split()
    more = [one for one in granted if one not in allowed]
    if not granted or more:
        return fails(f"{exchange}: the token's scope is {_short(token.claims.get('scope'))}", answer.seq)
    return holds(f"{exchange}: the token's scope is {' '.join(granted)}", answer.seq)


@predicate("token-lifetime")
def token_lifetime(events: Events, *, exchange: str, longest: int) -> Finding:
    """The issued token expires, and no later than ``longest`` seconds after it was received."""
    seen = _issued(events, exchange)
    if isinstance(seen, Finding):
        return seen
    answer, token = seen
    expiry = token.claims.get("exp")
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        return fails(f"{exchange}: the token has no expiry (exp is {_short(expiry)})", answer.seq)
    left = expiry - datetime.fromisoformat(answer.utc).timestamp()
    if left <= 0:
        return fails(f"{exchange}: the token had expired when it was issued ({left:.0f} s)", answer.seq)
    if left > longest:
        return fails(f"{exchange}: the token lives for {left:.0f} s, at most {longest} s expected", answer.seq)
    return holds(f"{exchange}: the token lives for {left:.0f} s", answer.seq)


@predicate("token-signed")
def token_signed(events: Events, *, exchange: str, public_key: str = "") -> Finding:
    """The issued token is signed (RFC 7515); with ``public_key`` (PEM), that the signature is the key's."""
    seen = _issued(events, exchange)
    if isinstance(seen, Finding):
        return seen
    answer, token = seen
    algorithm = str(token.header.get("alg"))
    if algorithm.strip().lower() in {"none", ""} or not token.signature:
        return fails(f"{exchange}: the token is not signed (alg {algorithm})", answer.seq)
    if not public_key:
        return holds(f"{exchange}: the token carries a signature with {algorithm}", answer.seq)
    verified = _verified(_text(answer), algorithm, public_key)
    if verified is None:
        return unknown(f"{exchange}: a signature with {algorithm} cannot be checked with the key at hand", answer.seq)
    if not verified:
        return fails(f"{exchange}: the token's signature is not the authorization server's", answer.seq)
    return holds(f"{exchange}: the token's signature ({algorithm}) is the authorization server's", answer.seq)


def _issued(events: Events, exchange: str) -> tuple[Event, Parts] | Finding:
    answer = final_answer(of_exchange(events, exchange))
    seen = effect(events, exchange)
    if answer is None or seen.result is not Result.ACCEPTED:
        return unknown(f"{exchange}: no token was issued: the lab {seen.how}", seen.event)
    try:
        return answer, parse_unverified(_text(answer))
    except JoseSyntaxError as error:
        return unknown(f"{exchange}: what was issued is no signed token that can be read: {error}", answer.seq)


def _text(answer: Event) -> str:
    try:
        value = json.loads(answer.data)
    except (ValueError, RecursionError):
        return ""
    text = value.get("access_token") if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""


def _same(value: object, allowed: Sequence[Any]) -> bool:
    return any(str(value).lower() == str(one).lower() for one in allowed)


def _short(value: object) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _verified(token: str, algorithm: str, public_key: str) -> bool | None:
    """Whether the signature is the key's; ``None`` when key and algorithm do not go together."""
    signed, _, _ = token.rpartition(".")
    signature = parse_unverified(token).signature
    try:
        key = serialization.load_pem_public_key(public_key.encode("ascii"))
    except ValueError:
        return None
    try:
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
            half = len(signature) // 2
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            key.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))
        elif algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        elif algorithm == "PS256" and isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
            key.verify(signature, signed.encode(), pss, hashes.SHA256())
        else:
            return None
    except InvalidSignature:
        return False
    return True


@predicate("json-equals")
def json_equals(events: Events, *, exchange: str, path: Sequence[str], value: Any) -> Finding:
    """The JSON value at a path (names of members) of the final answer's body is this one."""
    answer = final_answer(of_exchange(events, exchange))
    where = ".".join(path)
    if answer is None:
        return unknown(f"{exchange}: no answer")
    try:
        found = json.loads(answer.data)
    except (ValueError, RecursionError):
        return unknown(f"{exchange}: the answer is not JSON", answer.seq)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if found == value:
        return holds(f"{exchange}: {where} is {_short(found)}", answer.seq)
    return fails(f"{exchange}: {where} is {_short(found)}, not {_short(value)}", answer.seq)


@predicate("not-discovered")
def not_discovered(events: Events, *, exchange: str, instance_id: str = "", nf_type: str = "") -> Finding:
    """A discovery was refused, or its result holds no such NF instance (none of this type, where no id is known)."""
    seen = effect(events, exchange)
    answer = final_answer(of_exchange(events, exchange))
    if answer is None or seen.result is not Result.ACCEPTED:
        told = f"{exchange}: the lab {seen.how}"
        return unknown(told, seen.event) if seen.result is Result.UNKNOWN else holds(told, seen.event)
    try:
        found = json.loads(answer.data).get("nfInstances", [])
        shown = [one for one in found if _is(one, instance_id, nf_type)]
    except (ValueError, RecursionError, AttributeError, TypeError):
        return unknown(f"{exchange}: the answer is no search result", answer.seq)
    if shown:
        return fails(f"{exchange}: the NRF showed {instance_id or nf_type}", answer.seq)
    return holds(f"{exchange}: the NRF did not show {instance_id or nf_type}", answer.seq)


def _is(profile: Any, instance_id: str, nf_type: str) -> bool:
    if instance_id:
        return str(profile.get("nfInstanceId", "")).lower() == instance_id.lower()
    return bool(profile.get("nfType") == nf_type)


@predicate("refused-in-form")
def refused_in_form(events: Events, *, exchange: str, alerts: Sequence[str], statuses: Sequence[int]) -> Finding:
    """The refusal came as a fitting alert, or as a fitting HTTP status after a completed handshake."""
    seen = effect(events, exchange)
    sentence = f"{exchange}: the lab {seen.how}"
    if seen.alert in set(alerts) or seen.status in set(statuses):
        return holds(sentence, seen.event)
    wanted = " or ".join(str(status) for status in statuses)
    return fails(f"{sentence}; an alert about the certificate or status {wanted} was expected", seen.event)
