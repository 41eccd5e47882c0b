"""The MF's end of ICE: strict as it stands, careless or forgetful when planted so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imsproof.codec import stun
from imsproof.engine.ice import Credentials, IceAgent
from imsproof.lab.dctypes import IceEnd
from imsproof.lab.media.icelite import kinds, own_end
from imsproof.lab.media.policy import MediaPolicy

UE = Credentials.make()
SOURCE, WHERE = ("127.0.0.9", 9), ("127.0.0.9", 8)


def answer(media: MediaPolicy, **wrong: str) -> tuple[str, bool]:
    """The class of what the MF answers to a check that nominates, and whether it followed."""
    mf = own_end(media, IceEnd(UE.ufrag, UE.password), WHERE)
    ue = IceAgent(UE, mf.local, controlling=True)
    check = ue.check(nominate=True, password=wrong.get("password"), username=wrong.get("username"))
    mf.receive(check.to_bytes(), SOURCE)
    [(data, _)] = mf.outgoing()
    return stun.Message.parse(data).class_, mf.selected == SOURCE


def test_a_right_check_is_followed_and_a_wrong_one_is_not() -> None:
    assert answer(MediaPolicy()) == ("success", True)
    assert answer(MediaPolicy(), password="wrong") == ("error", False)


@pytest.mark.parametrize(
    ("careless", "wrong", "told"),
    [
        ("integrity", {"password": "wrong"}, ("success", True)),
        ("presence", {"password": ""}, ("success", True)),
        ("username", {"username": "x:y"}, ("success", True)),
        ("nomination", {"password": "wrong"}, ("error", True)),
    ],
)
def test_what_is_planted_lets_one_kind_through(careless: str, wrong: dict[str, str], told: tuple[str, bool]) -> None:
    assert answer(replace(MediaPolicy(), ice_careless=(careless,)), **wrong) == told


def test_credentials_are_fresh_and_long_unless_planted() -> None:
    end = IceEnd("abcd", "p" * 22)
    first, second = (own_end(MediaPolicy(), end, WHERE).local for _ in range(2))
    assert first.password != second.password
    assert len(first.password) >= 22
    constant = replace(MediaPolicy(), ice_credentials="constant")
    assert own_end(constant, end, WHERE).local == own_end(constant, end, WHERE).local
    assert len(own_end(replace(MediaPolicy(), ice_credentials="short"), end, WHERE).local.password) == 8


def test_towards_a_lite_ue_the_mf_is_the_full_end_and_counts_checks_without_an_answer() -> None:
    mf = own_end(MediaPolicy(), IceEnd(UE.ufrag, UE.password, lite=True), WHERE)
    ue = IceAgent(UE, mf.local, controlling=False, lite=True)
    mf.start()
    while sent := mf.outgoing():
        for data, _ in sent:
            ue.receive(data, SOURCE)
        for data, _ in ue.outgoing():
            mf.receive(data, WHERE)
    assert (mf.selected, mf.unanswered, ue.selected) == (WHERE, 0, SOURCE)
    mf.handle_timeout()
    mf.handle_timeout()
    assert mf.unanswered == 2


def test_broken_stun_is_named() -> None:
    assert kinds(b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(12)) == {"bad-stun"}
    assert kinds(stun.Message(1, bytes(12)).to_bytes()) == set()
