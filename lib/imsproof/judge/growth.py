"""Does memory grow with malformed messages? A rule over rounds, each of good messages and of as many malformed ones.

Memory of a process moves for many reasons: caches fill, pools are touched for the first time, allocators take large
pieces at once. So nothing is concluded from one number. Rounds alternate between the two kinds, so that what grows with
time or with any message shows in both; the first rounds do not count; and growth that slows down is a pool that fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS, WARM = 8, 2
"""Rounds of a series, and how many of them do not count."""
FACTOR = 1.5
LEAST_KIB = 1024
"""Less, over all rounds that count, is not told from the noise of allocators."""


@dataclass(frozen=True, slots=True)
class Round:
    """How memory moved in one round, in KiB: while good messages came, and while as many malformed ones did."""

    good: int
    malformed: int


def grows(rounds: Sequence[Round]) -> bool:
    """Whether memory grew with malformed messages in every round that counts, much more than with good ones.

    By chance alone, were both kinds alike, six rounds would all point one way once in 64 series; a finding takes two
    series. Growth that falls below half in the later rounds is no steady one.
    """
    counted = rounds[WARM:]
    if len(rounds) < ROUNDS or any(one.malformed <= FACTOR * max(one.good, 0) or one.malformed <= 0 for one in counted):
        return False
    half = len(counted) // 2
    early, late = sum(one.malformed for one in counted[:half]), sum(one.malformed for one in counted[-half:])
    return sum(one.malformed - one.good for one in counted) >= LEAST_KIB and 2 * late >= early


def told(rounds: Sequence[Round]) -> str:
    """Say the sums of the rounds that count."""
    counted = rounds[WARM:]
    good, malformed = sum(one.good for one in counted), sum(one.malformed for one in counted)
    return f"{malformed:+} KiB with malformed messages, {good:+} KiB with as many good ones"
