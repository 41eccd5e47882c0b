"""``imsproof flood``: bounded, with a legitimate user beside it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from imsproof import paths
from imsproof.cli import app
from imsproof.lab.launch import RunningLab, launch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with launch(tmp_path_factory.mktemp("lab")) as made:
        before = dict(os.environ)
        os.environ.update(made.environment)
        yield made
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.parametrize("shape", ["register", "invite", "malformed", "connections"])
def test_a_right_lab_serves_beside_a_flood(lab: RunningLab, tmp_path: Path, shape: str) -> None:
    profile = str(paths.profiles() / "reference.yaml")
    options = ["--shape", shape, "--rate", "200", "--duration", "0.5", "--attempts", "2", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, ["flood", profile, *options])
    assert done.exit_code == 0, done.output
    told = json.loads(next(tmp_path.glob("*/flood.json")).read_text())
    assert told["sent"]["sent"] == told["count"] == 100
    assert [one["served"] for one in told["phases"]] == [2, 2, 2]
