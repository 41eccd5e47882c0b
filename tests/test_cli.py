"""The command line teaches, and lists only what works."""

from __future__ import annotations

import os
import subprocess
import sys

from typer.testing import CliRunner

from imsproof import __version__
from imsproof.cli import COMMANDS, _imported, app


def test_help_names_every_command_and_says_how_to_start() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    for command in ("run", "purposes", "calibrate", "lab", "verify", "diff", "replay", "profile"):
        assert command in told
    assert "imsproof run" in told


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"imsproof {__version__}"


def test_an_unknown_command_is_bad_usage() -> None:
    assert CliRunner().invoke(app, ["nothing"]).exit_code == 2


def test_a_command_that_is_nearly_one_is_named() -> None:
    assert "'run'" in CliRunner().invoke(app, ["rum"]).output


def test_a_command_brings_only_what_it_needs() -> None:
    look = (
        "import sys; from imsproof.cli import app; app(['run', '--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "imsproof.commands.run" in loaded
    assert not loaded & {"aiortc", "hypothesis", "scapy", "pytest"}


def test_the_list_says_of_each_command_what_its_own_help_begins_with() -> None:
    told = {name: " ".join((_imported(name).help or "").split("\n\n")[0].split()) for name in COMMANDS}
    assert told == {name: summary for name, (_, summary) in COMMANDS.items()}


def test_listing_the_commands_imports_none_of_them() -> None:
    look = "import sys; from imsproof.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("imsproof.commands.")]


def test_a_pipe_without_a_character_shows_a_question_mark_in_its_place() -> None:
    say = "from imsproof import cli; cli.app = lambda: print('1 \\u00b7 2'); cli.main()"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "1 ? 2\n"
