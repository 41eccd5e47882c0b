"""Many runs of one lab: which verdict each purpose had in each, and which purposes are not steady."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from imsproof.evidence.run import RUN_JSON, load_run
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imsproof.evidence.result import Run

LAST = 10
"""Runs that count when it is told whether a purpose is steady."""
CHANGES = 2
"""Changes of verdict within those, from which on it is not: one change is a change, two are a habit."""
APPLIES = frozenset(Verdict) - {Verdict.NOT_APPLICABLE}


@dataclass(frozen=True, slots=True)
class Row:
    """One purpose over the runs; a verdict is ``None`` where it did not stand or apply."""

    id: str
    title: str
    verdicts: tuple[Verdict | None, ...]

    @property
    def changes(self) -> int:
        """How often the verdict changed, runs without one left out."""
        return changes(self.verdicts)


@dataclass(frozen=True, slots=True)
class History:
    """Runs of one profile from the oldest to the newest, and a row for each purpose."""

    profile: str
    runs: tuple[Run, ...]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the history as JSON values."""
        return {
            "schema": 1,
            "profile": self.profile,
            "runs": [
                {
                    "id": run.info.id,
                    "started": run.info.started,
                    "version": run.info.version,
                    "verdict": run.verdict.value,
                    "counts": run.counts,
                }
                for run in self.runs
            ],
            "purposes": [
                {
                    "id": row.id,
                    "title": row.title,
                    "verdicts": [verdict and verdict.value for verdict in row.verdicts],
                    "changes": row.changes,
                }
                for row in self.rows
            ],
        }


def changes(verdicts: Sequence[Verdict | None]) -> int:
    """Count how often a verdict differs from the one before it."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return sum(one is not other for one, other in pairwise(known))


def find(folder: Path) -> list[Run]:
    """Return the runs that lie in a folder, from the oldest to the newest; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob(f"*/{RUN_JSON}")):
        try:
            found.append(load_run(path))
        except ValueError:
            continue
    return sorted(found, key=lambda run: run.info.started)


def history(found: Sequence[Run], profile: str = "", last: int = 0) -> History:
    """Put the runs of a profile together: of the newest run's profile when none is named, the ``last`` ones only.

    Raises:
        ValueError: there is no such run.
    """
    wanted = profile or (found[-1].info.profile if found else "")
    runs = [run for run in found if run.info.profile == wanted][-last:]
    if not runs:
        raise ValueError(f"there is no run of {wanted!r}" if wanted else "there is no run in it")
    titles = {one.id: one.title for run in runs for one in run.results}
    held = [{one.id: one.verdict for one in run.results if one.verdict in APPLIES} for run in runs]
    rows = (Row(identity, titles[identity], tuple(one.get(identity) for one in held)) for identity in sorted(titles))
    return History(wanted, tuple(runs), tuple(row for row in rows if any(row.verdicts)))


def unsteady(before: Sequence[Run], after: Run) -> dict[str, str]:
    """Return the purposes whose verdict changes now and then, with a sentence each.

    ``before`` are earlier runs of any lab; the last :data:`LAST` of the same profile that began before ``after`` count.
    """
    same = [run for run in before if run.info.profile == after.info.profile and run.info.started < after.info.started]
    if len(same) < CHANGES + 1:
        return {}
    return {
        row.id: f"its verdict changed {row.changes} times in the {len(same[-LAST:])} runs before"
        for row in history(same, after.info.profile, LAST).rows
        if row.changes >= CHANGES
    }
