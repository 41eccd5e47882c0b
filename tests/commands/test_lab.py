"""``imsproof lab``: faults are listed, wrong ones named, and the printed profile works."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.lab.faults import all_faults
from imsproof.profile import load


def test_the_faults_are_listed() -> None:
    told = CliRunner().invoke(app, ["lab", "--list-faults"]).output
    assert all(name in told for name in all_faults())


def test_an_unknown_fault_is_bad_usage() -> None:
    done = CliRunner().invoke(app, ["lab", "--fault", "no.such"])
    assert done.exit_code == 2


def test_the_lab_prints_a_profile_that_loads_and_ends_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "imsproof", "lab", "--directory", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "400"},
    )
    assert process.stdout is not None
    told = ""
    while not (found := re.search(r"# profile: (\S+);", told)):
        line = process.stdout.readline()
        assert line, told
        told += line
    assert load(Path(found[1])).gm
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    process.stdout.close()
