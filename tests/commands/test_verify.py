"""``verify`` on what is no bundle."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from imsproof.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_bundle_is_bad_usage(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["verify", str(tmp_path / "none.zip")]).exit_code == 2


def test_something_else_than_a_bundle_is_not_sound(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for name in ("text.zip", "empty.zip"):
        done = CliRunner().invoke(app, ["verify", str(tmp_path / name)])
        assert done.exit_code == 1
        assert "wrong" in done.output


def test_the_folder_of_a_run_stands_for_its_bundle_and_an_unpacked_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    told = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert told.exit_code == 2
    assert "packs it again" in told.output
    (tmp_path / "bundle.zip").write_text("no zip")
    assert CliRunner().invoke(app, ["verify", str(tmp_path)]).exit_code == 1
