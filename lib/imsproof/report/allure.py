"""Allure results: one result a purpose, a step a judgement, citations as links, evidence attached.

Written with allure-python-commons' own model and file writer. The Allure 3 report is made when its command (npm
package ``allure``) is there; it is an extra, ``summary.html`` needs nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment, Label, Link, Parameter, Status, StatusDetails, TestResult, TestStepResult
from allure_commons.types import LabelType, LinkType, Severity

from imsproof.evidence.files import make_folder, unwritable, write_atomic, write_json
from imsproof.evidence.text import clean
from imsproof.report.links import document_url
from imsproof.seams import Outcome, Role, Verdict

if TYPE_CHECKING:
    from imsproof.evidence.result import PurposeResult, Run, RunInfo
    from imsproof.seams import Judgement

RESULTS, REPORT = "allure-results", "allure-report.html"
GENERATE_S = 120
OLDEST = 3
"""Major version of Allure."""
LABEL = "imsproof"

_STATUS = {
    Verdict.PASS: Status.PASSED,
    Verdict.REMARK: Status.PASSED,
    Verdict.FAIL: Status.FAILED,
    Verdict.ERROR: Status.BROKEN,
    Verdict.INCONCLUSIVE: Status.BROKEN,
    Verdict.NOT_APPLICABLE: Status.SKIPPED,
}
_STEP = {Outcome.HOLDS: Status.PASSED, Outcome.FAILS: Status.FAILED, Outcome.UNKNOWN: Status.BROKEN}
_PLANES = {"SBI": "Service-based plane", "GM": "SIP plane", "MW": "SIP plane", "DC": "Data channels"}
_PLANES |= {"SRTP": "Media plane", "MSRP": "Media plane", "STIR": "SIP plane", "EXPOSE": "Service-based plane"}
SMALL, LARGE = 48 * 1024, 1024 * 1024
"""Bytes: the largest attachment of a purpose that passed, and of one that did not. Reports must open quickly."""
_ATTACHMENTS = (
    ("ladder.svg", "Message ladder", "image/svg+xml"),
    ("capture.pcapng", "Capture with keys", "application/vnd.tcpdump.pcap"),
    ("journal.jsonl", "Journal", "text/plain"),
    ("judgements.json", "Judgements", "application/json"),
)


def write(folder: Path, run: Run) -> Path:
    """Write ``allure-results/`` into a run folder, replacing what was there, and return its path.

    Raises:
        HarnessError: it cannot be written.
    """
    target = folder / RESULTS
    try:
        if target.exists():
            shutil.rmtree(target)
        make_folder(target)
        logger: Any = AllureFileLogger(str(target))  # type: ignore[no-untyped-call]  # the library has no types
        for result in run.results:
            shown = _result(result, run.info)
            shown.attachments = _attached(logger, folder, result)
            logger.report_result(shown)
    except OSError as error:
        raise unwritable(target, error) from error
    info = run.info
    facts = {"profile": info.profile, "imsproof": info.version, "commit": info.commit, "seed": info.seed}
    lines = "".join(f"{key}={clean(str(value))}\n" for key, value in facts.items())
    write_atomic(target / "environment.properties", lines.encode())
    write_json(target / "categories.json", _CATEGORIES)
    return target


def generate(folder: Path) -> str:
    """Make ``allure-report.html``, one file without a script from outside, where Allure 3 is installed.

    Returns:
        why there is no report, one sentence; ``""`` when there is one, or none is wanted (``IMSPROOF_ALLURE=no``).
    """
    if os.environ.get("IMSPROOF_ALLURE") == "no":
        return ""
    command = _command(folder)
    if command is None:
        return "no Allure report: npm's allure (3 or newer) is not here; its results are in allure-results/"
    out = folder / ".allure-report.part"
    try:
        done = subprocess.run(  # noqa: S603 - a program found by its fixed name, arguments as a list
            [*command, "awesome", "--single-file", "-o", str(out.resolve()), str((folder / RESULTS).resolve())],
            capture_output=True, text=True, errors="replace", timeout=GENERATE_S, check=False, cwd=folder,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        page = out / "index.html"
        if done.returncode != 0 or not page.is_file():
            said = (done.stderr or done.stdout).strip().splitlines()
            return f"no Allure report: allure ended with {done.returncode}: {said[-1] if said else 'it said nothing'}"
        html = without_trackers(page.read_text("utf-8"))
        outside = scripts_from_outside(html)
        if outside:
            return f"no Allure report: it would load {outside[0]}"
        write_atomic(folder / REPORT, html.encode("utf-8", "replace"))
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no Allure report: {error}"
    finally:
        shutil.rmtree(out, ignore_errors=True)
    return ""


def without_trackers(html: str) -> str:
    """Return an Allure page without the script that reports its use to a third party."""
    tag = r"<script\b[^>]*>.*?</script>"
    return re.sub(tag, lambda found: "" if _tracks(found[0]) else found[0], html, flags=re.DOTALL)


def _tracks(script: str) -> bool:
    return "googletagmanager" in script and len(script) < 4000


def scripts_from_outside(html: str) -> list[str]:
    """Return the addresses of scripts and styles that a page would load from elsewhere."""
    loads = r"<(?:script|link|iframe|img)\b[^>]*?(?:src|href)=[\"']?((?:https?:)?//[^\"' >]+)"
    return re.findall(loads, html) + re.findall(r"https?://www\.googletagmanager\.com[^\"' ]*", html)


def _command(folder: Path) -> list[str] | None:
    """Return how Allure 3 is called: from ``node_modules`` above the run folder, here or beside our .venv, or PATH."""
    here = folder.resolve()
    places = [place / "node_modules" / ".bin" / "allure" for place in (here, *here.parents)]
    places += [place / "node_modules" / ".bin" / "allure" for place in (folder.cwd(), Path(sys.prefix).parent)]
    found = next((str(place) for place in places if place.exists()), None) or shutil.which("allure")
    if found is None:
        return None
    if (major := _installed(found)) is not None:
        return [found] if major >= OLDEST else None
    try:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"(\d+)\.\d+", said.stdout)
    return [found] if version and int(version[1]) >= OLDEST else None


def _installed(command: str) -> int | None:
    """The major version that the package beside the command says, which is quicker than asking the command."""
    try:
        value = json.loads((Path(command).resolve().parent / "package.json").read_text("utf-8"))
        return int(str(value["version"]).partition(".")[0])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _result(result: PurposeResult, info: RunInfo) -> TestResult:
    start = _milliseconds(result.started or info.started)
    identity = hashlib.md5(result.id.encode(), usedforsecurity=False).hexdigest()
    remark = f"{result.verdict.value}: {result.reason}" if result.verdict is not Verdict.PASS else result.reason
    cited = "".join(f"- {one.document} {one.clause} ({one.checked})\n" for one in result.citations)
    shown = TestResult(
        uuid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"imsproof:{info.id}:{result.id}")),
        historyId=identity,
        testCaseId=identity,
        fullName=result.id,
        name=clean(f"{result.id} {result.title}"),
        description=clean(f"{result.expected}\n\n{cited}"),
        status=_STATUS[result.verdict],
        statusDetails=StatusDetails(message=clean(remark)),
        stage="finished",
        start=start,
        stop=start + int(result.duration_s * 1000),
        steps=[_step(one, start) for one in result.judgements],
        titlePath=[result.family],
    )
    shown.labels = [Label(name, value) for name, value in _labels(result)]
    shown.parameters = [Parameter("control", json.dumps(result.control or "not needed"))]
    for one in result.citations:
        if url := document_url(one.document):
            shown.links.append(Link(LinkType.LINK, url, f"{one.document} {one.clause} ({one.checked})"))
    return shown


def _labels(result: PurposeResult) -> list[tuple[str, str]]:
    tags = [result.verdict.value, *(f"fault:{fault}" for fault in result.faults)]
    return [
        (LabelType.EPIC, _PLANES.get(result.family.partition("-")[0], result.family)),
        (LabelType.FEATURE, result.family),
        (LabelType.STORY, clean(result.title)),
        (LabelType.PARENT_SUITE, LABEL),
        (LabelType.SUITE, result.family),
        (LabelType.SEVERITY, Severity.CRITICAL.value),
        (LabelType.FRAMEWORK, LABEL),
        (LabelType.LANGUAGE, "python"),
        *((LabelType.TAG, clean(tag)) for tag in tags),
    ]


def _step(judgement: Judgement, start: int) -> TestStepResult:
    status = _STEP[judgement.outcome]
    if judgement.role is Role.FORM and judgement.outcome is Outcome.FAILS:
        status = Status.BROKEN  # security held; the wording did not
    events = ", ".join(str(number) for number in judgement.events) or "none"
    return TestStepResult(
        name=clean(f"{judgement.role.value}: {judgement.sentence}"),
        status=status,
        stage="finished",
        start=start,
        stop=start,
        parameters=[
            Parameter("predicate", f"{judgement.predicate} {judgement.version}"),
            Parameter("events", events),
        ],
    )


def _attached(logger: Any, folder: Path, result: PurposeResult) -> list[Attachment]:
    """Attach ladder and capture of what passed, everything of what did not; what is large stays in ``evidence/``."""
    found = []
    passed = result.verdict is Verdict.PASS
    for name, title, kind in _ATTACHMENTS[: 2 if passed else None]:
        source = folder / "evidence" / result.id / name
        if result.evidence and source.is_file() and source.stat().st_size <= (SMALL if passed else LARGE):
            stored = f"{result.id}-{name.replace('.', '-attachment.')}"
            logger.report_attached_file(str(source), stored)
            found.append(Attachment(title, stored, kind))
    return found


def _milliseconds(utc: str) -> int:
    try:
        return int(datetime.fromisoformat(utc).timestamp() * 1000)
    except ValueError:
        return 0


_CATEGORIES = [
    {"name": "Promise broken", "matchedStatuses": ["failed"]},
    {"name": "Inconclusive", "matchedStatuses": ["broken"], "messageRegex": "(?s)inconclusive: .*"},
    {"name": "Error of the harness", "matchedStatuses": ["broken"], "messageRegex": "(?s)error: .*"},
    {"name": "Does not apply", "matchedStatuses": ["skipped"]},
    {"name": "Security held, form did not", "matchedStatuses": ["passed"], "messageRegex": "(?s)pass-with-remark: .*"},
]
