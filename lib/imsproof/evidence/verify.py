"""``imsproof verify``: what a bundle says, computed again from what it holds.

Hashes against the manifest; every judgement from the journal alone; the verdicts from the judgements; the run's
verdict and counts from the purposes; the journal's bytes against the packets of the capture, and what it says was
said inside TLS, DTLS and ESP against what tshark decrypts. A bundle may come from anybody: whatever it holds, the
answer is a report.
"""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from imsproof import judge
from imsproof.evidence import capture, consistent, crossing, journal, pcapng, plaintext, signature, together
from imsproof.evidence.archive import Archive, ArchiveError
from imsproof.evidence.bundle import CHUNK
from imsproof.evidence.purpose import JUDGEMENTS, parse_judgements
from imsproof.evidence.result import PurposeResult, Run, judgement_from_json
from imsproof.evidence.run import RUN_JSON, parse_run
from imsproof.seams import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from imsproof.evidence.signature import Signed
    from imsproof.seams import Event

RAISED = {Verdict.INCONCLUSIVE, Verdict.ERROR}
"""The verdicts that the harness itself may give; every other one comes from judgements."""
TOGETHER = 12
"""Captures that one tshark decrypts."""
DECIDED = {Verdict.PASS, Verdict.REMARK, Verdict.FAIL}


@dataclass(slots=True)
class VerifyReport:
    """What verification found.

    Attributes:
        findings: what does not agree, one sentence each; empty for a sound bundle.
        notes: what a reader should know and that is no fault.
        files, purposes, judgements, messages: how many of each were checked (messages: held against the capture).
        protected: messages inside TLS, DTLS or ESP that were held against the plain text.
        closed: messages that were not, as the plain text was not to be had.
        on_word: judgements that rest on what no message proves (timeouts, handshakes, notes): the tester's word.
        foreign: the version that made the bundle, when it is not the one that verifies it.
        reworded: judgements with the same outcome that the other version told with other words.
        cut: messages that were on their way when the connection ended, and are not (wholly) in the capture.
        signed: the signature that holds, if there is one.
        run: the run, when its ``run.json`` could be read.
    """

    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    purposes: int = 0
    judgements: int = 0
    messages: int = 0
    protected: int = 0
    closed: int = 0
    cut: int = 0
    on_word: int = 0
    foreign: str = ""
    reworded: int = 0
    signed: Signed | None = None
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
            f"{self.messages} messages held against packets, {self.protected} against decrypted packets"
        )
        if self.closed:
            checked += f" ({self.closed} protected messages not compared)"
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
                "protected": self.protected,
                "not_compared": self.closed,
                "cut_off": self.cut,
                "on_word": self.on_word,
            },
            "signature": self.signed.to_json() if self.signed else None,
            "findings": self.findings,
            "notes": self.notes,
        }


