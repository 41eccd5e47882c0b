"""A USIM in the profile's keys and one on a card: the same answers, the same doubts."""

from __future__ import annotations

import pytest
from tests.actors.conftest import OPC, K, subscriber
from tests.fakecard import PIN, FakeCard

from imsproof.actors.usim import CardUsim, SoftUsim, Usim, functions_of, usim_of
from imsproof.codec import aka
from imsproof.codec.milenage import Milenage
from imsproof.codec.tuak import Tuak
from imsproof.link.card import Card
from imsproof.seams import HarnessError, InconclusiveError

NETWORK = Milenage(K, opc=OPC)
RAND = bytes(range(16))
AMF = b"\x80\x00"


def soft() -> Usim:
    return SoftUsim(NETWORK, 31)


def card() -> Usim:
    return CardUsim(Card(FakeCard(NETWORK, 31)), "usim", PIN)


@pytest.mark.parametrize("make", [soft, card])
def test_both_answer_a_fresh_challenge(make: type[Usim]) -> None:
    one = make()
    vector = aka.make_vector(NETWORK, RAND, 32, AMF)
    answer = one.authenticate(RAND, vector.autn)
    assert (answer.res, answer.ck, answer.ik) == (vector.xres, vector.ck, vector.ik)
    assert one.keys(RAND, vector.autn) == (vector.ck, vector.ik)


@pytest.mark.parametrize("make", [soft, card])
def test_both_doubt_a_wrong_mac_and_an_old_number(make: type[Usim]) -> None:
    one = make()
    with pytest.raises(aka.MacError):
        one.authenticate(RAND, bytes(16))
    with pytest.raises(aka.SyncError) as error:
        one.authenticate(RAND, aka.make_vector(NETWORK, RAND, 7, AMF).autn)
    assert aka.check_auts(NETWORK, RAND, error.value.auts) == 31


def test_a_card_answers_a_challenge_once_and_the_answer_is_kept() -> None:
    one = card()
    vector = aka.make_vector(NETWORK, RAND, 32, AMF)
    assert one.authenticate(RAND, vector.autn) == one.authenticate(RAND, vector.autn)


def test_a_card_tells_no_sequence_number_and_takes_none() -> None:
    one = card()
    vector = aka.make_vector(NETWORK, RAND, 32, AMF)
    assert (one.sqn, one.network_sqn(RAND, vector.autn), one.keys(RAND, vector.autn)) == (-1, None, (b"", b""))
    with pytest.raises(InconclusiveError, match="card"):
        one.sqn = 5


def test_what_a_card_refuses_is_named() -> None:
    with pytest.raises(HarnessError, match="no isim"):
        CardUsim(Card(FakeCard(NETWORK, 31)), "isim", None)
    with pytest.raises(HarnessError, match="PIN"):
        CardUsim(Card(FakeCard(NETWORK, 31)), "usim", "9999")
    with pytest.raises(HarnessError, match="wants its PIN"):
        CardUsim(Card(FakeCard(NETWORK, 31)), "usim", None).authenticate(RAND, bytes(16))


def test_the_functions_follow_from_the_profile() -> None:
    assert isinstance(functions_of(subscriber()), Milenage)
    tuak = subscriber(opc=None, tuak={"topc": "00" * 32})
    assert isinstance(functions_of(tuak), Tuak)
    assert functions_of(subscriber(password="x")) is None
    assert usim_of(subscriber(password="x")) is None


def test_a_usim_whose_number_is_not_known_takes_any() -> None:
    one = usim_of(subscriber())
    assert one
    assert one.sqn == -1
    assert one.authenticate(RAND, aka.make_vector(NETWORK, RAND, 1 << 40, AMF).autn).sqn == 1 << 40
