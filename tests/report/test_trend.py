"""The page and the table hold a column a run, and text of anybody's stays text."""

from __future__ import annotations

from dataclasses import replace

from tests.evidence import samples

from imsproof.evidence.history import History, history
from imsproof.report import trend
from imsproof.seams import Verdict


def told() -> History:
    """Two nights of a lab with a hostile name, and a purpose with a hostile title."""
    found = []
    for day, verdict in enumerate((Verdict.PASS, Verdict.FAIL), 1):
        run = samples.run(
            samples.result("A-B-01", verdict, started=""),
            replace(samples.result("A-B-02", Verdict.INCONCLUSIVE), title="<script>alert(1)</script>"),
        )
        info = replace(run.info, started=f"2025-10-{day:02d}T00:00:00Z", profile="<img src=x>")
        found.append(replace(run, info=info))
    return history(found)


def test_the_page_shows_what_changed_and_what_never_passed() -> None:
    page = trend.page(told())
    assert "A-B-01" in page
    assert "Never passed in these runs" in page
    assert page.count("<td") == 2 + 1 + 2 + 1
    assert "<script" not in page
    assert "<img" not in page


def test_the_table_has_a_column_a_run() -> None:
    rows = trend.markdown(told()).splitlines()
    assert rows[-1] == "| A-B-01 | + | F |"
    assert len({row.count("|") for row in rows}) == 1
