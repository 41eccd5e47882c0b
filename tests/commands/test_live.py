"""Results as they come: plain lines where nobody looks at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
