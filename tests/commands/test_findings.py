"""A finding from its campaign to a test purpose: evidence, replay, triage, keep."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from imsproof import paths
from imsproof.cli import app

if TYPE_CHECKING:
    from pathlib import Path

RUN = CliRunner()


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that found the crash of two steps."""
    out = tmp_path_factory.mktemp("campaign")
    more = ("--fault", "malformed.two_steps", "--seed", "1", "--cases", "192", "--budget", "60s")
    done = RUN.invoke(app, ["fuzz", "--out", str(out), *more])
    assert done.exit_code == 1, done.output
    return next(out.iterdir())


def finding(run_folder: Path) -> Path:
    return min(run_folder.glob("findings/*"))


def test_a_finding_has_its_messages_conversation_and_reproducer(run_folder: Path) -> None:
    own = finding(run_folder)
    told = json.loads((own / "finding.json").read_text())
    assert (told["harm"], told["confirmed"], told["alone"]) == ("dead", True, True)
    assert "nobody listens" in told["why"]
    names = {path.name for path in own.iterdir()}
    assert {"capture.pcapng", "ladder.svg", "journal.jsonl", "reproduce.py", "wire-002.bin", "probe.bin"} <= names
    assert "message 2 of 2" in (own / "ladder.svg").read_text()


def test_replay_says_that_the_lab_is_dead_again(run_folder: Path) -> None:
    done = RUN.invoke(app, ["replay", str(run_folder), finding(run_folder).name])
    assert done.exit_code == 1, done.output
    assert "the lab is dead" in done.output


def test_triage_groups_what_still_does_harm(run_folder: Path) -> None:
    done = RUN.invoke(app, ["triage", str(run_folder), "--budget", "5"])
    assert done.exit_code == 1, done.output
    told = json.loads((run_folder / "triage.json").read_text())
    assert all(row["harms"] for row in told["findings"])
    assert sum(len(ids) for ids in told["causes"].values()) == len(told["findings"])


def test_a_finding_becomes_part_of_a_corpus(run_folder: Path, tmp_path: Path) -> None:
    name = finding(run_folder).name
    done = RUN.invoke(app, ["keep", str(run_folder), name, "--corpus", str(tmp_path / "corpus")])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "corpus").glob("*.bin"))) == 2


def test_a_finding_becomes_a_purpose_of_a_checkout(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("lib/imsproof/catalogue/data", "lib/imsproof/lab/faults", "testcases/gm"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(paths, "checkout", lambda: tmp_path)
    words = ["keep", str(run_folder), finding(run_folder).name, "--purpose", "GM-MALFORMED-90"]
    done = RUN.invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "calibrate --purpose GM-MALFORMED-90" in done.output
    assert RUN.invoke(app, words).exit_code == 2
    row = yaml.safe_load((tmp_path / "lib/imsproof/catalogue/data/found.yaml").read_text())[0]
    assert row["faults"] == ["found.gm_malformed_90"]
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("more", [(), ("--purpose", "GM-MALFORMED-90", "--corpus", "x"), ("--purpose", "SBI-TLS-01")])
def test_bad_usage_of_keep_is_told(run_folder: Path, more: tuple[str, ...]) -> None:
    assert RUN.invoke(app, ["keep", str(run_folder), finding(run_folder).name, *more]).exit_code == 2


def test_a_folder_without_findings_is_told(tmp_path: Path) -> None:
    assert RUN.invoke(app, ["triage", str(tmp_path)]).exit_code == 2
    assert RUN.invoke(app, ["keep", str(tmp_path), "x", "--corpus", "y"]).exit_code == 2
