"""What a fragile node remembers: patterns in order, debts, and nothing after a reset."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from imsproof.lab.sip import robustness
from imsproof.lab.sip.robustness import Frailty, RobustPolicy

if TYPE_CHECKING:
    import pytest

TWO = RobustPolicy(breaks_on=("^CANCEL ", "^BYE "))


def test_it_breaks_when_one_address_met_all_patterns_in_order() -> None:
    frailty = Frailty()
    assert not frailty.breaks(b"BYE a", "a", TWO)
    assert not frailty.breaks(b"CANCEL a", "a", TWO)
    assert not frailty.breaks(b"BYE a", "b", TWO)
    assert frailty.breaks(b"BYE a", "a", TWO)
    assert not frailty.breaks(b"BYE a", "a", TWO)


def test_the_conformant_policy_never_breaks_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    frailty = Frailty()
    frailty.bear(b"INVITE a\r\n" * 100, RobustPolicy())
    frailty.refused(RobustPolicy())
    frailty.pay()
    assert slept == []


def test_costs_are_paid_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    frailty = Frailty()
    frailty.bear(b"INVITE a\n", RobustPolicy(costly_methods=("INVITE",), costly_seconds=0.5))
    frailty.bear(b"a\n" * 1000, RobustPolicy(header_seconds=1.0))
    frailty.refused(RobustPolicy(leak_seconds=0.25))
    frailty.pay()
    frailty.clear()
    frailty.pay()
    assert slept == [0.5, robustness.MAX_BLOCKED, 0.25]


def test_a_connection_is_confused_by_the_planted_flaw_alone_and_until_a_reset() -> None:
    frailty = Frailty()
    frailty.refused(RobustPolicy(), 3)
    frailty.refused(RobustPolicy(confuses=True), 0)
    assert frailty.confused == set()
    frailty.refused(RobustPolicy(confuses=True), 3)
    assert frailty.confused == {3}
    frailty.clear()
    assert frailty.confused == set()
