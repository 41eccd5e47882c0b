"""Runs in the order of their times; purposes that change again and again are told from those that changed once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.evidence import runs, samples

from imsproof.evidence.history import changes, find, history, unsteady
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.evidence.result import Run

P, F, N = Verdict.PASS, Verdict.FAIL, Verdict.NOT_APPLICABLE


def nights(*verdicts: Verdict, identity: str = "A-B-01") -> list[Run]:
    """A run a night with these verdicts of a purpose."""
    found = []
    for day, verdict in enumerate(verdicts, 1):
        run = samples.run(samples.result(identity, verdict))
        found.append(replace(run, info=replace(run.info, started=f"2025-10-{day:02d}T00:00:00.000000Z")))
    return found


def test_changes_are_counted_where_it_applied() -> None:
    assert changes([P, P, None, F, None, F, P]) == 2
    assert changes([]) == 0


def test_a_purpose_that_changes_again_and_again_is_not_steady() -> None:
    *before, tonight = nights(P, F, P, P, F)
    assert "changed 2 times" in unsteady(before, tonight)["A-B-01"]
    *before, tonight = nights(P, P, P, F)
    assert unsteady(before, tonight) == {}


def test_other_labs_later_runs_and_too_few_say_nothing() -> None:
    flaky = nights(P, F, P, F)
    assert unsteady(flaky, flaky[0]) == {}
    assert unsteady(nights(P, F), nights(P, F, P)[-1]) == {}
    other = [replace(run, info=replace(run.info, profile="other")) for run in flaky]
    assert unsteady(other, nights(P, P, P, P, F)[-1]) == {}


def test_what_never_applied_has_no_row() -> None:
    found = history(nights(N, N) + nights(P, F, P)[2:])
    assert [row.verdicts for row in found.rows] == [(None, None, P)]
    assert found.to_json()["purposes"][0]["verdicts"] == [None, None, "pass"]
    with pytest.raises(ValueError, match="no run"):
        history([])
    with pytest.raises(ValueError, match="elsewhere"):
        history(nights(P), "elsewhere")


def test_runs_are_found_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    runs.make(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "run.json").write_text("no run")
    assert [run.info.profile for run in find(tmp_path)] == ["reference"]
