"""``imsproof diff``: what got worse between two runs, what got better, what is new and what is gone; and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imsproof.evidence.run import PROFILE, load_run
from imsproof.seams import WORST_FIRST, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from imsproof.evidence.result import PurposeResult, Run


@dataclass(frozen=True, slots=True)
class Change:
    """One purpose whose verdict is not what it was; a verdict is ``None`` where the purpose did not stand or apply.

    Attributes:
        id, title: the purpose.
        before, after: its verdicts.
        reason: why it has the verdict now.
        was, now: the first judgement that differs, in the words of either run (``""`` for none).
        evidence: where the later run keeps its evidence, relative to its folder.
        clauses: what it stands on.
        unsteady: why the change may be a habit of the purpose's and no regression; ``""`` when nothing says so.
    """

    id: str
    title: str
    before: Verdict | None
    after: Verdict | None
    reason: str
    was: str = ""
    now: str = ""
    evidence: str = ""
    clauses: str = ""
    unsteady: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON values."""
        before, after = (verdict and verdict.value for verdict in (self.before, self.after))
        return {
            "id": self.id,
            "title": self.title,
            "before": before,
            "after": after,
            "reason": self.reason,
            "first_difference": {"was": self.was, "now": self.now},
            "evidence": self.evidence,
            "clauses": self.clauses,
            "unsteady": self.unsteady,
        }

    @property
    def verdicts(self) -> str:
        """``pass -> fail``."""
        return " -> ".join(verdict.value if verdict else "-" for verdict in (self.before, self.after))


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Two runs compared. A purpose that does not apply any more is gone; one that applies now is new.

    ``remarks``: in what else the runs differ, so that a change may not be the lab's.
    """

    before: str
    after: str
    worse: tuple[Change, ...]
    better: tuple[Change, ...]
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    same: int
    remarks: tuple[str, ...] = field(default=())

    @property
    def regressions(self) -> tuple[Change, ...]:
        """What got worse and was steady until then, as far as is known."""
        return tuple(change for change in self.worse if not change.unsteady)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        groups = {name: [change.to_json() for change in changes] for name, changes in self._groups()}
        head = {"schema": 1, "before": self.before, "after": self.after, "remarks": list(self.remarks)}
        return {**head, **groups, "same": self.same}

    def text(self) -> str:
        """Return the comparison for people, a few lines."""
        lines = [f"{self.before} -> {self.after}", *(f"note: {remark}" for remark in self.remarks)]
        for name, changes in self._groups():
            for change in changes:
                why = f": {change.reason}" if change.reason else ""
                lines.append(f"{name:6}  {change.id}  {change.verdicts}{why}")
                lines += [f"        {line}" for line in _details(change)]
        lines.append(f"{self.same} as before")
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the comparison as a message for a chat: the worst first, short."""
        head = ", ".join(f"{len(changes)} {name}" for name, changes in self._groups() if changes) or "nothing changed"
        lines = [f"**{head}**, {self.same} as before (`{_plain(self.before)}` → `{_plain(self.after)}`)"]
        lines += [f"- _{_plain(remark)}_" for remark in self.remarks]
        for name, changes in self._groups():
            for change in changes:
                lines.append(f"- {name}: **{_plain(change.id)}** {change.verdicts}: {_plain(change.reason)}")
                lines += [f"  - {_plain(line)}" for line in _details(change)]
        return "\n".join(lines)

    def _groups(self) -> tuple[tuple[str, tuple[Change, ...]], ...]:
        return (("worse", self.worse), ("better", self.better), ("new", self.new), ("gone", self.gone))


def _details(change: Change) -> Iterator[str]:
    if change.unsteady:
        yield f"not steady: {change.unsteady}"
    if change.after not in {Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.REMARK}:
        return
    if change.was and change.was != change.now:
        yield f"was: {change.was}"
    if change.now and change.now != change.reason:
        yield f"now: {change.now}"
    if change.clauses:
        yield f"clause: {change.clauses}"
    if change.evidence:
        yield f"evidence: {change.evidence}/ladder.svg, {change.evidence}/capture.pcapng"


def _plain(text: str) -> str:
    """Return text of anybody's that is no markup in Markdown."""
    return "".join(f"\\{one}" if one in r"\`*_[]<>#|~" else one for one in " ".join(text.split()))


def diff_runs(before: Path, after: Path, unsteady: Mapping[str, str] | None = None) -> RunDiff:
    """Compare two runs, each given by its folder or its ``run.json``.

    Raises:
        ValueError: one of them cannot be read.
    """
    found = compare(load_run(before), load_run(after), unsteady)
    return replace(found, remarks=(*found.remarks, *_declared(before, after)))


def _declared(before: Path, after: Path) -> Iterator[str]:
    """Yield a remark where both runs say what their profile declared, and it is not the same."""
    try:
        one, other = ((at if at.is_dir() else at.parent).joinpath(PROFILE).read_bytes() for at in (before, after))
    except OSError:
        return
    if one != other:
        yield f"the profile was changed in between (diff their {PROFILE}): a change may be its, and not the lab's"


def compare(before: Run, after: Run, unsteady: Mapping[str, str] | None = None) -> RunDiff:
    """Compare two runs (see :class:`RunDiff`); worse means further up in ``seams.WORST_FIRST``.

    ``unsteady`` are the purposes that change now and then, with a sentence each.
    """
    then, now = ({r.id: r for r in run.results if r.verdict is not Verdict.NOT_APPLICABLE} for run in (before, after))
    known = unsteady or {}
    changes = [
        _change(then.get(identity), now.get(identity), known.get(identity, ""))
        for identity in sorted(then.keys() | now.keys())
    ]
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
        remarks=tuple(_remarks(before, after)),
    )


def _remarks(before: Run, after: Run) -> Iterator[str]:
    one, other = before.info, after.info
    if one.profile != other.profile:
        yield f"the profiles are not the same: {one.profile}, then {other.profile}"
    if (one.version, one.commit) != (other.version, other.commit):
        made = ", then ".join(f"{info.version} {info.commit}".strip() for info in (one, other))
        yield f"imsproof is not the same ({made}): a change may be ours and not the lab's"
    if one.seed != other.seed:
        yield f"the seeds are not the same ({one.seed}, then {other.seed}): what was sent differs"
    for info in (one, other):
        if info.finished is None:
            yield f"run {info.id} did not come to its end"


def _change(then: PurposeResult | None, now: PurposeResult | None, unsteady: str) -> Change:
    shown = now or then
    assert shown is not None
    was, is_now = _first_difference(then, now)
    return Change(
        id=shown.id,
        title=shown.title,
        before=then.verdict if then else None,
        after=now.verdict if now else None,
        reason=now.reason if now else "",
        was=was,
        now=is_now,
        evidence=(now.evidence or "") if now else "",
        clauses="; ".join(f"{one.document} {one.clause}".strip() for one in shown.citations),
        unsteady=unsteady,
    )


def _first_difference(then: PurposeResult | None, now: PurposeResult | None) -> tuple[str, str]:
    """Return what the first judgement said whose outcome differs, in either run."""
    old, new = (list(result.judgements) if result else [] for result in (then, now))
    for one, other in zip(old, new, strict=False):
        if (one.predicate, one.role, one.outcome) != (other.predicate, other.role, other.outcome):
            return one.sentence, other.sentence
    wrong = next((judgement.sentence for judgement in new if judgement.outcome is not Outcome.HOLDS), "")
    return "", wrong if now and now.verdict is not Verdict.PASS else ""
