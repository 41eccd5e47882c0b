"""Entries that name inner nodes, hidden and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.sip import Message, request
from imsproof.lab.sip.hiding import BrokenTokenError, Curtain, Hider, Replaced, Sealed
from imsproof.lab.sip.policy import SipPolicy

POLICY = SipPolicy()
KEY = bytes(range(16))
OUTER = frozenset({("192.0.2.16", 5060), ("198.51.100.1", 5060)})
INNER_VIA = "SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKinner"
ROUTES = ["<sip:192.0.2.20:5060;lr>", "<sip:192.0.2.30;lr>", "<sip:192.0.2.20:5060;lr>", "<sip:192.0.2.10:5060;lr>"]


def message() -> Message:
    headers = [("Via", INNER_VIA), ("Via", "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKfar"), ("Call-ID", "c")]
    return request("INVITE", "sip:b@far.example", [*headers, *(("Record-Route", one) for one in ROUTES)])


@pytest.mark.parametrize("hider", [Sealed(KEY), Replaced()])
def test_what_is_hidden_is_not_to_be_read_and_comes_back(hider: Hider) -> None:
    curtain, one = Curtain(hider, OUTER), message()
    curtain.draw(one, POLICY)
    assert b"192.0.2." not in one.to_bytes()
    assert b"198.51.100.1" in one.to_bytes()
    curtain.lift(one, POLICY)
    assert one.values("Via")[0] == INNER_VIA
    assert one.values("Record-Route") == ROUTES


def test_what_is_hidden_already_is_not_hidden_again() -> None:
    curtain, one = Curtain(Sealed(KEY), OUTER), message()
    curtain.draw(one, POLICY)
    before = one.to_bytes()
    curtain.draw(one, POLICY)
    assert one.to_bytes() == before


def test_constants_are_the_same_in_every_call_and_tokens_never() -> None:
    assert Replaced().hide("a", "x", POLICY) == Replaced().hide("b", "y", POLICY)
    assert Sealed(KEY).hide("a", "x", POLICY) != Sealed(KEY).hide("a", "x", POLICY)


@pytest.mark.parametrize(
    ("hider", "token"), [(Sealed(KEY), "AAAA"), (Sealed(KEY), "%"), (Replaced(), "hop1"), (Replaced(), "x")]
)
def test_a_token_that_is_not_ours_is_broken(hider: Hider, token: str) -> None:
    with pytest.raises(BrokenTokenError):
        hider.show("c", token, POLICY)


def test_a_constant_of_another_call_is_broken() -> None:
    hider = Replaced()
    token = hider.hide("a", "x", POLICY)
    with pytest.raises(BrokenTokenError):
        hider.show("b", token, POLICY)


def test_broken_entries_are_dropped_when_planted_so() -> None:
    one = request("BYE", "sip:a@x", [("Call-ID", "c"), ("Route", "<sip:AAAA@hidden.ims.example;lr>")])
    curtain = Curtain(Sealed(KEY), OUTER)
    with pytest.raises(BrokenTokenError):
        curtain.lift(one, POLICY)
    curtain.lift(one, SipPolicy(refuse_broken_tokens=False))
    assert one.get("Route") is None


def test_planted_ways_of_hiding() -> None:
    plain, encoded = message(), message()
    curtain = Curtain(Sealed(KEY), OUTER)
    curtain.draw(plain, SipPolicy(hiding="plain"))
    assert plain.to_bytes() == message().to_bytes()
    policy = SipPolicy(hiding="encoded")
    curtain.draw(encoded, policy)
    curtain.lift(encoded, policy)
    assert encoded.values("Record-Route") == ROUTES


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_sealing_gives_back_whatever_was_sealed(entry: str) -> None:
    hider = Sealed(KEY)
    assert hider.show("c", hider.hide("c", entry, POLICY), POLICY) == entry


@pytest.mark.parametrize("hider", [Sealed(KEY), Replaced()])
def test_a_hidden_service_route_is_good_in_other_calls(hider: Hider) -> None:
    curtain = Curtain(hider, OUTER)
    accepted = request("REGISTER", "sip:x", [("Call-ID", "r"), ("Service-Route", "<sip:orig@192.0.2.20:5060;lr>")])
    curtain.draw(accepted, POLICY)
    assert b"192.0.2.20" not in accepted.to_bytes()
    route = accepted.get("Service-Route") or ""
    later = request("INVITE", "sip:x", [("Call-ID", "another"), ("Route", route)])
    curtain.lift(later, POLICY)
    assert later.get("Route") == "<sip:orig@192.0.2.20:5060;lr>"
