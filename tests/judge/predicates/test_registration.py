"""Challenges, AUTN, bindings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.codec import aka
from imsproof.judge.predicates.registration import (
    challenge_without_keys,
    challenged,
    contact_bound,
    network_authenticated,
    not_stale,
    rand_fresh,
    resynchronised,
    sqn_went_on,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def test_a_challenge_must_come_before_acceptance() -> None:
    right = Story().add(Kind.RECEIVED, status=401).add(Kind.RECEIVED, status=200)
    assert challenged(right.events, exchange="1:x").outcome is H
    assert challenged(Story().add(Kind.RECEIVED, status=200).events, exchange="1:x").outcome is F
    assert challenged(Story().add(Kind.RECEIVED, status=503).events, exchange="1:x").outcome is U
    assert challenged([], exchange="1:x").outcome is U


def test_the_network_proves_itself_with_a_right_mac_only() -> None:
    assert network_authenticated(Story().add(Kind.NOTE, autn="valid").events, exchange="1:x").outcome is H
    assert network_authenticated(Story().add(Kind.NOTE, autn="wrong-mac").events, exchange="1:x").outcome is F
    assert network_authenticated([], exchange="1:x").outcome is U


def test_a_binding_is_the_same_user_at_the_same_address() -> None:
    def bound(contact: str, status: int = 200) -> Outcome:
        data = f"SIP/2.0 {status} X\r\nContact: <sip:a@192.0.2.1:5070;ob>;expires=60\r\n\r\n".encode()
        story = Story().add(Kind.RECEIVED, data=data, status=status, sip="response")
        return contact_bound(story.events, exchange="1:x", contact=contact).outcome

    assert bound("sip:a@192.0.2.1:5070") is H
    assert bound("sip:a@192.0.2.1:5071") is F
    assert bound("sip:a@192.0.2.1:5070", 403) is U


def challenge(story: Story, rand: int, exchange: str = "1:x", further: str = "") -> Story:
    """An AKA challenge with this RAND."""
    nonce = aka.encode_nonce(bytes((rand,)) * 16, bytes(16))
    header = f'WWW-Authenticate: Digest realm="r", nonce="{nonce}", algorithm=AKAv1-MD5{further}'
    data = f"SIP/2.0 401 X\r\n{header}\r\n\r\n".encode()
    return story.add(Kind.RECEIVED, exchange, "udp", data, sip="response", status=401)


def answer(story: Story, auts: str) -> Story:
    """A REGISTER that answers, with or without AUTS."""
    data = f'REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username="a", response="r"{auts}\r\n\r\n'.encode()
    return story.add(Kind.SENT, "1:x", "udp", data, sip="request", method="REGISTER")


def test_a_challenge_holds_no_keys() -> None:
    assert challenge_without_keys(challenge(Story(), 1).events, exchange="1:x").outcome is H
    assert challenge_without_keys(challenge(Story(), 1, further=', ck="00"').events, exchange="1:x").outcome is F
    assert challenge_without_keys([], exchange="1:x").outcome is U


def test_rand_must_not_come_twice() -> None:
    story = challenge(challenge(Story(), 1, "1:a"), 2, "2:b")
    assert rand_fresh(story.events, exchanges=["1:a", "2:b"]).outcome is H
    assert rand_fresh(story.events, exchanges=["1:a"]).outcome is U
    assert rand_fresh(challenge(story, 1, "3:c").events, exchanges=["1:a", "2:b", "3:c"]).outcome is F


@pytest.mark.parametrize(("rands", "auts", "outcome"), [
    ((1, 2), ', auts="YQ=="', H), ((1, 1), ', auts="YQ=="', F), ((1,), ', auts="YQ=="', F), ((1, 2), "", U),
])  # fmt: skip
def test_after_auts_comes_a_new_vector(rands: tuple[int, ...], auts: str, outcome: Outcome) -> None:
    story = answer(challenge(Story(), rands[0]), auts)
    for rand in rands[1:]:
        challenge(story, rand)
    assert resynchronised(story.events, exchange="1:x").outcome is outcome


@pytest.mark.parametrize(("first", "second", "outcome"), [
    (32, 64, H), (64, 64, F), (64, 32, F), (32, 1 << 40, F), (32, None, U), (None, 32, U),
])  # fmt: skip
def test_sqn_goes_on_by_challenges_alone(first: int | None, second: int | None, outcome: Outcome) -> None:
    story = Story()
    for exchange, sqn in (("1:a", first), ("2:b", second)):
        facts: dict[str, Any] = {"sqn": sqn} if sqn is not None else {}
        story.add(Kind.NOTE, exchange, **facts)
    assert sqn_went_on(story.events, before="1:a", after="2:b", most=1 << 28).outcome is outcome


@pytest.mark.parametrize(
    ("challenge", "outcome"),
    [('Digest realm="r", nonce="n", stale=TRUE', F), ('Digest realm="r", nonce="n", stale=false', H), ("what", H)],
)
def test_stale_is_seen_in_the_challenge(challenge: str, outcome: Outcome) -> None:
    data = f"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\n\r\n".encode()
    story = Story().add(Kind.RECEIVED, data=data, sip="response", status=401)
    assert not_stale(story.events, exchange="1:x").outcome is outcome
    assert not_stale([], exchange="1:x").outcome is H


def test_an_odd_contact_in_the_list_is_passed_over() -> None:
    data = b"SIP/2.0 200 OK\r\nContact: <odd\r\nContact: <sip:a@127.0.0.1:5060>;expires=9\r\n\r\n"
    story = Story().add(Kind.RECEIVED, data=data, sip="response", status=200)
    assert contact_bound(story.events, exchange="1:x", contact="sip:a@127.0.0.1").outcome is H


def test_one_vector_for_several_algorithms_and_a_repeated_challenge_are_one() -> None:
    story = challenge(challenge(Story(), 1, "1:a"), 1, "1:a")
    challenge(story, 2, "2:b")
    assert rand_fresh(story.events, exchanges=["1:a", "2:b"]).outcome is H
