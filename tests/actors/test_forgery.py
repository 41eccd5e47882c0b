"""Forged tokens: each differs from the good one, and the lab refuses them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors import forgery
from imsproof.actors.forgery import Workshop
from imsproof.actors.nf import NfConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.codec.jose import parse_unverified
from imsproof.seams import HarnessError, InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile

RECIPES = {
    "signature": forgery.wrong_signature,
    "none": forgery.algorithm_none,
    "hmac": forgery.public_key_as_secret,
    "kid": forgery.unknown_key_id,
    "jwk": forgery.key_in_header,
    "x5c": forgery.certificate_in_header,
    "crit": forgery.unknown_extension,
    "malformed": forgery.malformed,
    "query": forgery.in_query,
    "headers": forgery.two_headers,
    "nobody": forgery.no_token,
}


@pytest.fixture
def shop(lab: Session, reference: Profile) -> Workshop:
    """A workshop for the MF of the reference lab."""
    assert reference.sbi
    producer = reference.sbi.producer("nmf-mrm")
    assert producer
    client = ProducerClient(NfConsumer(lab, reference.sbi), producer)
    return Workshop.of(client, client.token().token)


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_gives_the_good_token_back_and_labels_are_unique(shop: Workshop, name: str) -> None:
    hostile = RECIPES[name](shop)
    assert hostile
    assert shop.good not in [one.token for one in hostile]
    assert len({one.label for one in hostile}) == len(hostile)


def test_a_trap_shows_who_came(shop: Workshop, lab: Session) -> None:
    trap = forgery.set_trap(shop.consumer, shop.producer, "trap")
    (one,) = forgery.key_url("jku", trap)(shop)
    assert one.token
    assert parse_unverified(one.token).header["jku"] == f"http://127.0.0.1:{trap.address[1]}/keys"
    assert [event.kind for event in lab.record.events if event.exchange == trap.exchange] == [Kind.NOTE]


def test_what_the_profile_lacks_is_said(shop: Workshop) -> None:
    bare = NfConsumer(shop.consumer.session, shop.consumer.sbi.model_copy(update={"tokens": None}))
    with pytest.raises(HarnessError, match=r"sbi\.tokens\.public_key"):
        forgery.public_key_pem(bare)
    with pytest.raises(InconclusiveError, match="no JWS"):
        forgery.claims_of("opaque")
