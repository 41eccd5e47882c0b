"""The live table of a run on a terminal, and plain lines into a pipe."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from imsproof.commands.common import STYLE, console
from imsproof.evidence.result import PurposeResult
from imsproof.seams import Verdict

NARROW = 70
"""Columns below which a row has no room for words: what did not pass has them on lines of their own."""


class LiveTable:
    """Shows each result as it comes: rows and a progress bar on a terminal, one line a result otherwise."""

    def __init__(self, total: int, what: str = "purposes") -> None:
        """Prepare for ``total`` results."""
        self._progress = Progress(
            TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._task = self._progress.add_task(what, total=total)
        self._live = Live(self._progress, console=console, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Start the display."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display."""
        if self._live:
            self._live.stop()

    def row(self, name: str, verdict: Verdict, text: str, seconds: float) -> None:
        """Show one result."""
        if console.is_terminal:
            console.print(_row(name, verdict, text, seconds))
            if console.width < NARROW and verdict is not Verdict.PASS:
                console.print(Padding(escape(text), (0, 0, 0, 2)))
        else:
            console.print(f"{name:<18} {verdict.value:<16} {seconds:6.2f} s  {text}", markup=False)
        self._progress.advance(self._task)

    def result(self, result: PurposeResult) -> None:
        """Show the result of a purpose: its title when it passed, the reason otherwise."""
        good = result.verdict is Verdict.PASS
        self.row(
            result.id, result.verdict, result.title if good else f"{result.title}: {result.reason}", result.duration_s
        )


def _row(name: str, verdict: Verdict, text: str, seconds: float) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    narrow = console.width < NARROW
    table.add_column(width=18, no_wrap=True)
    table.add_column(width=16, no_wrap=True)
    if not narrow:
        table.add_column(ratio=1, overflow="fold")
    table.add_column(width=7, justify="right", no_wrap=True)
    cells = [escape(name), f"[{STYLE[verdict]}]{verdict.value}[/]", escape(text), f"{seconds:.2f} s"]
    table.add_row(*(cells if not narrow else [cells[0], cells[1], cells[3]]))
    return table
