"""What a run decided, as plain data: the content of ``run.json`` (schema 1, ``run.schema.json``)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from imsproof.seams import WORST_FIRST, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 1


PASSED = frozenset({Verdict.PASS, Verdict.REMARK, Verdict.NOT_APPLICABLE})
"""Verdicts that ask nothing of anybody."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A clause that a purpose stands on. ``checked``: text, quote, secondary, title or unchecked."""

    document: str
    clause: str
    checked: str

    def to_json(self) -> dict[str, str]:
        """Return the citation as JSON values."""
        return {"document": self.document, "clause": self.clause, "checked": self.checked}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Build a citation from :meth:`to_json`'s form (``ValueError`` when it is not one)."""
        return cls(_text(value, "document"), _text(value, "clause"), _text(value, "checked"))


@dataclass(frozen=True, slots=True)
class PurposeResult:
    """The verdict on one purpose, and what a reader needs to believe it.

    Attributes:
        id: the purpose, e.g. ``SBI-TOKEN-03``.
        family: its family, e.g. ``SBI-TOKEN``.
        title: what must hold, one line.
        verdict: what was decided.
        reason: why, one sentence for people; why it does not apply for ``not-applicable``.
        control: what became of the control (``accepted``, ``not accepted``, ``""`` where none is needed).
        citations: the clauses.
        faults: planted faults of the reference lab that must turn the verdict to ``fail``.
        expected: what a conformant lab does, for the report.
        duration_s: seconds from start to verdict.
        evidence: the evidence folder, relative to the run folder (``evidence/<ID>``), or ``None``.
        judgements: what the predicates found.
        started: ISO 8601 UTC time, ``""`` when it never started.
        mandatory: whether it counts against the run; one that is not can take no more than the clean pass.
        answered: whether anything at all came back from the lab.
    """

    id: str
    family: str
    title: str
    verdict: Verdict
    reason: str = ""
    control: str = ""
    citations: tuple[Citation, ...] = ()
    faults: tuple[str, ...] = ()
    expected: str = ""
    duration_s: float = 0.0
    evidence: str | None = None
    judgements: tuple[Judgement, ...] = ()
    started: str = ""
    mandatory: bool = True
    answered: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "id": self.id,
            "family": self.family,
            "title": self.title,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "control": self.control,
            "citations": [citation.to_json() for citation in self.citations],
            "faults": list(self.faults),
            "expected": self.expected,
            "duration_s": round(self.duration_s, 3),
            "evidence": self.evidence,
            "judgements": [judgement.to_json() for judgement in self.judgements],
            "started": self.started,
            "mandatory": self.mandatory,
            "answered": self.answered,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Build a result from :meth:`to_json`'s form.

        Raises:
            ValueError: a field is missing or has the wrong form; the message names it.
        """
        identity = _text(value, "id")
        try:
            return cls(
                id=identity,
                family=_text(value, "family"),
                title=_text(value, "title"),
                verdict=Verdict(_text(value, "verdict")),
                reason=_text(value, "reason"),
                control=_text(value, "control"),
                citations=tuple(Citation.from_json(item) for item in _objects(value, "citations")),
                faults=tuple(_texts(value, "faults")),
                expected=_text(value, "expected", ""),
                duration_s=_number(value, "duration_s"),
                evidence=_text_or_none(value, "evidence"),
                judgements=tuple(judgement_from_json(item) for item in _objects(value, "judgements", [])),
                started=_text(value, "started", ""),
                mandatory=value.get("mandatory", True) is not False,
                answered=value.get("answered", False) is True,
            )
        except ValueError as error:
            raise ValueError(f"purpose {identity!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the profile said of a purpose that need not pass until a day (``YYYY-MM-DD``): it changes no verdict."""

    purpose: str
    reason: str
    by: str
    until: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"purpose": self.purpose, "reason": self.reason, "by": self.by, "until": self.until}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Build it from :meth:`to_json`'s form (``ValueError`` when it is not one)."""
        return cls(_text(value, "purpose"), _text(value, "reason"), _text(value, "by"), _text(value, "until"))


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the run was: its id, profile, times (ISO 8601 UTC; ``finished`` is ``None`` while it goes), and seed.

    ``capture_source`` is ``wire`` (packets as the kernel saw them) or ``tap`` (the link's own tap, made-up headers).
    """

    id: str
    profile: str
    started: str
    seed: int
    version: str
    commit: str = ""
    capture_source: str = "tap"
    finished: str | None = None
    accepted: tuple[Accepted, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the run's data as JSON values."""
        return {
            "id": self.id,
            "profile": self.profile,
            "started": self.started,
            "finished": self.finished,
            "seed": self.seed,
            "version": self.version,
            "commit": self.commit,
            "capture_source": self.capture_source,
            "accepted": [one.to_json() for one in self.accepted],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Build the run's data from :meth:`to_json`'s form (``ValueError`` when it is not one)."""
        return cls(
            id=_text(value, "id"),
            profile=_text(value, "profile"),
            started=_text(value, "started"),
            seed=int(_number(value, "seed")),
            version=_text(value, "version"),
            commit=_text(value, "commit"),
            capture_source=_text(value, "capture_source", "tap"),
            finished=_text_or_none(value, "finished"),
            accepted=tuple(Accepted.from_json(item) for item in _objects(value, "accepted", [])),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run and all that it has decided so far. ``planned`` lists the purposes that it set out to decide."""

    info: RunInfo
    planned: tuple[str, ...] = ()
    results: tuple[PurposeResult, ...] = field(default=())

    @property
    def outstanding(self) -> tuple[str, ...]:
        """The planned purposes that have no verdict yet."""
        have = {result.id for result in self.results}
        return tuple(identity for identity in self.planned if identity not in have)

    @property
    def unreached(self) -> bool:
        """Whether purposes were tried, none could be decided, and nothing at all came back from the lab."""
        tried = [one for one in self.results if one.verdict is not Verdict.NOT_APPLICABLE]
        undecided = all(one.verdict is Verdict.INCONCLUSIVE and not one.answered for one in tried)
        return undecided and any(one.evidence for one in tried)

    @property
    def accepted(self) -> dict[str, Accepted]:
        """What the lab's owner lived with on the day of the run, by purpose, of those that did not pass."""
        on_that_day = {one.purpose: one for one in self.info.accepted if self.info.started[:10] <= one.until}
        wanting = {one.id for one in self.results if one.verdict not in PASSED}
        return {identity: one for identity, one in on_that_day.items() if identity in wanting}

    @property
    def verdict_but_accepted(self) -> Verdict:
        """The verdict on the run without what is accepted: it decides an exit code, and nothing else."""
        accepted = self.accepted
        rest = [one for one in self.results if one.id not in accepted]
        if accepted and not [one for one in rest if one.verdict is not Verdict.NOT_APPLICABLE] and not self.outstanding:
            return Verdict.PASS
        return run_verdict(rest, self.outstanding)[0]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the run: see :func:`run_verdict`."""
        return run_verdict(self.results, self.outstanding)[0]

    @property
    def reason(self) -> str:
        """Why the run has its verdict, one sentence."""
        return run_verdict(self.results, self.outstanding)[1]

    @property
    def counts(self) -> dict[str, int]:
        """How many purposes have each verdict; every verdict is named."""
        return count_verdicts(self.results)

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``run.json``."""
        return {**self.head(), "purposes": [result.to_json() for result in self.results]}

    def head(self) -> dict[str, Any]:
        """Return the content of ``run.json`` but for its ``purposes``."""
        return {
            "schema": SCHEMA,
            "run": self.info.to_json(),
            "verdict": self.verdict.value,
            "reason": self.reason,
            "counts": self.counts,
            "planned": list(self.planned),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Build a run from :meth:`to_json`'s form; the stored verdict and counts are not taken but computed.

        Raises:
            ValueError: it is not a ``run.json`` of schema 1, or a purpose stands in it twice.
        """
        if not isinstance(value, Mapping):
            raise _wrong("run.json", value, "an object")
        if value.get("schema") != SCHEMA:
            raise ValueError(f"run.json has schema {value.get('schema')!r}; this version reads {SCHEMA}")
        results = tuple(PurposeResult.from_json(item) for item in _objects(value, "purposes"))
        twice = [name for name, n in Counter(result.id for result in results).items() if n > 1]
        if twice:
            raise ValueError(f"run.json holds {', '.join(twice)} more than once")
        run = value.get("run")
        if not isinstance(run, Mapping):
            raise _wrong("run", run, "an object")
        return cls(RunInfo.from_json(run), tuple(_texts(value, "planned", [])), results)


def run_verdict(results: Sequence[PurposeResult], outstanding: Sequence[str] = ()) -> tuple[Verdict, str]:
    """Decide a run: the worst verdict counts, and what was not decided is never a pass.

    Returns:
        the verdict and one sentence. ``pass`` only when at least one purpose applied, each that applied was
        executed and passed, and none is outstanding.
    """
    must = [result for result in results if result.mandatory]
    worst = next((v for v in WORST_FIRST if any(result.verdict is v for result in must)), Verdict.NOT_APPLICABLE)
    names = [result.id for result in must if result.verdict is worst]
    if worst in {Verdict.FAIL, Verdict.ERROR}:
        return worst, f"{_some(names)}: {worst.value}"
    if outstanding:
        return Verdict.INCONCLUSIVE, f"not decided yet: {_some(outstanding)}"
    if worst is Verdict.NOT_APPLICABLE:
        return Verdict.INCONCLUSIVE, "no purpose applied, so nothing was shown"
    extra = [r.id for r in results if not r.mandatory and r.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}]
    if worst is Verdict.PASS and extra:
        return Verdict.REMARK, f"every mandatory purpose passed; not mandatory, and not passed: {_some(extra)}"
    if worst is Verdict.PASS:
        passed = sum(result.verdict is Verdict.PASS for result in results)
        return worst, f"every purpose that applies passed ({passed})"
    return worst, f"{_some(names)}: {worst.value}"


def count_verdicts(results: Sequence[PurposeResult]) -> dict[str, int]:
    """Return how many purposes have each verdict, every verdict named."""
    counts = Counter(result.verdict for result in results)
    return {verdict.value: counts[verdict] for verdict in Verdict}


def judgement_from_json(value: Mapping[str, Any]) -> Judgement:
    """Build a judgement; every malformation is a ``ValueError`` that says so."""
    try:
        return Judgement.from_json(value)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"a judgement is malformed: {type(error).__name__} {error}") from error


def _some(names: Sequence[str], at_most: int = 5) -> str:
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")


def _wrong(key: str, found: object, wanted: str) -> ValueError:
    return ValueError(f"{key!r} is {type(found).__name__}, not {wanted}")


def _text(value: Mapping[str, Any], key: str, default: str | None = None) -> str:
    found = value.get(key, default)
    if not isinstance(found, str):
        raise _wrong(key, found, "text")
    return found


def _text_or_none(value: Mapping[str, Any], key: str) -> str | None:
    return None if value.get(key) is None else _text(value, key)


def _number(value: Mapping[str, Any], key: str) -> float:
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _wrong(key, found, "a number")
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError(f"{key!r} is not a finite number")
    return found


def _list(value: Mapping[str, Any], key: str, default: list[Any] | None) -> list[Any]:
    found = value.get(key, default)
    if not isinstance(found, list):
        raise _wrong(key, found, "a list")
    return found


def _texts(value: Mapping[str, Any], key: str, default: list[Any] | None = None) -> list[str]:
    found = _list(value, key, default)
    if not all(isinstance(item, str) for item in found):
        raise ValueError(f"{key!r} holds something that is not text")
    return found


def _objects(value: Mapping[str, Any], key: str, default: list[Any] | None = None) -> list[Mapping[str, Any]]:
    found = _list(value, key, default)
    if not all(isinstance(item, Mapping) for item in found):
        raise ValueError(f"{key!r} holds something that is not an object")
    return found
