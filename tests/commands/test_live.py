"""Results as they come: plain lines where nobody looks at a terminal."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from imsproof.commands import live
from imsproof.commands.live import LiveTable
from imsproof.evidence.result import PurposeResult
from imsproof.seams import Verdict

if TYPE_CHECKING:
    import pytest


def test_a_pipe_gets_a_line_with_the_reason_of_what_did_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveTable(2) as table:
        table.result(PurposeResult("A-B-01", "A-B", "A title", Verdict.PASS, "why"))
        table.result(PurposeResult("A-B-02", "A-B", "Another [title]", Verdict.FAIL, "because :AB:"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("A-B-01 ")
    assert first.endswith("A title")
    assert "Another [title]: because :AB:" in second


def test_a_narrow_terminal_shows_why_something_did_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """No room beside the verdict: the words stand on lines of their own, none longer than the terminal."""
    out = StringIO()
    monkeypatch.setattr(live, "console", Console(file=out, width=60, force_terminal=True, color_system=None))
    with LiveTable(2) as table:
        table.result(PurposeResult("A-B-01", "A-B", "A title that passed", Verdict.PASS, "why"))
        table.result(PurposeResult("A-B-02", "A-B", "Another [title]", Verdict.FAIL, "because of this and that " * 4))
    shown = out.getvalue()
    assert "A title that passed" not in shown
    assert "Another [title]: because" in shown
    assert all(len(line) <= 60 for line in shown.splitlines() if "\x1b" not in line)
