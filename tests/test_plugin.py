"""What exceptions mean, and how workers share the rate caps."""

from __future__ import annotations

import pytest

from imsproof.link.session import ConnectionFailedError
from imsproof.plugin import _raised, share
from imsproof.profile.model import Limits
from imsproof.seams import HarnessError, InconclusiveError, OutOfScopeError, StoppedError, UnreachableError, Verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (InconclusiveError("x"), Verdict.INCONCLUSIVE),
        (UnreachableError("x"), Verdict.INCONCLUSIVE),
        (ConnectionFailedError("x"), Verdict.INCONCLUSIVE),
        (StoppedError("x"), Verdict.INCONCLUSIVE),
        (KeyboardInterrupt(), Verdict.INCONCLUSIVE),
        (OutOfScopeError("x"), Verdict.INCONCLUSIVE),
        (HarnessError("x"), Verdict.ERROR),
        (ZeroDivisionError("x"), Verdict.ERROR),
        (AssertionError(), Verdict.ERROR),
    ],
)
def test_an_exception_never_becomes_a_fail_or_a_pass(error: BaseException, verdict: Verdict) -> None:
    found, reason = _raised(error)
    assert found is verdict
    assert reason


def test_workers_together_stay_below_the_cap() -> None:
    limits = Limits(packets_per_second=1000, bytes_per_second=10_000)
    part = share(limits, 3)
    assert part.packets_per_second * 3 <= 1000
    assert part.bytes_per_second * 3 <= 10_000
    assert part.flood_rate == limits.flood_rate
    assert share(Limits(packets_per_second=1), 4).packets_per_second == 1
