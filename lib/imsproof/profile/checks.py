"""What must fit together in a profile, beyond the form of each field."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from imsproof.profile.gm import AKA_ALGORITHMS
from imsproof.profile.hook import PLACEHOLDERS, Hook, placeholder_like, texts
from imsproof.profile.kinds import Endpoint, Part, Url
from imsproof.profile.pem import wrong_certificates, wrong_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from imsproof.profile.gm import Gm, Subscriber
    from imsproof.profile.model import Profile
    from imsproof.profile.msrp import Msrp
    from imsproof.profile.peers import Dc, Media
    from imsproof.profile.problems import Location
    from imsproof.profile.sbi import KeyPair, Sbi

MILENAGE_KEY = 16


class Mismatch(NamedTuple):
    """Something that does not fit; as a Problem, without file and line."""

    location: Location
    found: str
    allowed: str


def check(profile: Profile, today: date) -> Iterator[Mismatch]:
    """Find what does not fit together, given today's date (UTC)."""
    if profile.scope.expired(today):
        yield Mismatch(
            ("scope", "until"),
            str(profile.scope.until),
            f"today ({today}) or later; the authorisation has ended, ask {profile.scope.authorised_by} for a new one",
        )
    yield from _in_scope(profile)
    yield from _claims(profile)
    if profile.gm is not None:
        yield from _gm(profile.gm)
    if profile.sbi is not None:
        yield from _sbi(profile.sbi)
    for name, peer in (("dc", profile.dc), ("media", profile.media), ("msrp", profile.msrp)):
        if peer is not None:
            yield from _peer(name, peer, has_gm=profile.gm is not None)


def _in_scope(profile: Profile) -> Iterator[Mismatch]:
    ranges = ", ".join(str(network) for network in profile.scope.networks)
    for location, value in leaves(profile):
        if isinstance(value, (Endpoint, Url)) and not profile.scope.allows(value.host):
            # Only the address: the path may hold what a reference stood for.
            yield Mismatch(location, str(Endpoint(value.host, value.port)), f"an address in scope.networks ({ranges})")


