"""``diff`` and ``history``: exit codes for CI, forms for people, and runs that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.evidence import samples
from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from pathlib import Path

P, F = Verdict.PASS, Verdict.FAIL


def invoke(*arguments: object) -> tuple[int, str]:
    """Run the command line."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    return done.exit_code, done.output


def nights(folder: Path, *verdicts: Verdict) -> list[Path]:
    """A run folder a night with these verdicts of a purpose."""
    found = []
    for day, verdict in enumerate(verdicts, 1):
        run = samples.run(samples.result("A-B-01", verdict, evidence="evidence/A-B-01"))
        run = replace(run, info=replace(run.info, started=f"2025-10-{day:02d}T00:00:00.000000Z"))
        path = folder / str(day)
        path.mkdir()
        (path / "run.json").write_text(json.dumps(run.to_json()))
        found.append(path)
    return found


def test_a_regression_is_told_with_clause_and_evidence(tmp_path: Path) -> None:
    one, other = nights(tmp_path, P, F)
    code, text = invoke("diff", one, other)
    assert code == 1
    assert "clause: TS 33.203 6.1" in text
    assert "evidence/A-B-01/ladder.svg" in text
    assert invoke("diff", other, one)[0] == 0
    code, text = invoke("diff", one, other, "--format", "markdown")
    assert "**1 worse**" in text
    assert json.loads(invoke("diff", one, other, "--format", "json")[1])["worse"][0]["clauses"] == "TS 33.203 6.1"


def test_a_purpose_that_is_not_steady_is_told_apart(tmp_path: Path) -> None:
    *_, before, after = nights(tmp_path, P, F, P, F, P, F)
    assert invoke("diff", before, after)[0] == 1
    code, text = invoke("diff", before, after, "--history", tmp_path)
    assert code == 3
    assert "not steady" in text


def test_history_shows_the_runs(tmp_path: Path) -> None:
    nights(tmp_path, P, F, P)
    code, text = invoke("history", tmp_path, "--html", tmp_path / "trend.html")
    assert code == 0
    assert "+F+" in text
    assert "A-B-01" in (tmp_path / "trend.html").read_text()
    assert json.loads(invoke("history", tmp_path, "--format", "json")[1])["purposes"][0]["changes"] == 2
    assert "| A-B-01 | + | F | + |" in invoke("history", tmp_path, "--format", "markdown")[1]


def test_something_else_than_runs_is_bad_usage(tmp_path: Path) -> None:
    assert invoke("diff", tmp_path, tmp_path)[0] == 2
    assert invoke("history", tmp_path)[0] == 2
