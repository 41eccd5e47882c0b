"""Guessing, and what time tells."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.judge.events import Story

from imsproof.judge.predicates.guessing import guessing_limited, little_for_little, mann_whitney, times_alike
from imsproof.seams import Event, Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
MS = 1_000_000


def attempt(story: Story, exchange: str, *statuses: int, took_ms: float = 1.0) -> None:
    begin = story.events[-1].mono_ns if story.events else 0
    story.add(Kind.SENT, exchange)
    for status in statuses:
        story.add(Kind.RECEIVED, exchange, status=status)
    end = begin + int(took_ms * MS)
    story.events[-1] = replace(story.events[-1], mono_ns=end)


def limited(story: Story, count: int) -> Outcome:
    guesses = [f"{number}:guess" for number in range(1, count + 1)]
    return guessing_limited(story.events, guesses=guesses, right="99:right", slow=1.0).outcome


def test_guesses_that_are_all_looked_at_and_then_the_right_one_is_no_limit() -> None:
    story = Story()
    for number in range(1, 6):
        attempt(story, f"{number}:guess", 401, 403)
    attempt(story, "99:right", 401, 200)
    assert limited(story, 5) is F


def test_a_guess_without_a_challenge_is_a_limit() -> None:
    story = Story()
    attempt(story, "1:guess", 401, 403)
    attempt(story, "2:guess", 403)
    attempt(story, "99:right", 401, 200)
    assert limited(story, 2) is H


def test_guesses_that_nobody_looked_at_tell_nothing() -> None:
    story = Story()
    attempt(story, "1:guess", 503)
    attempt(story, "99:right", 401, 200)
    assert limited(story, 1) is U
    assert limited(story, 0) is U


def test_a_busy_answer_to_the_first_guess_is_no_limit() -> None:
    story = Story()
    attempt(story, "1:guess", 503)
    for number in range(2, 6):
        attempt(story, f"{number}:guess", 401, 403)
    attempt(story, "99:right", 401, 200)
    assert limited(story, 5) is F


def test_silence_after_a_wrong_response_is_no_limit() -> None:
    story = Story()
    for number in range(1, 6):
        attempt(story, f"{number}:guess", 401)
    story.add(Kind.TIMEOUT, "5:guess")
    story.events[-1] = replace(story.events[-1], mono_ns=story.events[-1].mono_ns + 5000 * MS)
    attempt(story, "99:right", 401, 200)
    assert limited(story, 5) is F


def test_a_slow_guess_is_a_limit() -> None:
    story = Story()
    attempt(story, "1:guess", 401, 403)
    attempt(story, "2:guess", 401, 403, took_ms=1500)
    attempt(story, "99:right", 401, 200)
    assert limited(story, 2) is H


def test_a_right_answer_that_is_refused_after_the_guesses_is_a_limit() -> None:
    story = Story()
    attempt(story, "1:guess", 401, 403)
    attempt(story, "2:guess", 401, 403)
    attempt(story, "99:right", 401, 403)
    assert limited(story, 2) is H


def test_nothing_guessed_shows_nothing() -> None:
    assert limited(Story(), 0) is U


def times(ones: list[float], others: list[float]) -> Outcome:
    story = Story()
    for kind, values in (("one", ones), ("other", others)):
        for number, value in enumerate(values):
            attempt(story, f"{number}:{kind}", 401, took_ms=value)
            story.events[-2] = replace(story.events[-2], mono_ns=0)
            story.events[-1] = replace(story.events[-1], mono_ns=int(value * MS))
    names = {kind: [f"{n}:{kind}" for n in range(len(values))] for kind, values in (("one", ones), ("other", others))}
    found = times_alike(story.events, ones=names["one"], others=names["other"], error_rate=0.001, telling=0.75)
    return found.outcome


def test_times_that_differ_tell() -> None:
    draw = random.Random(1)
    fast = [draw.gauss(1.0, 0.2) for _ in range(60)]
    slow = [draw.gauss(1.5, 0.2) for _ in range(60)]
    assert times(fast, slow) is F
    assert times(slow, fast) is F


def test_times_that_do_not_differ_or_hardly_do_tell_nothing() -> None:
    draw = random.Random(2)
    one, other, near = ([draw.gauss(mean, 0.2) for _ in range(60)] for mean in (1.0, 1.0, 1.03))
    assert times(one, other) is H
    assert times(one, near) is H
    assert times([1.0] * 60, [1.0] * 60) is H


def test_too_few_times_show_nothing() -> None:
    assert times([1.0] * 5, [2.0] * 60) is U


def test_the_error_rate_is_kept() -> None:
    """Of 2000 labs without any difference, about one in 20 differs at an error rate of 5 %."""
    draw = random.Random(3)
    wrong = sum(
        mann_whitney([draw.random() for _ in range(30)], [draw.random() for _ in range(30)])[1] < 0.05
        for _ in range(2000)
    )
    assert 60 <= wrong <= 140


def test_the_p_value_is_that_of_a_known_case() -> None:
    """Two groups of five without overlap: U is 0, and the normal approximation gives p = 0.0122."""
    chance, p = mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert chance == 1.0
    assert p == pytest.approx(0.01219, abs=1e-4)


Floats = st.lists(st.integers(0, 50).map(float), min_size=2, max_size=30)


@given(Floats, Floats)
def test_the_test_is_symmetric(one: list[float], other: list[float]) -> None:
    chance, p = mann_whitney(one, other)
    back, same = mann_whitney(other, one)
    assert chance == pytest.approx(1 - back)
    assert p == pytest.approx(same)
    assert 0 <= p <= 1


def datagrams(*sizes: int) -> list[Event]:
    story = Story().add(Kind.SENT, data=b"x" * 300)
    for size in sizes:
        story.add(Kind.RECEIVED, data=b"y" * size)
    return story.events


@pytest.mark.parametrize(
    ("sizes", "outcome"), [((), H), ((400, 500), H), ((9000,), F), ((10,) * 9, F), ((1500,), H), ((1501,), F)]
)
def test_bytes_and_messages_are_weighed(sizes: tuple[int, ...], outcome: Outcome) -> None:
    found = little_for_little(datagrams(*sizes), exchange="1:x", factor=5, messages=8)
    assert found.outcome is outcome
