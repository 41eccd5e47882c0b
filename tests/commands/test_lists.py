"""The catalogue, as people and programs read it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from imsproof.catalogue import load
from imsproof.cli import app


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
