"""A run from the command line to the bundle, and what is left when it is cut short."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from tests.whole.command import imsproof, run_json, verdicts

QUICK = ("-p", "SBI-TLS-01", "-p", "GM-AKA-02", "-p", "DC-FP-01")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished run of three purposes, of all planes, against the embedded lab."""
    out = tmp_path_factory.mktemp("reports")
    done = imsproof("run", *QUICK, "--out", out, "--workers", 2, "--seed", 7)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_a_run_passes_on_the_reference_lab_and_leaves_everything(finished: Path) -> None:
    (folder,) = finished.iterdir()
    assert verdicts(finished) == {"SBI-TLS-01": "pass", "GM-AKA-02": "pass", "DC-FP-01": "pass"}
    for name in ("run.json", "summary.html", "junit.xml", "allure-results", "bundle.zip"):
        assert (folder / name).exists(), name
    for purpose in verdicts(finished):
        for name in ("journal.jsonl", "capture.pcapng", "ladder.svg", "judgements.json"):
            assert (folder / "evidence" / purpose / name).stat().st_size > 0, (purpose, name)


def test_run_json_keeps_its_schema(finished: Path) -> None:
    schema = json.loads((resources.files("imsproof.evidence") / "run.schema.json").read_text())
    jsonschema.validate(run_json(finished), schema)


def test_the_bundle_verifies_and_a_changed_one_does_not(finished: Path, tmp_path: Path) -> None:
    (bundle,) = finished.glob("*/bundle.zip")
    assert imsproof("verify", bundle).returncode == 0
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member, data.replace(b"401", b"200") if member.filename.endswith("journal.jsonl") else data)
    told = imsproof("verify", changed)
    assert told.returncode == 1
    assert "wrong:" in told.stdout


def test_a_planted_fault_fails_the_run(tmp_path: Path) -> None:
    done = imsproof("run", "-p", "SBI-TLS-02", "--fault", "tls.tls11_accepted", "--out", tmp_path, "--workers", 1)
    assert done.returncode == 1
    assert verdicts(tmp_path) == {"SBI-TLS-02": "fail"}


def test_a_run_is_sent_again_with_its_seed(finished: Path, tmp_path: Path) -> None:
    (folder,) = finished.iterdir()
    done = imsproof("replay", folder, "GM-AKA-02", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert run_json(tmp_path)["run"]["seed"] == 7
    assert imsproof("diff", folder, *tmp_path.iterdir()).returncode == 0


def _begin(out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "imsproof", "run", "-f", "GM", "-f", "SBI-TLS", "--out", str(out), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if " pass " in line:
            return process
    raise AssertionError("the run ended without a result")


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_cut_short_keeps_what_it_had_decided(tmp_path: Path, sign: signal.Signals) -> None:
    process = _begin(tmp_path)
    os.killpg(process.pid, sign)
    process.communicate(timeout=60)
    stored = run_json(tmp_path)
    assert stored["purposes"]
    assert stored["verdict"] != "pass"
    if sign is signal.SIGINT:
        assert process.returncode == 130
        assert {one["id"] for one in stored["purposes"]} == set(stored["planned"])
        assert list(tmp_path.glob("*/bundle.zip"))


def test_nothing_of_ours_outlives_a_killed_run(tmp_path: Path) -> None:
    process = _begin(tmp_path)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    until = time.monotonic() + 20
    while _processes_of(process.pid) and time.monotonic() < until:
        os.sched_yield()
    assert not _processes_of(process.pid)


def _processes_of(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found
