"""What a capture shows of SIP on Gm: challenges, security agreements, what UEs are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.aka import AkaError, decode_nonce
from imsproof.codec.secagree import parse_mechanisms, same_list
from imsproof.codec.sipaddress import SipSyntaxError
from imsproof.codec.sipauth import parse_challenge
from imsproof.judge.passive import Legs, Look, answered, aor, messages, tally, transaction
from imsproof.judge.predicates.privacy import VERSION
from imsproof.judge.registry import Finding, predicate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.codec.secagree import SecMechanism
    from imsproof.codec.sip import Message
    from imsproof.judge.passive import Transaction
    from imsproof.seams import Event, Events

KEYS = ("ck", "ik")
OWN = {100, 401, 407, 421, 494}
"""Answers that a node of the network gives by itself, not another UE."""


def _challenges(events: Events) -> Iterator[tuple[Event, Message, dict[str, str]]]:
    """Yield the challenges of AKA that a UE is given."""
    legs = Legs(events)
    for event, message in messages(events):
        if message.is_request or message.status not in {401, 407} or not legs.is_ue(event.remote):
            continue
        for value in [*message.get_all("WWW-Authenticate"), *message.get_all("Proxy-Authenticate")]:
            try:
                params = parse_challenge(value)[1]
            except SipSyntaxError:
                continue
            if params.get("algorithm", "").lower().startswith("akav"):
                yield event, message, params


@predicate("seen-keys-told")
def seen_keys_told(events: Events) -> Finding:
    """No challenge tells a UE, and whoever listens, CK or IK."""
    looks = []
    for event, _, params in _challenges(events):
        told = [name for name in KEYS if name in params]
        looks.append(Look(event, f"the challenge tells {' and '.join(told)}" if told else ""))
    return tally(looks, "AKA challenges")


@predicate("seen-rand-fresh")
def seen_rand_fresh(events: Events) -> Finding:
    """No two challenges have the same RAND; the same answer sent again is one challenge."""
    first: dict[bytes, tuple[str, str]] = {}
    looks = []
    for event, message, params in _challenges(events):
        try:
            rand = decode_nonce(params.get("nonce", ""))[0]
        except AkaError:
            continue
        call = message.get("Call-ID") or "", message.get("CSeq") or ""
        again = first.setdefault(rand, call) != call
        looks.append(Look(event, f"RAND {rand.hex()} was used before" if again else ""))
    return tally(looks, "AKA challenges")


def _lists(message: Message, name: str) -> list[SecMechanism]:
    try:
        return parse_mechanisms(message.get_all(name))
    except SipSyntaxError:
        return []


def _registrations(events: Events, legs: Legs) -> Iterator[tuple[Event, Message, Message | None]]:
    """Yield what UEs send to register, with the final answer."""
    done = answered(events)
    for event, message in messages(events):
        if message.is_request and message.method == "REGISTER" and legs.is_ue(event.local):
            answer = done.get(transaction(message))
            yield event, message, answer[1] if answer else None


@predicate("seen-verify-same")
def seen_verify_same(events: Events) -> Finding:
    """No registration is accepted whose Security-Verify is not the list that the network gave."""
    given: dict[str, list[SecMechanism]] = {}
    looks = []
    for event, message, answer in _registrations(events, Legs(events)):
        who = aor(message.get("To"))
        verify = _lists(message, "Security-Verify")
        if verify and who in given and answer is not None and 200 <= answer.status < 300:
            wrong = "a registration was accepted although Security-Verify is not the network's list"
            looks.append(Look(event, "" if same_list(given[who], verify) else wrong))
        if answer is not None and (offered := _lists(answer, "Security-Server")):
            given[who] = offered
    return tally(looks, "registrations with Security-Verify that were accepted")


@predicate("seen-outside-association")
def seen_outside_association(events: Events) -> Finding:
    """A subscriber who registered through IPsec is not served outside of its associations."""
    legs = Legs(events)
    done = answered(events)
    protected: dict[str, set[int]] = {}
    looks = []
    for event, message in messages(events):
        if not message.is_request or not legs.is_ue(event.local) or event.remote is None:
            continue
        answer = done.get(transaction(message))
        served = answer is not None and 200 <= answer[1].status < 300
        if message.method == "REGISTER":
            _follow(protected, message, answer[1] if answer else None, served=served)
        elif (who := aor(message.get("From"))) in protected:
            outside = event.transport in {"udp", "tcp"} and event.remote[1] not in protected[who]
            told = f"{message.method} of {who} was served outside of the associations"
            looks.append(Look(event, told if outside and served else ""))
    return tally(looks, "requests of subscribers who registered through IPsec")


def _follow(protected: dict[str, set[int]], message: Message, answer: Message | None, *, served: bool) -> None:
    """Note who is registered through IPsec now, and at which ports of the network."""
    who = aor(message.get("To"))
    verify = [one for one in _lists(message, "Security-Verify") if one.name == "ipsec-3gpp"]
    if served and answer is not None and _is_over(message):
        protected.pop(who, None)
    elif served and verify:
        ports = (one.get(name) for one in verify for name in ("port-c", "port-s"))
        protected[who] = {int(port) for port in ports if port and port.isdigit()}


def _is_over(message: Message) -> bool:
    expires = [message.get("Expires") or ""]
    expires += [
        part.partition("=")[2] for value in message.get_all("Contact") for part in value.split(";") if "expires" in part
    ]
    return "0" in {one.strip() for one in expires}


@predicate("seen-product-told")
def seen_product_told(events: Events) -> Finding:
    """What the network itself answers to UEs names no product with its version."""
    legs = Legs(events)
    looks = []
    to_nobody: set[Transaction] = set()
    for event, message in messages(events):
        if message.is_request:
            if message.method == "OPTIONS" and "@" not in message.uri:
                to_nobody.add(transaction(message))
            continue
        own = message.method == "REGISTER" or message.status in OWN or transaction(message) in to_nobody
        if not own or not legs.is_ue(event.remote):
            continue
        told = [value for name in ("Server", "User-Agent") for value in message.get_all(name) if VERSION.search(value)]
        looks.append(Look(event, f"an answer names {told[0][:80]}" if told else ""))
    return tally(looks, "answers of the network itself")


@predicate("seen-headers-told")
def seen_headers_told(events: Events, *, names: Sequence[str]) -> Finding:
    """No UE is given header fields that are the network's own."""
    legs = Legs(events)
    looks = []
    for event, message in messages(events):
        if legs.is_ue(event.remote) and not legs.is_ue(event.local):
            told = [name for name in names if message.get(name) is not None]
            what = message.method if message.is_request else message.status
            looks.append(Look(event, f"{what} gives the UE {', '.join(told)}" if told else ""))
    return tally(looks, "messages to UEs")


@predicate("seen-privacy")
def seen_privacy(events: Events) -> Finding:
    """No UE is given the identity of somebody who asked for privacy (RFC 3325 7)."""
    legs = Legs(events)
    looks = []
    for event, message in messages(events):
        wishes = {one.strip().lower() for value in message.get_all("Privacy") for one in value.split(";")}
        if "id" in wishes and legs.is_ue(event.remote) and not legs.is_ue(event.local):
            told = message.get("P-Asserted-Identity")
            looks.append(Look(event, f"{message.method} with Privacy: id names {told[:80]}" if told else ""))
    return tally(looks, "messages to UEs with Privacy: id")
