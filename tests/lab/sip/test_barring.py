"""Barred destinations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec.sip import parse_uri
from imsproof.lab.sip.barring import barred, number
from imsproof.lab.sip.policy import SipPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    Drive = Callable[..., None]
    Lab = Any

SPELLINGS = [
    "tel:+49900123456",
    "tel:+49-900-12.34.56",
    "tel:+49(900)123456",
    "sip:+49900123456@ims.example;user=phone",
    "sip:%2B49900123456@ims.example",
    "sip:+4990012345%36@ims.example",
    "tel:900123456;phone-context=+49",
    "sip:0049900123456@ims.example",
]


@pytest.mark.parametrize("uri", SPELLINGS)
def test_a_barred_number_is_known_in_every_spelling(uri: str) -> None:
    assert number(parse_uri(uri)) == "+49900123456"
    assert barred(uri, SipPolicy())
    assert not barred(uri, SipPolicy(barring="nothing"))


@pytest.mark.parametrize("uri", ["tel:+49301000002", "sip:far@ims.example", "sip:ims.example", "tel:900123456"])
def test_other_destinations_are_not_barred(uri: str) -> None:
    assert not barred(uri, SipPolicy())


def test_the_planted_fault_knows_one_spelling() -> None:
    policy = SipPolicy(barring="spelling")
    assert [barred(uri, policy) for uri in SPELLINGS[:2]] == [True, False]


def test_a_call_to_a_premium_number_is_refused(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        assert (await caller.ask(caller.invite(SPELLINGS[1]))).status == 403

    drive(work)
