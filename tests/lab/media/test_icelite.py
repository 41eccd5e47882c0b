"""The MF's end of ICE: strict as it stands, careless or forgetful when planted so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imsproof.codec import stun
from imsproof.engine.ice import Credentials, IceAgent
from imsproof.lab.dctypes import IceEnd
from imsproof.lab.media.icelite import kinds, lite_end
from imsproof.lab.media.policy import MediaPolicy

UE = Credentials.make()
SOURCE = ("127.0.0.9", 9)


def answer(media: MediaPolicy, **wrong: str) -> tuple[str, bool]:
    """The class of what the MF answers to a check that nominates, and whether it followed."""
    mf = lite_end(media, IceEnd(UE.ufrag, UE.password))
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
    first, second = (lite_end(MediaPolicy(), end).local for _ in range(2))
    assert first.password != second.password
    assert len(first.password) >= 22
    constant = replace(MediaPolicy(), ice_credentials="constant")
    assert lite_end(constant, end).local == lite_end(constant, end).local
    assert len(lite_end(replace(MediaPolicy(), ice_credentials="short"), end).local.password) == 8


def test_broken_stun_is_named() -> None:
    assert kinds(b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(12)) == {"bad-stun"}
    assert kinds(stun.Message(1, bytes(12)).to_bytes()) == set()
