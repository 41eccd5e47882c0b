"""Claims that are wrong, missing or nearly right: each token differs from the good one in what its label says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors import wrongclaims
from imsproof.actors.forgery import Workshop
from imsproof.actors.nf import NfConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.wrongclaims import all_of, missing, nearly, wrong_claims, wrong_times
from imsproof.codec.jose import parse_unverified

if TYPE_CHECKING:
    from typing import Any

    from imsproof.actors.wrongclaims import Recipe
    from imsproof.link.session import Session
    from imsproof.profile import Profile

RECIPES = {
    "past": wrongclaims.past,
    "audiences": wrongclaims.audiences,
    "instances": wrongclaims.instances,
    "scopes": wrongclaims.wrong_scopes,
    "duplicate": wrongclaims.duplicate_claim,
    "subject": all_of(missing("sub", "a subject"), nearly("sub", "the own subject")),
}


@pytest.fixture
def shop(lab: Session, reference: Profile) -> Workshop:
    """A workshop for the MF of the reference lab."""
    assert reference.sbi
    producer = reference.sbi.producer("nmf-mrm")
    assert producer
    client = ProducerClient(NfConsumer(lab, reference.sbi), producer)
    return Workshop.of(client, client.token().token)


def claims(shop: Workshop, recipe: Recipe) -> list[dict[str, Any]]:
    return [parse_unverified(one.token).claims for one in recipe(shop) if one.token]


@pytest.mark.parametrize("name", RECIPES)
def test_labels_are_unique_and_no_token_is_good(shop: Workshop, name: str) -> None:
    hostile = RECIPES[name](shop)
    assert hostile
    assert len({one.label for one in hostile}) == len(hostile)
    keep = {"iat", "exp"} if name != "past" else {"iat"}
    good = {key: value for key, value in wrongclaims.usual(shop).items() if key not in keep}
    for found in claims(shop, RECIPES[name]):
        assert {key: value for key, value in found.items() if key not in keep} != good


def test_claims_and_times_are_what_the_table_says(shop: Workshop) -> None:
    (one,) = claims(shop, wrong_claims("x", aud="UDR", exp=None))
    assert one["aud"] == "UDR"
    assert "exp" not in one
    (past,) = claims(shop, wrong_times("x", iat=-20, exp=-10))
    assert past["exp"] - past["iat"] == 10


def test_what_the_good_token_lacks_is_neither_left_out_nor_resembled(shop: Workshop) -> None:
    assert missing("producerNfSetId", "a set")(shop) == []
    assert nearly("producerNfSetId", "the set")(shop) == []
    assert ["sub" in one for one in claims(shop, missing("sub", "a subject"))] == [False]


def test_the_duplicate_that_counts_is_the_wrong_one(shop: Workshop) -> None:
    (one,) = claims(shop, wrongclaims.duplicate_claim)
    assert one["aud"] == "UDR"
