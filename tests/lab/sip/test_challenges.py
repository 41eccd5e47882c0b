"""Challenges: answered once, by whom they were made for, in the call that they were made in."""

from __future__ import annotations

import dataclasses

from imsproof.lab.sip.challenges import Challenge, Challenges, Claim
from imsproof.lab.sip.policy import SipPolicy
from imsproof.lab.sip.subscribers import SUBSCRIBERS

ONE, OTHER = SUBSCRIBERS[12], SUBSCRIBERS[13]
CONFORMANT = SipPolicy()


def relaxed(**values: bool) -> SipPolicy:
    return dataclasses.replace(CONFORMANT, **values)  # type: ignore[arg-type]


def claim(nonce: str = "n", response: str = "r", call_id: str = "c", cnonce: str = "") -> Claim:
    return Claim({"nonce": nonce, "response": response, "cnonce": cnonce}, ONE.impus[0], call_id, 1)


def waiting(policy: SipPolicy = CONFORMANT) -> Challenges:
    challenges = Challenges()
    challenges.put(claim(), Challenge(ONE, "n", "MD5", None), policy)
    return challenges


def test_an_answer_is_taken_once() -> None:
    challenges = waiting()
    assert challenges.take(claim(), ONE, CONFORMANT)
    assert challenges.take(claim(), ONE, CONFORMANT) is None
    assert challenges.take(claim(), ONE, relaxed(nonce_once=False))
    assert challenges.take(claim(response="s"), ONE, relaxed(nonce_once=False)) is None
    assert challenges.take(claim(response="s"), ONE, relaxed(check_nonce_count=False))
    assert challenges.take(claim(response="s"), OTHER, relaxed(check_nonce_count=False)) is None


def test_another_call_another_subscriber_or_no_answer_takes_nothing() -> None:
    assert waiting().take(claim(call_id="d"), ONE, CONFORMANT) is None
    assert waiting().take(claim(call_id="d"), ONE, relaxed(check_call_id=False))
    assert waiting().take(claim(), OTHER, CONFORMANT) is None
    assert waiting().take(claim(), OTHER, relaxed(bind_challenge=False))
    assert waiting().take(claim(response=""), ONE, CONFORMANT) is None
    assert waiting().take(claim(response=""), ONE, relaxed(refuse_empty_response=False))
    assert waiting().take(claim(nonce="m"), ONE, CONFORMANT) is None


def test_a_second_challenge_of_the_same_attempt_takes_the_place_of_the_first() -> None:
    for policy, first_is_void in ((CONFORMANT, True), (relaxed(discard_older_challenge=False), False)):
        challenges = waiting(policy)
        challenges.put(claim(), Challenge(ONE, "second", "MD5", None), policy)
        assert (challenges.take(claim(), ONE, policy) is None) is first_is_void
        assert challenges.take(claim(nonce="second"), ONE, policy)


def test_everything_can_be_forgotten() -> None:
    challenges = waiting()
    challenges.clear()
    assert challenges.take(claim(), ONE, CONFORMANT) is None


def test_protection_is_what_the_p_cscf_says() -> None:
    assert Claim({"integrity-protected": "yes"}, "").protected
    assert not Claim({"integrity-protected": "no"}, "").protected
    assert not claim().protected
