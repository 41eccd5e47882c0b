"""Challenges, AUTN, bindings."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.judge.predicates.registration import challenged, contact_bound, network_authenticated
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
