"""What a KMS gave, by hand-made journals."""

from __future__ import annotations

from typing import Any

from tests.judge.events import Story

from imsproof.judge.predicates.kms import (
    keys_agree,
    keys_encrypted,
    keys_forked,
    keys_fresh,
    kms_answer_signed,
    kms_answers_alike,
    no_ticket_in_name,
    nothing_granted,
    resolved_within_validity,
    ticket_granted,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
KEYS = {"6": "aa", "0": "bb"}
GIVEN: dict[str, Any] = {"mikey": "REQUEST_RESP", "granted": True, "verified": True, "keys": KEYS, "encryption": 1}
REFUSED: dict[str, Any] = {"mikey": "Error", "error": 0, "length": 30}


def told(*answers: dict[str, Any]) -> Story:
    """One conversation for each answer: 1:x, 2:x and so on."""
    story = Story()
    for number, facts in enumerate(answers, start=1):
        exchange = f"{number}:x"
        story.add(Kind.SENT, exchange, "http").add(Kind.RECEIVED, exchange, "http", status=200)
        story.add(Kind.NOTE, exchange, "", http=200, **facts)
    return story


def test_a_ticket_is_granted_with_a_right_mac_and_keys() -> None:
    def judged(facts: dict[str, Any]) -> Outcome:
        return ticket_granted(told(facts).events, exchange="1:x").outcome

    assert judged(GIVEN) is H
    assert judged(GIVEN | {"verified": False}) is F
    assert judged(GIVEN | {"keys": {}}) is F
    assert judged(REFUSED) is F
    silent = Story().add(Kind.OPENED).add(Kind.SENT, transport="http").add(Kind.TIMEOUT)
    assert ticket_granted(silent.events, exchange="1:x").outcome is F
    assert ticket_granted([], exchange="1:x").outcome is U


def test_nothing_is_granted_where_no_answer_holds_keys() -> None:
    assert nothing_granted(told(REFUSED).events, exchange="1:x").outcome is H
    assert nothing_granted(told(GIVEN).events, exchange="1:x").outcome is F
    assert nothing_granted(Story().add(Kind.SENT).add(Kind.TIMEOUT).events, exchange="1:x").outcome is H
    assert nothing_granted([], exchange="1:x").outcome is U


def test_a_ticket_in_the_own_name_is_no_harm() -> None:
    def judged(facts: dict[str, Any]) -> Outcome:
        return no_ticket_in_name(told(facts).events, exchange="1:x", name="sip:a").outcome

    assert judged(REFUSED) is H
    assert judged(GIVEN | {"initiators": ["sip:b"]}) is H
    assert judged(GIVEN | {"initiators": ["sip:a"]}) is F
    assert judged(GIVEN) is U


def test_an_answer_is_signed_or_not() -> None:
    assert kms_answer_signed(told(GIVEN).events, exchange="1:x").outcome is H
    assert kms_answer_signed(told(GIVEN | {"verified": False}).events, exchange="1:x").outcome is F
    assert kms_answer_signed(told(REFUSED).events, exchange="1:x").outcome is U


def test_keys_agree_encrypted_and_fresh() -> None:
    both = ["1:x", "2:x"]
    assert keys_agree(told(GIVEN, GIVEN).events, exchanges=both).outcome is H
    assert keys_agree(told(GIVEN, GIVEN | {"keys": {"6": "aa"}}).events, exchanges=both).outcome is H
    assert keys_agree(told(GIVEN, GIVEN | {"keys": {"6": "cc"}}).events, exchanges=both).outcome is F
    assert keys_agree(told(GIVEN, REFUSED).events, exchanges=both).outcome is U
    assert keys_fresh(told(GIVEN, GIVEN).events, exchanges=both).outcome is F
    assert keys_fresh(told(GIVEN, GIVEN | {"keys": {"6": "cc"}}).events, exchanges=both).outcome is H
    assert keys_fresh(told(GIVEN, REFUSED).events, exchanges=both).outcome is U
    assert keys_encrypted(told(GIVEN).events, exchange="1:x").outcome is H
    assert keys_encrypted(told(GIVEN | {"encryption": 0}).events, exchange="1:x").outcome is F
    assert keys_encrypted(told(REFUSED).events, exchange="1:x").outcome is U


def test_forked_keys_have_at_most_one_in_common() -> None:
    def judged(*keys: dict[str, str], forked: bool = True) -> Outcome:
        asked = GIVEN | {"forked": forked}
        story = told(asked, *(GIVEN | {"keys": one} for one in keys))
        exchanges = [f"{number}:x" for number in range(2, len(keys) + 2)]
        return keys_forked(story.events, request="1:x", resolves=exchanges).outcome

    first, second = {"6/1": "aa", "6/2": "bb", "0/3": "cc"}, {"6/1": "aa", "6/2": "dd", "0/3": "ee"}
    assert judged(first, second) is H
    assert judged(first, first) is F
    assert judged(first, second | {"0/3": "cc"}) is F
    assert judged(first, {"6/1": "aa"}) is U
    assert judged(first, second, forked=False) is U
    assert keys_forked(told(REFUSED).events, request="1:x", resolves=[]).outcome is U


def test_validity_is_what_the_kms_itself_granted() -> None:
    def judged(asked: dict[str, Any], resolved: dict[str, Any]) -> Outcome:
        found = resolved_within_validity(told(asked, resolved).events, request="1:x", resolve="2:x")
        return found.outcome

    at = GIVEN | {"at": 1000.0}
    assert judged(GIVEN | {"valid_until": 900.0}, at) is F
    assert judged(GIVEN | {"valid_from": 1100.0}, at) is F
    assert judged(GIVEN | {"valid_from": 900.0, "valid_until": 2000.0}, at) is H
    assert judged(GIVEN | {"valid_until": 900.0}, REFUSED) is H
    assert judged(REFUSED, REFUSED) is H


def test_answers_are_alike_or_tell_something() -> None:
    both = ["1:x", "2:x"]
    assert kms_answers_alike(told(REFUSED, REFUSED).events, exchanges=both).outcome is H
    assert kms_answers_alike(told(REFUSED, REFUSED | {"error": 12}).events, exchanges=both).outcome is F
    assert kms_answers_alike(told(REFUSED, REFUSED | {"length": 31}).events, exchanges=both).outcome is F
    silent = told(REFUSED).add(Kind.SENT, "2:x").add(Kind.TIMEOUT, "2:x")
    assert kms_answers_alike(silent.events, exchanges=both).outcome is F
    assert kms_answers_alike([], exchanges=["1:x"]).outcome is U
