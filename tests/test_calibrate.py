"""The fault matrix: caught, missed, false alarms."""

from __future__ import annotations

from imsproof.calibrate import Calibration, Pair
from imsproof.seams import Verdict


def matrix(*pairs: tuple[str, Verdict]) -> Calibration:
    return Calibration(["A-B-01"], [Pair("A-B-01", fault, verdict, "why", 0.1) for fault, verdict in pairs])


def test_a_fault_is_caught_by_a_fail_and_by_nothing_else() -> None:
    for verdict in Verdict:
        made = matrix(("", Verdict.PASS), ("x.y", verdict))
        assert bool(made.caught) is (verdict is Verdict.FAIL)
        assert bool(made.missed) is (verdict is not Verdict.FAIL)
        assert made.sound is (verdict is Verdict.FAIL)


def test_anything_but_a_pass_on_the_conformant_lab_is_a_false_alarm() -> None:
    for verdict in Verdict:
        assert bool(matrix(("", verdict)).false_alarms) is (verdict is not Verdict.PASS)


def test_a_matrix_without_trials_is_not_sound() -> None:
    assert not matrix().sound


def test_json_has_the_shape_of_the_contract() -> None:
    told = matrix(("", Verdict.PASS), ("x.y", Verdict.FAIL), ("x.z", Verdict.PASS)).to_json()
    assert told["purposes"] == ["A-B-01"]
    assert told["faults"] == ["x.y", "x.z"]
    assert told["caught"] == [{"fault": "x.y", "purpose": "A-B-01"}]
    assert [(one["fault"], one["purpose"]) for one in told["missed"]] == [("x.z", "A-B-01")]
    assert told["false_alarms"] == []
