"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120


def imsproof(*words: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``imsproof`` and return what it printed; a traceback on its standard error is a defect whatever else."""
    done = subprocess.run(
        [sys.executable, "-m", "imsproof", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100", **environment},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Traceback" not in done.stdout, done.stdout
    return done


def run_json(out: Path) -> dict[str, Any]:
    """The ``run.json`` of the only run below ``out``."""
    (found,) = out.glob("*/run.json")
    value: dict[str, Any] = json.loads(found.read_text())
    return value


def verdicts(out: Path) -> dict[str, str]:
    """The verdicts of the only run below ``out``."""
    return {one["id"]: one["verdict"] for one in run_json(out)["purposes"]}
