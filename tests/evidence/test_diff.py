"""Two runs compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import runs, samples

from imsproof.evidence.diff import compare, diff_runs
from imsproof.evidence.run import RunFolder
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.evidence.result import Run

VERDICTS = st.dictionaries(st.sampled_from(["A-B-01", "A-B-02", "A-B-03"]), st.sampled_from(Verdict))


def run_of(verdicts: dict[str, Verdict]) -> Run:
    """A run with these verdicts."""
    return samples.run(*(samples.result(identity, verdict) for identity, verdict in verdicts.items()))


@given(VERDICTS)
def test_a_run_is_as_itself(verdicts: dict[str, Verdict]) -> None:
    """Nothing changed."""
    found = compare(run_of(verdicts), run_of(verdicts))
    assert not (found.worse)
    assert not (found.better)
    assert not (found.new)
    assert not (found.gone)


@given(VERDICTS, VERDICTS)
def test_turned_round_worse_is_better_and_new_is_gone(one: dict[str, Verdict], other: dict[str, Verdict]) -> None:
    """Each purpose stands in exactly one group."""
    there, back = compare(run_of(one), run_of(other)), compare(run_of(other), run_of(one))
    for mine, theirs in (("worse", "better"), ("better", "worse"), ("new", "gone"), ("gone", "new")):
        assert [change.id for change in getattr(there, mine)] == [change.id for change in getattr(back, theirs)]
    applied = {i for verdicts in (one, other) for i, v in verdicts.items() if v is not Verdict.NOT_APPLICABLE}
    groups = [change.id for group in (there.worse, there.better, there.new, there.gone) for change in group]
    assert len(groups) + there.same == len(applied)


@pytest.mark.parametrize(
    ("before", "after", "group"),
    [
        (Verdict.PASS, Verdict.FAIL, "worse"),
        (Verdict.PASS, Verdict.INCONCLUSIVE, "worse"),
        (Verdict.FAIL, Verdict.REMARK, "better"),
        (Verdict.PASS, Verdict.NOT_APPLICABLE, "gone"),
        (Verdict.NOT_APPLICABLE, Verdict.PASS, "new"),
    ],
)
def test_groups(before: Verdict, after: Verdict, group: str) -> None:
    """A purpose that does not apply any more is gone, not better."""
    found = compare(run_of({"A-B-01": before}), run_of({"A-B-01": after}))
    assert [change.id for change in getattr(found, group)] == ["A-B-01"]
    assert found.to_json()[group][0]["id"] == "A-B-01"
    assert f"{group:6}  A-B-01" in found.text()


def test_runs_are_read_from_folders_and_files(tmp_path: Path) -> None:
    """Either will do; what is none is a ValueError."""
    folder = runs.make(tmp_path)
    assert diff_runs(folder.path, folder.path / "run.json").same == 1
    with pytest.raises(ValueError, match=r"run\.json"):
        diff_runs(tmp_path, folder.path)


def test_a_profile_that_was_changed_in_between_is_told(tmp_path: Path) -> None:
    folders = [RunFolder.create(tmp_path, "lab", seed=1, version="0").path for _ in range(2)]
    for number, folder in enumerate(folders):
        (folder / "profile.yaml").write_text(f"flood_rate: {number}")
    assert any("profile was changed" in one for one in diff_runs(folders[0], folders[1]).remarks)
    assert not any("profile was changed" in one for one in diff_runs(folders[0], folders[0]).remarks)


def test_the_text_names_both_runs() -> None:
    """And counts what is as before."""
    one = run_of({"A-B-01": Verdict.PASS})
    other = replace(one, info=replace(one.info, id="ffffff"))
    assert compare(one, other).text() == "a1b2c3 -> ffffff\n1 as before"