def leaves(value: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Walk over the values of a model with their locations, as they are named in the file."""
    if isinstance(value, Part):
        for name, field in type(value).model_fields.items():
            yield from leaves(getattr(value, name), (*location, field.alias or name))
        if isinstance(value, Hook):
            yield location, value
    elif isinstance(value, tuple) and not isinstance(value, Endpoint):
        for index, item in enumerate(value):
            yield from leaves(item, (*location, index))
    else:
        yield location, value


def _claims(profile: Profile) -> Iterator[Mismatch]:
    for index, claim in enumerate(profile.claims_not):
        if claim in profile.claims:
            yield Mismatch(("claims_not", index), claim, "a mechanism that is not under claims as well")


def _gm(gm: Gm) -> Iterator[Mismatch]:
    if not gm.transports():
        yield Mismatch(("gm",), "no udp, tcp or tls", "the address of at least one transport")
    yield from _unique(("gm", "subscribers"), (s.name for s in gm.subscribers))
    for index, subscriber in enumerate(gm.subscribers):
        location: Location = ("gm", "subscribers", index)
        yield from _secrets(location, subscriber)
        if gm.auth is not None and subscriber.auth != gm.auth:
            yield Mismatch(location, f"the secrets of {subscriber.auth}", f"those of {gm.auth}, as gm.auth says")


def _secrets(location: Location, subscriber: Subscriber) -> Iterator[Mismatch]:
    kinds = {"k": subscriber.k, "card": subscriber.card, "password": subscriber.password}
    given = [name for name, value in kinds.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of k, card and password"
        yield Mismatch(location, found, "k with op, opc or tuak (IMS AKA), card (IMS AKA), or password (SIP digest)")
    elif subscriber.k is not None:
        yield from _operator(location, subscriber)
    if subscriber.algorithm is not None and (subscriber.algorithm in AKA_ALGORITHMS) is not (subscriber.auth == "aka"):
        allowed = ", ".join(AKA_ALGORITHMS) if subscriber.auth == "aka" else "MD5, SHA-256, SHA-512-256"
        yield Mismatch((*location, "algorithm"), subscriber.algorithm, f"one of {allowed}, as the secret is")


def _operator(location: Location, subscriber: Subscriber) -> Iterator[Mismatch]:
    """Look at the operator's half of the AKA secrets."""
    kinds = {"op": subscriber.op, "opc": subscriber.opc, "tuak": subscriber.tuak}
    given = [name for name, value in kinds.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "k without op or opc"
        yield Mismatch(location, found, "k with either op or opc (Milenage), or with tuak")
    if subscriber.tuak is None and len(subscriber.k or b"") != MILENAGE_KEY:
        yield Mismatch((*location, "k"), "256 bits", "128 bits, or tuak beside it")
    if subscriber.tuak is not None and (subscriber.tuak.top is None) == (subscriber.tuak.topc is None):
        yield Mismatch((*location, "tuak"), "both or none of top and topc", "either top or topc")


def _sbi(sbi: Sbi) -> Iterator[Mismatch]:
    yield from _unique(("sbi", "producers"), (p.name for p in sbi.producers))
    yield from _unique(("sbi", "consumers"), (c.name for c in sbi.consumers))
    yield from _pem_files(sbi)
    tokens = sbi.tokens
    if tokens is None:
        return
    needs = {
        "nrf": (sbi.nrf, "sbi.nrf"),
        "key": (tokens.key, "sbi.tokens.key"),
        "file": (tokens.file, "sbi.tokens.file"),
    }
    value, field = needs[tokens.source]
    if value is None:
        yield Mismatch(("sbi", "tokens"), f"from: {tokens.source} without {field}", f"{field} beside it")
    if tokens.source != "file" and sbi.consumer is not None and sbi.consumer.instance_id is None:
        index = sbi.consumers.index(sbi.consumer)
        yield Mismatch(("sbi", "consumers", index), "no instance_id", "instance_id: tokens are issued for it")


def _pem_files(sbi: Sbi) -> Iterator[Mismatch]:
    if sbi.ca is not None and (wrong := wrong_certificates(sbi.ca)):
        yield Mismatch(("sbi", "ca"), wrong, "a PEM file with at least one certificate")
    pairs: list[tuple[Location, KeyPair | None]] = [
        (("sbi", "rogue"), sbi.rogue),
        (("sbi", "client_ca"), sbi.client_ca),
    ]
    pairs += [(("sbi", "consumers", index), one) for index, one in enumerate(sbi.consumers)]
    for location, pair in pairs:
        if pair is None:
            continue
        if wrong := wrong_certificates(pair.certificate):
            yield Mismatch((*location, "certificate"), wrong, "a PEM file: certificate, then its chain")
        elif wrong := wrong_key(pair):
            yield Mismatch((*location, "key"), wrong, "a PEM file with the certificate's private key")


def _peer(name: str, peer: Dc | Media | Msrp, *, has_gm: bool) -> Iterator[Mismatch]:
    if peer.via == "gm":
        if peer.hook is not None:
            yield Mismatch((name, "via"), "gm (the default) beside a hook", "via: hook, or no hook")
        elif not has_gm:
            yield Mismatch((name, "via"), "gm, but the profile has no gm section", "via: hook, or a gm section")
    elif peer.hook is None:
        yield Mismatch((name,), "via: hook without a hook", "hook: how the offer is handed over")
    else:
        yield from _hook((name, "hook"), peer.hook)


def _hook(location: Location, hook: Hook) -> Iterator[Mismatch]:
    if (hook.http is None) == (hook.command is None):
        yield Mismatch(location, "http and command" if hook.http else "neither http nor command", "one of the two")
    if hook.release is not None and (hook.release.http is None) == (hook.release.command is None):
        yield Mismatch((*location, "release"), "both or neither of http and command", "one of the two")
    if (hook.answer.sdp is None) == (hook.answer.fields is None):
        yield Mismatch((*location, "answer"), "both or neither of sdp and fields", "one of the two")
    for text in texts(hook):
        for name in placeholder_like(text):
            if name not in PLACEHOLDERS and (close := get_close_matches(name, PLACEHOLDERS, 1, 0.75)):
                yield Mismatch(location, f"{{{name}}}", f"a known placeholder; did you mean {{{close[0]}}}?")


def _unique(location: Location, names: Iterable[str]) -> Iterator[Mismatch]:
    listed = list(names)
    for name, count in Counter(listed).items():
        if count > 1:
            second = [index for index, other in enumerate(listed) if other == name][1]
            yield Mismatch((*location, second, "name"), name, "a name that no other entry has")
