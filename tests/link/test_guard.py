"""The guard: scope, stop switch, and the law of the rate cap."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import LoopbackLimits, is_loopback

from imsproof.link.guard import BURST_SECONDS, Bucket, Guard
from imsproof.seams import OutOfScopeError, StoppedError


def make_guard() -> Guard:
    return Guard(is_loopback, LoopbackLimits(), threading.Event())


def test_an_address_outside_the_scope_is_refused_with_the_field_to_change() -> None:
    with pytest.raises(OutOfScopeError, match=r"192\.0\.2\.1.*scope\.networks"):
        make_guard().check("192.0.2.1")


def test_nothing_goes_out_after_the_stop_switch() -> None:
    guard = make_guard()
    guard.stop.set()
    with pytest.raises(StoppedError):
        asyncio.run(guard.admit("127.0.0.1", 1))


def test_a_packet_within_the_limits_goes_at_once() -> None:
    assert make_guard().delay(1000) == 0


@given(
    rate=st.floats(1, 1e6),
    steps=st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 50)), min_size=1, max_size=60),
)
def test_no_window_lets_more_through_than_its_rate_and_one_burst(rate: float, steps: list[tuple[float, int]]) -> None:
    """Whoever waits as told keeps the cap: over any time from the start, at most rate * (t + burst) and one request."""
    now = 0.0
    bucket = Bucket(rate, lambda: now)
    total = 0
    for pause, units in steps:
        now += pause
        wait = bucket.take(units)
        used_at = now + wait
        total += units
        room = max(rate * BURST_SECONDS, 1)
        assert total <= rate * used_at + room + 1e-6 * total
        now = used_at


def test_a_taker_that_takes_more_than_the_bucket_holds_waits_for_it() -> None:
    bucket = Bucket(10, lambda: 0.0)
    assert bucket.take(1) == 0
    assert bucket.take(10) == pytest.approx(1.0)
