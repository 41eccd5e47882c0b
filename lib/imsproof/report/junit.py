"""``junit.xml`` for CI servers: one suite a family, one case a purpose.

JUnit has no word for *inconclusive*: it stands as an ``error``, so that a server never shows it as passed; what does
not apply is ``skipped``.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from imsproof.evidence.files import write_atomic
from imsproof.evidence.text import clean
from imsproof.seams import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imsproof.evidence.result import Accepted, PurposeResult, Run

JUNIT = "junit.xml"

_ELEMENTS = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.INCONCLUSIVE: "error",
    Verdict.NOT_APPLICABLE: "skipped",
}


def write(folder: Path, run: Run) -> Path:
    """Write ``junit.xml`` into a run folder and return its path (``HarnessError`` when it cannot be written)."""
    path = folder / JUNIT
    write_atomic(path, xml(run))
    return path


def xml(run: Run) -> bytes:
    """Return a run as JUnit XML; planned purposes without a verdict are errors."""
    root = ET.Element("testsuites", name=clean(f"imsproof {run.info.profile}"))
    results = sorted(run.results, key=lambda result: (result.family, result.id))
    for family, group in groupby(results, key=lambda result: result.family):
        _suite(root, family, list(group), run)
    if run.outstanding:
        suite = _element(root, "testsuite", name="not decided", tests=len(run.outstanding), errors=len(run.outstanding))
        for identity in run.outstanding:
            case = _element(suite, "testcase", classname="not decided", name=identity)
            _element(case, "error", type="not-decided", message="the run ended before this purpose was decided")
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(result.duration_s for result in results):.3f}")
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _suite(root: ET.Element, family: str, results: Sequence[PurposeResult], run: Run) -> None:
    elements = [_ELEMENTS.get(result.verdict, "") for result in results]
    suite = _element(
        root,
        "testsuite",
        name=family,
        tests=len(results),
        failures=elements.count("failure"),
        errors=elements.count("error"),
        skipped=elements.count("skipped"),
        time=f"{sum(result.duration_s for result in results):.3f}",
        timestamp=run.info.started.partition(".")[0],
    )
    for result in results:
        _case(suite, result, run.accepted.get(result.id))


def _case(suite: ET.Element, result: PurposeResult, accepted: Accepted | None) -> None:
    case = _element(
        suite,
        "testcase",
        classname=result.family,
        name=f"{result.id} {result.title}",
        time=f"{result.duration_s:.3f}",
    )
    properties = _element(case, "properties")
    _element(properties, "property", name="verdict", value=result.verdict.value)
    for citation in result.citations:
        text = f"{citation.document} {citation.clause} [{citation.checked}]"
        _element(properties, "property", name="cites", value=text)
    if accepted:
        told = f"until {accepted.until} by {accepted.by}: {accepted.reason}"
        _element(properties, "property", name="accepted", value=told)
    element = _ELEMENTS.get(result.verdict)
    if element:
        found = _element(case, element, message=result.reason, type=result.verdict.value)
        found.text = clean(_sentences(result)) if element != "skipped" else None
    _element(case, "system-out").text = clean(_sentences(result))


def _sentences(result: PurposeResult) -> str:
    signs = {Outcome.HOLDS: "+", Outcome.FAILS: "-", Outcome.UNKNOWN: "?"}
    lines = [f"{signs[one.outcome]} {one.role.value}: {one.sentence}" for one in result.judgements]
    return "\n".join([f"{result.verdict.value}: {result.reason}", *lines, f"evidence: {result.evidence or 'none'}"])


def _element(parent: ET.Element, tag: str, **attributes: str | int) -> ET.Element:
    return ET.SubElement(parent, tag, {key: clean(str(value)) for key, value in attributes.items()})
