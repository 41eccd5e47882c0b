"""Allure results say the same as the run; the page made of them loads nothing from elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.evidence import runs, samples

from imsproof.report import allure
from imsproof.seams import Outcome, Role, Verdict

if TYPE_CHECKING:
    from pathlib import Path

TAG = '<script async src="https://www.googletagmanager.com/gtag/js?id=G-X"></script>'
INLINE = "<script>window.dataLayer=[];gtag('config')//googletagmanager</script>"


def written(folder: Path) -> list[dict[str, Any]]:
    """The results that were written, by name."""
    found = [json.loads(path.read_bytes()) for path in (folder / "allure-results").glob("*-result.json")]
    return sorted(found, key=lambda result: str(result["name"]))


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.PASS, "passed"),
        (Verdict.REMARK, "passed"),
        (Verdict.FAIL, "failed"),
        (Verdict.ERROR, "broken"),
        (Verdict.INCONCLUSIVE, "broken"),
        (Verdict.NOT_APPLICABLE, "skipped"),
    ],
)
def test_each_verdict_has_its_status(tmp_path: Path, verdict: Verdict, status: str) -> None:
    """Only what passed is passed; the verdict's own word stands as a tag and in the message."""
    allure.write(tmp_path, samples.run(samples.result(verdict=verdict)))
    result = written(tmp_path)[0]
    assert result["status"] == status
    assert {"name": "tag", "value": verdict.value} in result["labels"]
    if verdict is not Verdict.PASS:
        assert result["statusDetails"]["message"].startswith(f"{verdict.value}: ")


def test_steps_links_and_attachments(tmp_path: Path) -> None:
    """A step a judgement, a link a citation, the evidence attached."""
    folder = runs.make(tmp_path)
    allure.write(folder.path, folder.run)
    allure.write(folder.path, folder.run)  # again: nothing is doubled
    absent, result = written(folder.path)
    assert absent["status"] == "skipped"
    assert [(step["status"], step["name"][:7]) for step in result["steps"]] == [("passed", "claim: ")]
    assert result["links"][0]["url"] == "https://www.3gpp.org/dynareport/33203.htm"
    for attachment in result["attachments"]:
        stored = folder.path / "allure-results" / attachment["source"]
        assert stored.stat().st_size > 0
    assert {one["name"] for one in result["attachments"]} == {"Message ladder", "Capture with keys"}


def test_what_did_not_pass_has_all_its_evidence_but_nothing_that_is_too_large(tmp_path: Path) -> None:
    """Reports must open quickly: a flood's capture stays in the run folder."""
    folder = runs.make(tmp_path)
    (passed,) = [one for one in folder.run.results if one.verdict is Verdict.PASS]
    folder.add(replace(passed, verdict=Verdict.FAIL))
    (folder.path / "evidence" / passed.id / "journal.jsonl").write_bytes(bytes(allure.LARGE + 1))
    allure.write(folder.path, folder.run)
    found = next(one for one in written(folder.path) if one["status"] == "failed")
    assert {one["name"] for one in found["attachments"]} == {"Message ladder", "Capture with keys", "Judgements"}


def test_a_form_that_does_not_hold_is_no_failed_step(tmp_path: Path) -> None:
    """Security held: the step is broken, the result passed."""
    form = samples.judgement(Role.FORM, Outcome.FAILS, "403 and not 401")
    allure.write(tmp_path, samples.run(samples.result(verdict=Verdict.REMARK, judgements=(form,))))
    assert written(tmp_path)[0]["steps"][0]["status"] == "broken"


def test_one_purpose_keeps_its_history(tmp_path: Path) -> None:
    """The history's key is the purpose's id, in every run."""
    allure.write(tmp_path / "1", samples.run(samples.result(verdict=Verdict.PASS)))
    allure.write(tmp_path / "2", samples.run(samples.result(verdict=Verdict.FAIL)))
    assert written(tmp_path / "1")[0]["historyId"] == written(tmp_path / "2")[0]["historyId"]


def test_trackers_are_taken_out_and_the_rest_stays() -> None:
    """The page's own scripts are its content."""
    page = f"<head>{TAG}<script>var app=1</script>{INLINE}</head>"
    assert allure.without_trackers(page) == "<head><script>var app=1</script></head>"


@pytest.mark.parametrize("loads", [TAG, '<link rel="stylesheet" href="//cdn.example/x.css">', "<img src=https://x/y>"])
def test_what_would_be_loaded_from_elsewhere_is_found(loads: str) -> None:
    """Scripts, styles and pictures of other origins."""
    assert allure.scripts_from_outside(loads)
    assert not allure.scripts_from_outside("<script>let a='b'</script><a href='https://www.3gpp.org'>x</a>")


def fake(folder: Path, body: str) -> None:
    """Put a program in the place of Allure's command."""
    program = folder / "node_modules" / ".bin" / "allure"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo 3.18.0; exit; fi\n{body}\n')
    program.chmod(0o755)


def test_the_report_is_made_by_the_command_that_is_found(tmp_path: Path) -> None:
    """One file, its trackers taken out, the working folder removed."""
    fake(tmp_path, f"mkdir -p $4; echo '<html>{TAG}ok</html>' > $4/index.html")
    run = tmp_path / "reports" / "run"
    run.mkdir(parents=True)
    assert allure.generate(run) == ""
    assert (run / "allure-report.html").read_text() == "<html>ok</html>\n"
    assert [path.name for path in run.iterdir()] == ["allure-report.html"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo broken >&2; exit 3", "allure ended with 3: broken"),
        ("exit 0", "it said nothing"),
        ("mkdir -p $4; echo '<script src=\"https://x.example/y.js\"></script>' > $4/index.html", "it would load"),
    ],
)
def test_without_a_report_the_reason_is_said(tmp_path: Path, body: str, why: str) -> None:
    """The run goes on without it."""
    fake(tmp_path, body)
    assert why in allure.generate(tmp_path)
    assert not (tmp_path / "allure-report.html").exists()


def test_who_wants_no_report_waits_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Node takes longer than a few purposes."""
    monkeypatch.setenv("IMSPROOF_ALLURE", "no")
    assert not allure.generate(tmp_path)
    assert not (tmp_path / "allure-report.html").exists()


def test_without_the_command_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Node is an extra."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.prefix", str(tmp_path / ".venv"))
    assert "npm's allure" in allure.generate(tmp_path)
