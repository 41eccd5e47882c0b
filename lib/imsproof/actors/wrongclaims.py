"""Access tokens that the lab's key has signed, with claims that are wrong, missing, or only resemble the right ones.

A claim that the good token does not have is left alone: a producer that takes tokens without it is told nothing by it.
Source: TS 33.117 clause 4.2.2.2.3.1, TS 33.501 clause 13.4.1.1.2, TS 29.510 AccessTokenClaims, RFC 7519 section 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.actors.forgery import Hostile
from imsproof.actors.nftokens import token_signer
from imsproof.codec import jose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.forgery import Workshop

    Recipe = Callable[[Workshop], Sequence[Hostile]]

LONG_AGO = 999_999_999
"""In September 2001: later than now only for who compares digits as text."""


def wrong_claims(label: str, **claims: Any) -> Recipe:
    """Make a recipe: a token with these claims (``None`` leaves one out)."""
    return lambda shop: [Hostile(f"with {label}", shop.minted(**claims))]


def wrong_times(label: str, **offsets: int) -> Recipe:
    """Make a recipe: a token whose times lie ``offsets`` seconds from its issue."""

    def recipe(shop: Workshop) -> Sequence[Hostile]:
        times = {name: issued(shop) + offset for name, offset in offsets.items()}
        return [Hostile(f"with {label}", shop.minted(**times))]

    return recipe


def missing(claim: str, what: str) -> Recipe:
    """Make a recipe: a token without this claim, if the good one has it."""
    return lambda shop: [Hostile(f"without {what}", shop.minted(**{claim: None}))] if claim in usual(shop) else []


def nearly(claim: str, what: str) -> Recipe:
    """Make a recipe: tokens with a value of the claim that is the right one but for its end."""

    def recipe(shop: Workshop) -> Sequence[Hostile]:
        own = usual(shop).get(claim)
        if not isinstance(own, str) or not own:
            return []
        names = {f"{what} with another end": other_end(own), f"{what} and more": f"{own}0"}
        return [Hostile(f"with {label}", shop.minted(**{claim: value})) for label, value in names.items()]

    return recipe


def all_of(*recipes: Recipe) -> Recipe:
    """Make a recipe of several."""
    return lambda shop: [one for recipe in recipes for one in recipe(shop)]


def past(shop: Workshop) -> Sequence[Hostile]:
    """Expiries that lie in the past, however they are written."""
    before = issued(shop) - 3600
    times = {
        "an expiry in the past": before,
        "an expiry of zero": 0,
        "an expiry of fewer digits": LONG_AGO,
        "an expiry in the past as text": str(before),
    }
    return [Hostile(f"with {label}", shop.minted(iat=before - 3600, exp=value)) for label, value in times.items()]


def audiences(shop: Workshop) -> Sequence[Hostile]:
    """Audiences that hold the producer's NF type as a part only, or nobody."""
    own = shop.producer.producer.nf_type
    found: dict[str, Any] = {"an empty list of audiences": []}
    if own:
        found |= {f"the audience {name}": name for name in (f"X{own}", f"{own}X")}
    return [Hostile(f"with {label}", shop.minted(aud=value)) for label, value in found.items()]


def instances(shop: Workshop) -> Sequence[Hostile]:
    """Audiences that are the producer's instance id but for its end."""
    own = shop.producer.producer.instance_id
    return (
        [Hostile("with an instance id that only begins as its own", shop.minted(aud=[other_end(own)]))] if own else []
    )


def wrong_scopes(shop: Workshop) -> Sequence[Hostile]:
    """Scopes that only look like the service's: its name is part of another's, or written otherwise."""
    own = shop.producer.producer.token_scope
    if not own:
        raise InconclusiveError("the producer's scope is not known: fill in sbi.producers[].scope")
    names = (f"{own}-x", f"x-{own}", own[:-1])
    return [Hostile(f"with scope {name}", shop.minted(scope=name)) for name in names]


def duplicate_claim(shop: Workshop) -> Sequence[Hostile]:
    """The audience twice: the right one first, a wrong one last, which is the one that counts (RFC 7519 section 4)."""
    own = usual(shop)["aud"]
    token = jose.with_duplicate_claim(shop.minted(aud="UDR"), token_signer(shop.consumer.sbi), "aud", own)
    return [Hostile("with aud twice, the last one wrong", token)]


def usual(shop: Workshop) -> dict[str, Any]:
    """The claims of a good token."""
    return jose.parse_unverified(shop.minted()).claims


def issued(shop: Workshop) -> int:
    """When a token that is made now is issued, in seconds since 1970."""
    return int(usual(shop)["iat"])


def other_end(text: str) -> str:
    """The text with another last character."""
    return text[:-1] + ("1" if text.endswith("0") else "0")
