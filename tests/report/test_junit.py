"""junit.xml says the same as the run, and never more than was shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import runs, samples

from imsproof.evidence.result import Accepted, PurposeResult, Run, RunInfo
from imsproof.report import junit
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from pathlib import Path


@given(st.lists(st.sampled_from(Verdict), max_size=8))
def test_only_what_passed_is_shown_as_passed(verdicts: list[Verdict]) -> None:
    """Fail is a failure; error and inconclusive are errors; what does not apply is skipped."""
    results = [samples.result(f"A-B{n % 2}-{n:02}", verdict) for n, verdict in enumerate(verdicts)]
    root = ET.fromstring(junit.xml(samples.run(*results)))
    cases = root.findall(".//testcase")
    assert len(cases) == len(verdicts) == int(root.get("tests", ""))
    plain = [case for case in cases if not {child.tag for child in case} & {"failure", "error", "skipped"}]
    assert len(plain) == sum(verdict in {Verdict.PASS, Verdict.REMARK} for verdict in verdicts)
    assert int(root.get("failures", "")) == verdicts.count(Verdict.FAIL)
    assert int(root.get("errors", "")) == verdicts.count(Verdict.ERROR) + verdicts.count(Verdict.INCONCLUSIVE)
    assert int(root.get("skipped", "")) == verdicts.count(Verdict.NOT_APPLICABLE)


@given(st.text(max_size=30), st.text(max_size=30))
def test_hostile_text_is_well_formed(title: str, reason: str) -> None:
    """What a lab sent may stand in a reason."""
    result = PurposeResult("A-B-01", "A-B", title, Verdict.FAIL, reason)
    ET.fromstring(junit.xml(samples.run(result)))


def test_an_undecided_purpose_is_an_error() -> None:
    """A run that was killed shows what it did not decide."""
    info = RunInfo("a1b2c3", "reference", "2025-10-09T08:53:20.000000Z", 7, "0.1.0")
    root = ET.fromstring(junit.xml(Run(info, ("A-B-01", "A-B-02"), (samples.result("A-B-01"),))))
    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    error = root.find(".//testcase[@name='A-B-02']/error")
    assert error is not None
    assert "before this purpose was decided" in error.get("message", "")


def test_the_file_lands_in_the_run_folder(tmp_path: Path) -> None:
    """With the citations as properties and the sentences as output."""
    folder = runs.make(tmp_path)
    path = junit.write(folder.path, folder.run)
    assert path.name == "junit.xml"
    text = path.read_text()
    assert "TS 33.203 6.1 [text]" in text
    assert "+ claim: " in text


def test_who_accepts_a_fail_stands_among_its_properties() -> None:
    run = samples.run(samples.result("SBI-TLS-03", Verdict.FAIL))
    known = Accepted("SBI-TLS-03", "old front", "Jane", "2099-01-01")
    told = junit.xml(replace(run, info=replace(run.info, accepted=(known,))))
    assert b'name="accepted" value="until 2099-01-01 by Jane: old front"' in told
    assert b"<failure" in told
