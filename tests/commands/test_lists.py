"""The catalogue, as people and programs read it."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from typer.testing import CliRunner

from imsproof.catalogue import load
from imsproof.cli import app
from imsproof.commands import lists
from imsproof.commands.common import Format

if TYPE_CHECKING:
    import pytest


def test_json_has_the_shape_of_the_contract() -> None:
    told = json.loads(CliRunner().invoke(app, ["purposes", "--format", "json"]).output)
    assert {one["id"] for one in told["purposes"]} == {one.id for one in load()}
    assert all({"id", "family", "title", "citations", "needs", "faults"} <= set(one) for one in told["purposes"])


def test_a_pipe_gets_one_plain_line_a_purpose() -> None:
    lines = CliRunner().invoke(app, ["purposes", "--family", "SBI-TLS"]).output.splitlines()
    assert len(lines) == len(load().select(["SBI-TLS"], []))
    assert lines[0].startswith("SBI-TLS-01 ")


def test_markdown_is_a_table() -> None:
    lines = CliRunner().invoke(app, ["purposes", "--purpose", "SBI-TLS-01", "--format", "markdown"]).output.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("|") for line in lines)


def test_an_unknown_family_is_bad_usage() -> None:
    done = CliRunner().invoke(app, ["purposes", "--family", "NOPE"])
    assert done.exit_code == 2


def test_a_narrow_table_breaks_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clauses and faults stand whole below the title."""
    out = StringIO()
    monkeypatch.setattr(lists, "console", Console(file=out, width=60, force_terminal=True, color_system=None))
    lists.purposes_command(purpose=["SBI-SCP-03"], family=None, output=Format.TABLE)
    shown = out.getvalue()
    one = load().get("SBI-SCP-03")
    assert all(name in shown for name in (one.id, *one.faults, *map(str, one.citations)))
    assert all(len(line) <= 60 for line in shown.splitlines())
