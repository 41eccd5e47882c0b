"""The command line teaches, and lists only what works."""

from __future__ import annotations

from typer.testing import CliRunner

from imsproof import __version__
from imsproof.cli import app


def test_help_names_every_command_and_says_how_to_start() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    for command in ("run", "purposes", "calibrate", "lab", "verify", "diff", "replay", "profile"):
        assert command in told
    assert "imsproof run" in told


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"imsproof {__version__}"


def test_an_unknown_command_is_bad_usage() -> None:
    assert CliRunner().invoke(app, ["nothing"]).exit_code == 2
