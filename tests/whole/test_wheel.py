"""The built wheel works outside of the checkout: testcases, profiles and catalogue come along."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.whole.command import verdicts

ROOT = Path(__file__).resolve().parents[2]


def call(*words: object, cwd: Path) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_installed_wheel_runs_outside_of_the_checkout(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    call(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path / "wheel", ROOT, cwd=tmp_path)
    (wheel,) = (tmp_path / "wheel").glob("imsproof-*.whl")
    call(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    call(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # What it depends on is taken from here: a path file does not bring the editable install along.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    call(tmp_path / "venv" / "bin" / "imsproof", "run", "-p", "SBI-TLS-01", "--out", "out", cwd=tmp_path)
    assert verdicts(tmp_path / "out") == {"SBI-TLS-01": "pass"}
