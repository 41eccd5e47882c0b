"""Whose identity arrives."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.judge.predicates.identity import arrived, asserted_identity, header_hidden, not_arrived
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
OWN, FORGED = ["sip:a@ims.example", "tel:+491"], ["sip:ceo@ims.example"]


def invite(*headers: str) -> Story:
    text = "INVITE sip:b@x SIP/2.0\r\n" + "".join(f"{one}\r\n" for one in headers) + "\r\n"
    return Story().add(Kind.RECEIVED, data=text.encode(), sip="request", method="INVITE")


def judge(story: Story) -> Outcome:
    return asserted_identity(story.events, exchange="1:x", allowed=OWN, forged=FORGED).outcome


def test_the_callers_own_identity_is_right_in_any_of_its_spellings() -> None:
    assert judge(invite('P-Asserted-Identity: "A" <sip:A@IMS.example;user=phone>')) is H
    assert judge(invite("P-Asserted-Identity: <sip:a@ims.example>, <tel:+491>")) is H


def test_a_forged_identity_fails_even_beside_a_right_one() -> None:
    assert judge(invite("P-Asserted-Identity: <sip:a@ims.example>, <sip:ceo@ims.example>")) is F
    assert judge(invite("P-Asserted-Identity: <sip:a@ims.example>", "P-Asserted-Identity: <sip:ceo@ims.example>")) is F


def test_the_forged_identity_is_known_in_another_form() -> None:
    assert judge(invite("P-Asserted-Identity: <sip:ceo@10.0.0.1:5060;user=phone>")) is F


def test_what_a_network_makes_of_the_callers_identity_is_still_the_callers() -> None:
    for value in ('"A" <sip:a@sbc.example:5070>', "<tel:+4-9.1>", "<sip:+491@ims.example;user=phone>"):
        assert judge(invite(f"P-Asserted-Identity: {value}")) is H


def test_an_identity_that_is_neither_the_callers_nor_the_forged_one_decides_nothing() -> None:
    assert judge(invite("P-Asserted-Identity: <sip:stranger@ims.example>")) is U


def test_a_number_beside_the_callers_identity_is_one_more_of_the_callers() -> None:
    assert judge(invite("P-Asserted-Identity: <tel:+49555>", "P-Asserted-Identity: <sip:a@ims.example>")) is H
    assert judge(invite("P-Asserted-Identity: <sip:a@ims.example>, <tel:+49555>, <sip:ceo@ims.example>")) is F


def test_the_same_user_of_another_domain_is_told_apart_by_the_whole_uri() -> None:
    events = invite("P-Asserted-Identity: <sip:a@other.example>").events
    forged = ["sip:a@other.example"]
    assert asserted_identity(events, exchange="1:x", allowed=OWN, forged=forged).outcome is F


def test_no_assertion_and_no_arrival_show_nothing_false() -> None:
    assert judge(invite()) is H
    assert judge(Story()) is H


def test_an_unreadable_assertion_does_not_break_the_judge() -> None:
    assert judge(invite("P-Asserted-Identity: <<<;;;")) is U


def test_arrival_and_hidden_headers() -> None:
    story = invite("Server: x")
    assert arrived(story.events, exchange="1:x", method="INVITE").outcome is H
    assert not_arrived(story.events, exchange="1:x", method="INVITE").outcome is F
    assert header_hidden(story.events, exchange="1:x", method="INVITE", names=["Server"]).outcome is F
    assert header_hidden(story.events, exchange="1:x", method="INVITE", names=["Via"]).outcome is H
    assert header_hidden([], exchange="1:x", method="INVITE", names=["Via"]).outcome is U
