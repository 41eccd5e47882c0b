"""``imsproof verify``: what a bundle says, computed again from what it holds.

Hashes against the manifest; every judgement from the journal alone; the verdicts from the judgements; the run's
verdict and counts from the purposes; the journal's bytes against the packets of the capture. A bundle may come
from anybody: whatever it holds, the answer is a report.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof import judge
from imsproof.evidence import capture, crossing, journal, pcapng
from imsproof.evidence.archive import Archive, ArchiveError
from imsproof.evidence.purpose import JUDGEMENTS, parse_judgements
from imsproof.evidence.result import PurposeResult, Run, judgement_from_json
from imsproof.evidence.run import RUN_JSON, parse_run
from imsproof.seams import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from imsproof.seams import Event

RAISED = {Verdict.INCONCLUSIVE, Verdict.ERROR}
"""The verdicts that the harness itself may give; every other one comes from judgements."""
DECIDED = {Verdict.PASS, Verdict.REMARK, Verdict.FAIL}


@dataclass(slots=True)
class VerifyReport:
    """What verification found.

    Attributes:
        findings: what does not agree, one sentence each; empty for a sound bundle.
        notes: what a reader should know and that is no fault.
        files, purposes, judgements, messages: how many of each were checked (messages: held against the capture).
        run: the run, when its ``run.json`` could be read.
    """

    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    purposes: int = 0
    judgements: int = 0
    messages: int = 0
    run: Run | None = None

    @property
    def sound(self) -> bool:
        """Whether everything agrees."""
        return not self.findings

    @property
    def summary(self) -> str:
        """The outcome in one sentence."""
        checked = (
            f"{self.files} files, {self.purposes} purposes, {self.judgements} judgements computed again, "
            f"{self.messages} messages held against packets"
        )
        if self.sound:
            verdict = f"; the run's verdict is {self.run.verdict.value}" if self.run else ""
            return f"sound: {checked}{verdict}"
        return f"not sound: {len(self.findings)} findings; {checked}"

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "schema": 1,
            "sound": self.sound,
            "summary": self.summary,
            "verdict": self.run.verdict.value if self.run else None,
            "checked": {
                "files": self.files,
                "purposes": self.purposes,
                "judgements": self.judgements,
                "messages": self.messages,
            },
            "findings": self.findings,
            "notes": self.notes,
        }


def verify(bundle: Path, controls: Mapping[str, bool] | None = None) -> VerifyReport:
    """Check a bundle and return the report; never raises for what the bundle holds.

    ``controls`` says of purposes by their id whether they need a control (from the catalogue), so that a bundle
    cannot say that none was needed.
    """
    report = VerifyReport()
    try:
        archive = Archive(bundle)
    except ArchiveError as error:
        report.findings.append(str(error))
        return report
    try:
        report.findings += archive.odd
        report.findings += archive.hashes()
        report.files = len(archive.names)
        _run(archive, report, controls or {})
    finally:
        archive.close()
    return report


def _run(archive: Archive, report: VerifyReport, controls: Mapping[str, bool]) -> None:
    try:
        data = archive.read(RUN_JSON)
        run = report.run = parse_run(data)
    except ValueError as error:
        report.findings.append(f"{RUN_JSON}: {error}")
        return
    stored = json.loads(data)
    if stored.get("counts") != run.counts:
        report.findings.append(f"{RUN_JSON}: the counts are {stored.get('counts')}; the purposes give {run.counts}")
    if stored.get("verdict") != run.verdict.value:
        report.findings.append(
            f"{RUN_JSON}: the verdict is {stored.get('verdict')}; the purposes give {run.verdict.value} ({run.reason})"
        )
    if run.info.finished is None:
        report.notes.append("the run did not come to its end")
    known = {result.id for result in run.results}
    folders = {name.split("/")[1] for name in archive.names if name.startswith("evidence/") and name.count("/") > 1}
    report.notes += [f"evidence/{name} belongs to no purpose of {RUN_JSON}" for name in sorted(folders - known)]
    for result in run.results:
        report.purposes += 1
        if result.evidence is None:
            if result.verdict in DECIDED:
                report.findings.append(f"{result.id}: {result.verdict.value} without evidence")
            continue
        try:
            report.findings += _purpose(archive, report, result, controls.get(result.id))
        except ValueError as error:
            report.findings.append(f"{result.id}: {error}")
        except Exception as error:  # noqa: BLE001 - a hostile bundle must end in a finding, whatever it trips over
            report.findings.append(f"{result.id}: cannot be checked: {type(error).__name__}: {error}")


def _purpose(archive: Archive, report: VerifyReport, result: PurposeResult, control: bool | None) -> Iterator[str]:
    folder = f"evidence/{result.id}"
    if result.evidence != folder:
        yield f"{result.id}: its evidence is said to lie in {result.evidence!r}"
        return
    events: list[Event] = archive.using(f"{folder}/{journal.JOURNAL}", lambda file: list(journal.read(file)))
    stored = parse_judgements(archive.read(f"{folder}/{JUDGEMENTS}"))
    judgements = [judgement_from_json(item) for item in stored["judgements"]]
    if stored["purpose"] != result.id:
        yield f"{result.id}: {JUDGEMENTS} is that of {stored['purpose']}"
    if result.judgements and tuple(judgements) != result.judgements:
        yield f"{result.id}: {RUN_JSON} and {JUDGEMENTS} hold different judgements"
    if control is not None and stored["needs_control"] is not control:
        yield f"{result.id}: needs_control is {stored['needs_control']}; the catalogue says {control}"
    yield from _judged_again(report, result.id, judgements, events)
    yield from _decided_again(result, stored, judgements)
    yield from _held_against_packets(archive, report, folder, events)


def _judged_again(
    report: VerifyReport, purpose: str, judgements: Sequence[Judgement], events: Sequence[Event]
) -> Iterator[str]:
    for number, judgement in enumerate(judgements, 1):
        where = f"{purpose}: judgement {number} ({judgement.predicate})"
        report.judgements += 1
        try:
            again = judge.recompute(judgement, events)
        except Exception as error:  # noqa: BLE001 - parameters are the bundle's; a predicate may trip over them
            yield f"{where} cannot be computed again: {type(error).__name__}: {error}"
            continue
        if again.outcome is not judgement.outcome:
            was, now = judgement.outcome.value, again.outcome.value
            yield f"{where} was {was!r}; the journal gives {now!r}: {again.sentence}"
        elif (again.sentence, again.events) != (judgement.sentence, judgement.events):
            yield f"{where} said {judgement.sentence!r}; the journal gives {again.sentence!r}"


def _decided_again(result: PurposeResult, stored: Mapping[str, Any], judgements: Sequence[Judgement]) -> Iterator[str]:
    raised = _raised(stored.get("raised"))
    if raised is not None and raised[0] not in RAISED:
        yield f"{result.id}: the harness is said to have given {raised[0].value}, which only judgements can give"
        raised = None
    verdict, reason, control = judge.conclude(judgements, needs_control=stored["needs_control"], raised=raised)
    for what, found in ((JUDGEMENTS, stored["verdict"]), (RUN_JSON, result.verdict.value)):
        if found != verdict.value:
            yield f"{result.id}: the verdict in {what} is {found}; the judgements give {verdict.value} ({reason})"
    told, decided = (result.reason, result.control), (reason, control)
    if told != decided and result.verdict is verdict:
        yield f"{result.id}: reason and control are {told}; decided again they are {decided}"


def _raised(value: Any) -> tuple[Verdict, str] | None:
    if value is None:
        return None
    try:
        return Verdict(value["verdict"]), str(value["reason"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{JUDGEMENTS}: 'raised' is malformed") from error


def _held_against_packets(
    archive: Archive, report: VerifyReport, folder: str, events: Sequence[Event]
) -> Iterator[str]:
    about = pcapng.Section()
    name = f"{folder}/{capture.CAPTURE}"
    crossed = archive.using(name, lambda file: crossing.Crossed.of(pcapng.read(file, about)))
    gone, looked = crossing.missing(events, crossed)
    report.messages += looked
    if not gone:
        return
    first = gone[0]
    text = (
        f"{name}: {len(gone)} of {looked} messages of the journal are not in the capture, first event {first.seq} "
        f"({first.kind.value}, {first.transport}, {len(first.data)} bytes)"
    )
    dropped = capture.flows_from_json(json.loads(archive.read(f"{folder}/{capture.FLOWS}")))[2] + about.dropped
    if dropped >= len(gone):
        report.notes.append(f"{text}; {dropped} packets of a burst were counted and not kept")
    else:
        yield text