def verify(
    bundle: Path,
    controls: Mapping[str, bool] | None = None,
    *,
    decrypt: bool = True,
    trusted: Collection[bytes] | None = None,
    version: str = "",
) -> VerifyReport:
    """Check a bundle and return the report; never raises for what the bundle holds.

    Args:
        bundle: the ``bundle.zip``.
        controls: whether a purpose needs a control, by its id (from the catalogue), so that a bundle cannot say
            that none was needed.
        decrypt: have tshark open what is protected; without it, or without tshark, the report says what was not
            compared.
        trusted: the SSH public keys of whom the bundle must be signed by one; ``None`` when it need not be signed.
        version: version and commit of the imsproof that verifies; where the bundle says the same of itself, also the
            sentences of the judgements must be the same.
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
        _signature(archive, report, trusted)
        why = plaintext.why_not() if decrypt else "the captures were not to be decrypted"
        with _Opener(archive, why) as opener:
            _run(archive, report, controls or {}, opener, version)
    finally:
        archive.close()
    return report


def _signature(archive: Archive, report: VerifyReport, trusted: Collection[bytes] | None) -> None:
    report.signed, wrong = signature.check(archive, trusted)
    report.findings += wrong
    if report.signed is not None:
        known = "" if trusted is not None else "; whose key that is, only you can know (--signer)"
        ended = "" if report.signed.finished else " as a run that did not come to its end"
        report.notes.append(f"signed{ended} by {report.signed.fingerprint} at {report.signed.when}{known}")


class _Opener:
    """Decrypts captures beside the other checks, as tshark takes a while to start."""

    def __init__(self, archive: Archive, why: str) -> None:
        self.why = why
        self._archive = archive
        self._folder = tempfile.TemporaryDirectory(prefix="imsproof-verify-")
        self._workers = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
        self._begun: dict[str, Future[dict[str, plaintext.Plain]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def begin(self, names: Sequence[str]) -> None:
        """Begin to decrypt these captures, which will be asked for."""
        for at in range(0, 0 if self.why else len(names), TOGETHER):
            some = names[at : at + TOGETHER]
            self._begun |= dict.fromkeys(some, self._workers.submit(self._together, some))

    def plain(self, name: str) -> plaintext.Plain | None:
        """Return the plain text of a capture, ``None`` without one (``ValueError`` when it cannot be decrypted)."""
        if self.why:
            return None
        begun = self._begun.get(name)
        found = begun.result().pop(name, None) if begun else None
        return found if found is not None else self._alone(name)

    def _together(self, names: Sequence[str]) -> dict[str, plaintext.Plain]:
        """Decrypt captures at once; none of them when one cannot be read, as then each is taken by itself."""
        copies: list[tuple[Path, list[str]]] = []
        try:
            copies += [self._copied(name) for name in names]
            return dict(zip(names, together.decrypt(copies, self._place()), strict=True))
        except ValueError:
            return {}
        finally:
            for path, _ in copies:
                path.unlink(missing_ok=True)

    def _alone(self, name: str) -> plaintext.Plain:
        path, associations = self._copied(name)
        try:
            return plaintext.decrypt(path, associations)
        finally:
            path.unlink(missing_ok=True)

    def _place(self) -> Path:
        handle, path = tempfile.mkstemp(suffix=".pcapng", dir=self._folder.name)
        os.close(handle)
        return Path(path)

    def _copied(self, name: str) -> tuple[Path, list[str]]:
        """Return a copy of a capture for tshark, and the ESP associations that lie beside it."""
        target = self._place()

        def copy(source: IO[bytes]) -> None:
            with target.open("wb") as file:
                while chunk := source.read(CHUNK):
                    file.write(chunk)

        associations = f"{name.rpartition('/')[0]}/{capture.ESP_KEYS}"
        self._archive.using(name, copy)
        held = self._archive.size(associations)
        lines = self._archive.read(associations).decode("ascii", "replace") if held else ""
        return target, [line for line in lines.splitlines() if line.startswith('"')]


def _run(archive: Archive, report: VerifyReport, controls: Mapping[str, bool], opener: _Opener, version: str) -> None:
    try:
        data = archive.read(RUN_JSON)
        run = report.run = parse_run(data)
    except ValueError as error:
        report.findings.append(f"{RUN_JSON}: {error}")
        return
    report.findings += _by_itself(json.loads(data), run)
    made = f"{run.info.version} {run.info.commit}".strip()
    report.foreign = made if version and made != version else ""
    if run.info.finished is None:
        report.notes.append("the run did not come to its end")
    known = {result.id for result in run.results}
    folders = {name.split("/")[1] for name in archive.names if name.startswith("evidence/") and name.count("/") > 1}
    told = [f"evidence/{name} belongs to no purpose of {RUN_JSON}" for name in sorted(folders - known)]
    (report.notes if run.info.finished is None else report.findings).extend(told)
    opener.begin([name for one in run.results if (name := _capture_with_keys(archive, one.id))])
    for result in run.results:
        report.purposes += 1
        report.findings += _checked(archive, report, result, controls.get(result.id), opener)
    report.notes += _told(report, opener.why, version)
    report.notes += [
        f"{one.purpose} did not pass; the lab's owner ({one.by}) accepts that until {one.until}: {one.reason}"
        for one in run.accepted.values()
    ]


def _by_itself(stored: Mapping[str, Any], run: Run) -> Iterator[str]:
    """Yield where ``run.json`` contradicts itself."""
    if stored.get("counts") != run.counts:
        yield f"{RUN_JSON}: the counts are {stored.get('counts')}; the purposes give {run.counts}"
    if stored.get("verdict") != run.verdict.value:
        given = f"{run.verdict.value} ({run.reason})"
        yield f"{RUN_JSON}: the verdict is {stored.get('verdict')}; the purposes give {given}"
    for identity in sorted({result.id for result in run.results} - set(run.planned)):
        yield f"{RUN_JSON}: {identity} was not planned"


def _told(report: VerifyReport, why_shut: str, version: str) -> Iterator[str]:
    """Yield what a reader should know of what was not, or could not be, compared."""
    if report.foreign:
        yield (
            f"the bundle says that imsproof {report.foreign} made it, and this is {version}: {report.reworded} "
            "judgements have other words and the same outcome here; to compare all of it, take that version"
        )
    if report.on_word:
        yield (
            f"{report.on_word} of {report.judgements} judgements rest on what no message proves by itself "
            "(that nothing came, how a handshake ended, what was counted): there is the tester's word for it"
        )
    if report.closed:
        why = why_shut or "their connections cannot be decrypted with the keys that the captures hold"
        yield f"{report.closed} protected messages were not compared with the captures: {why}"
    if report.cut:
        yield f"{report.cut} messages were on their way when the connection ended, and are not (wholly) in the captures"


def _checked(
    archive: Archive, report: VerifyReport, result: PurposeResult, control: bool | None, opener: _Opener
) -> list[str]:
    """Return what is wrong with the evidence of one purpose, whatever it holds."""
    if result.evidence is None:
        return [f"{result.id}: {result.verdict.value} without evidence"] if result.verdict in DECIDED else []
    found: list[str] = []
    try:
        found.extend(_purpose(archive, report, result, control, opener))
    except ValueError as error:
        found.append(f"{result.id}: {error}")
    except Exception as error:  # noqa: BLE001 - a hostile bundle must end in a finding, whatever it trips over
        found.append(f"{result.id}: cannot be checked: {type(error).__name__}: {error}")
    return found


def _capture_with_keys(archive: Archive, purpose: str) -> str:
    """Return the name of a purpose's capture when its journal seems to speak of protected messages, with keys for them.

    A mere hint of what to begin with: a journal may be written in another way and say the same.
    """
    folder = f"evidence/{purpose}"
    name = f"{folder}/{capture.CAPTURE}"
    keys = archive.size(f"{folder}/{capture.KEYS}") + archive.size(f"{folder}/{capture.ESP_KEYS}")
    if not keys or not archive.size(name):
        return ""
    try:
        lines = archive.using(f"{folder}/{journal.JOURNAL}", lambda file: file.read())
    except ArchiveError:
        return ""
    return name if any(f'"transport":"{one}"'.encode() in lines for one in crossing.PROTECTED) else ""


def _purpose(
    archive: Archive, report: VerifyReport, result: PurposeResult, control: bool | None, opener: _Opener
) -> Iterator[str]:
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
        hint = " (that of this version; another one made the bundle)" if report.foreign else ""
        yield f"{result.id}: needs_control is {stored['needs_control']}; the catalogue says {control}{hint}"
    yield from (f"{result.id}: {told}" for told in consistent.contradictions(events))
    report.on_word += sum(consistent.on_word(judgement, events) for judgement in judgements)
    yield from _judged_again(report, result.id, judgements, events)
    yield from _decided_again(result, stored, judgements)
    yield from _held_against_packets(archive, report, folder, events, opener)


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
        elif (again.sentence, again.events) == (judgement.sentence, judgement.events):
            continue
        elif report.foreign:
            report.reworded += 1
        else:
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
    archive: Archive, report: VerifyReport, folder: str, events: Sequence[Event], opener: _Opener
) -> Iterator[str]:
    about = pcapng.Section()
    name = f"{folder}/{capture.CAPTURE}"
    crossed = archive.using(name, lambda file: crossing.Crossed.of(pcapng.read(file, about)))
    if late := consistent.out_of_time(events, crossed.span_ns):
        yield f"{name}: {late}"
    gone, looked = crossing.missing(events, crossed)
    report.messages += looked
    dropped = capture.flows_from_json(json.loads(archive.read(f"{folder}/{capture.FLOWS}")))[2] + about.dropped
    if gone:
        text = f"{name}: {len(gone)} of {looked} messages of the journal are not in the capture, {_first(gone)}"
        if dropped >= len(gone):
            report.notes.append(f"{text}; {dropped} packets of a burst were counted and not kept")
        else:
            yield text
    if not crossing.protected(events):
        return
    try:
        plain = opener.plain(name)
    except ValueError as error:
        report.notes.append(f"{name}: {error}")
        plain = None
    found = crossing.against_plain(events, crossed, plain)
    compared = found.held + len(found.gone)
    report.protected += compared
    report.closed += found.closed
    report.cut += found.cut
    if found.gone:
        what = f"{len(found.gone)} of {compared} protected messages of the journal"
        yield f"{name}: {what} are not in the plain text of the capture, {_first(found.gone)}"


def _first(gone: Sequence[Event]) -> str:
    first = gone[0]
    return f"first event {first.seq} ({first.kind.value}, {first.transport}, {len(first.data)} bytes)"
