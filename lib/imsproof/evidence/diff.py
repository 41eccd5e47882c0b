"""``imsproof diff``: what got worse between two runs, what got better, what is new and what is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imsproof.evidence.run import load_run
from imsproof.seams import WORST_FIRST, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.evidence.result import PurposeResult, Run


@dataclass(frozen=True, slots=True)
class Change:
    """One purpose whose verdict is not what it was; a verdict is ``None`` where the purpose did not stand or apply."""

    id: str
    title: str
    before: Verdict | None
    after: Verdict | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON values."""
        before, after = (verdict and verdict.value for verdict in (self.before, self.after))
        return {"id": self.id, "title": self.title, "before": before, "after": after, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Two runs compared. A purpose that does not apply any more is gone; one that applies now is new."""

    before: str
    after: str
    worse: tuple[Change, ...]
    better: tuple[Change, ...]
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    same: int

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        groups = {name: [change.to_json() for change in changes] for name, changes in self._groups()}
        return {"schema": 1, "before": self.before, "after": self.after, **groups, "same": self.same}

    def text(self) -> str:
        """Return the comparison for people, a few lines."""
        lines = [f"{self.before} -> {self.after}"]
        for name, changes in self._groups():
            for change in changes:
                before, after = (verdict.value if verdict else "-" for verdict in (change.before, change.after))
                why = f": {change.reason}" if change.reason else ""
                lines.append(f"{name:6}  {change.id}  {before} -> {after}{why}")
        lines.append(f"{self.same} as before")
        return "\n".join(lines)

    def _groups(self) -> tuple[tuple[str, tuple[Change, ...]], ...]:
        return (("worse", self.worse), ("better", self.better), ("new", self.new), ("gone", self.gone))


def diff_runs(before: Path, after: Path) -> RunDiff:
    """Compare two runs, each given by its folder or its ``run.json``.

    Raises:
        ValueError: one of them cannot be read.
    """
    return compare(load_run(before), load_run(after))


def compare(before: Run, after: Run) -> RunDiff:
    """Compare two runs (see :class:`RunDiff`); worse means further up in ``seams.WORST_FIRST``."""
    then, now = ({r.id: r for r in run.results if r.verdict is not Verdict.NOT_APPLICABLE} for run in (before, after))
    changes = [_change(then.get(identity), now.get(identity)) for identity in sorted(then.keys() | now.keys())]
    rank = {verdict: n for n, verdict in enumerate(WORST_FIRST)}
    both = [(change, change.before, change.after) for change in changes]
    return RunDiff(
        before=before.info.id,
        after=after.info.id,
        worse=tuple(change for change, old, new in both if old and new and rank[new] < rank[old]),
        better=tuple(change for change, old, new in both if old and new and rank[new] > rank[old]),
        new=tuple(change for change, old, _ in both if old is None),
        gone=tuple(change for change, _, new in both if new is None),
        same=sum(1 for _, old, new in both if old is new),
    )


def _change(then: PurposeResult | None, now: PurposeResult | None) -> Change:
    shown = now or then
    assert shown is not None
    reason = now.reason if now else ""
    return Change(shown.id, shown.title, then.verdict if then else None, now.verdict if now else None, reason)
