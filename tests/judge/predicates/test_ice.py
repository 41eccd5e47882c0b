"""Checks that are answered or refused, DTLS that should not come, and ICE credentials."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.ice import check_answered, check_refused, ice_credentials_good, no_dtls
from imsproof.seams import Kind, Outcome

X = "1:x"


def told(answer: str | None, transaction: str = "aa") -> Story:
    story = Story().add(Kind.SENT, X, "udp", stun="request", transaction="aa")
    return story if answer is None else story.add(Kind.RECEIVED, X, "udp", stun=answer, transaction=transaction)


@pytest.mark.parametrize(
    ("story", "answered", "refused"),
    [
        (told("success"), Outcome.HOLDS, Outcome.FAILS),
        (told("error"), Outcome.FAILS, Outcome.HOLDS),
        (told(None), Outcome.FAILS, Outcome.HOLDS),
        (told("success", "bb"), Outcome.FAILS, Outcome.HOLDS),
        (told("request"), Outcome.FAILS, Outcome.HOLDS),
        (Story(), Outcome.UNKNOWN, Outcome.UNKNOWN),
    ],
)
def test_only_the_answer_of_its_transaction_counts(story: Story, answered: Outcome, refused: Outcome) -> None:
    assert check_answered(story.events, exchange=X).outcome is answered
    assert check_refused(story.events, exchange=X).outcome is refused


def test_dtls_is_told_from_stun_by_its_first_octet() -> None:
    story = told("success").add(Kind.RECEIVED, X, "udp", b"\x00\x01")
    assert no_dtls(story.events, exchange=X).outcome is Outcome.HOLDS
    story.add(Kind.RECEIVED, X, "udp", b"\x16\xfe\xfd")
    assert no_dtls(story.events, exchange=X).outcome is Outcome.FAILS
    assert no_dtls([], exchange=X).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (("abcd", "p" * 22), ("abcd", "q" * 22), Outcome.HOLDS),
        (("abcd", "p" * 22), ("efgh", "p" * 22), Outcome.FAILS),
        (("abcd", "p" * 22 + "1"), ("efgh", "p" * 22 + "2"), Outcome.FAILS),
        (("abc", "p" * 22), ("efgh", "q" * 22), Outcome.FAILS),
        (("abcd", "p" * 21), ("efgh", "q" * 22), Outcome.FAILS),
    ],
)
def test_credentials_are_long_and_fresh(first: tuple[str, str], second: tuple[str, str], outcome: Outcome) -> None:
    story = Story()
    for exchange, (ufrag, password) in (("1:a", first), ("2:b", second)):
        story.add(Kind.NOTE, exchange, "", ufrag=ufrag, password=password)
    assert ice_credentials_good(story.events, exchanges=["1:a", "2:b"]).outcome is outcome
    assert ice_credentials_good(story.events, exchanges=["1:a", "3:c"]).outcome is Outcome.UNKNOWN
