"""The rule of growth: steady, with malformed messages alone, and more than noise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imsproof.judge.growth import ROUNDS, WARM, Round, grows, told


def series(*malformed: int, good: int = 0) -> list[Round]:
    return [Round(good, one) for one in malformed]


def test_steady_growth_with_malformed_messages_alone_is_one() -> None:
    assert grows(series(*[400] * ROUNDS))
    assert grows(series(*[400] * ROUNDS, good=100))


def test_the_first_rounds_do_not_count() -> None:
    assert grows(series(*[0] * WARM, *[400] * (ROUNDS - WARM)))
    assert not grows(series(*[90_000] * WARM, *[0] * (ROUNDS - WARM)))


def test_what_good_messages_do_too_is_none() -> None:
    assert not grows(series(*[400] * ROUNDS, good=400))


def test_a_pool_that_fills_is_none() -> None:
    assert not grows(series(4000, 3000, 2000, 1000, 500, 250, 120, 60))


def test_one_round_without_growth_or_too_few_rounds_tell_nothing() -> None:
    assert not grows(series(*[400] * (ROUNDS - 1), 0))
    assert not grows(series(*[400] * (ROUNDS - 1)))


def test_what_is_below_the_noise_is_none() -> None:
    assert not grows(series(*[64] * ROUNDS))


@given(st.lists(st.integers(-5000, 5000), min_size=ROUNDS, max_size=ROUNDS))
def test_both_kinds_alike_never_grow(moved: list[int]) -> None:
    assert not grows([Round(one, one) for one in moved])


def test_sums_are_told_in_words() -> None:
    assert told(series(*[10] * ROUNDS, good=1)) == "+60 KiB with malformed messages, +6 KiB with as many good ones"
