"""``imsproof diff`` and ``imsproof history``: what a nightly run asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from imsproof.commands.common import Exit, Format, console, quit_with
from imsproof.evidence import files
from imsproof.evidence.diff import diff_runs
from imsproof.evidence.history import APPLIES, History, find, history, unsteady
from imsproof.evidence.run import load_run
from imsproof.evidence.text import printable
from imsproof.report import trend
from imsproof.seams import HarnessError

Output = Annotated[Format, typer.Option("--format", help="table, json or markdown.")]
NARROW = 12
"""Runs of which a line in a terminal tells."""


def diff_command(
    before: Annotated[Path, typer.Argument(help="The earlier run: its folder or run.json.")],
    after: Annotated[Path, typer.Argument(help="The later run.")],
    output: Output = Format.TABLE,
    past: Annotated[
        Path | None,
        typer.Option("--history", help="A folder of runs: purposes that changed now and then before are told apart."),
    ] = None,
) -> None:
    """Say what got worse between two runs, and why; what got better, what is new and what is gone.

    Exit code 1 when something got worse, 3 when only purposes that are not steady did, 0 otherwise.
    """
    try:
        known = unsteady(find(past), load_run(after)) if past else {}
        found = diff_runs(before, after, known)
    except ValueError as error:
        quit_with(Exit.USAGE, str(error))
    if output is Format.JSON:
        typer.echo(json.dumps(found.to_json(), indent=2))
    elif output is Format.MARKDOWN:
        typer.echo(found.markdown())
    else:
        console.print(printable(found.text()), markup=False)
    if found.regressions:
        raise typer.Exit(Exit.FAIL)
    raise typer.Exit(Exit.UNDECIDED if found.worse else Exit.PASS)


def history_command(
    folder: Annotated[Path, typer.Argument(help="A folder of run folders, as run --out leaves them.")],
    profile: Annotated[str, typer.Option(help="The profile's name; that of the newest run when left out.")] = "",
    last: Annotated[int, typer.Option(min=0, help="Only so many of the newest runs; 0 for all of them.")] = 30,
    html: Annotated[Path | None, typer.Option(help="Write a page with all of it.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Show how the verdicts of one lab went over many runs: what changed, and what changes again and again."""
    try:
        found = history(find(folder), profile, last)
        if html is not None:
            files.write_atomic(html, trend.page(found).encode("utf-8"))
    except (ValueError, HarnessError) as error:
        quit_with(Exit.USAGE, f"{folder}: {error}")
    if output is Format.JSON:
        typer.echo(json.dumps(found.to_json(), indent=2))
    elif output is Format.MARKDOWN:
        typer.echo(trend.markdown(found))
    else:
        _table(found)


def _table(found: History) -> None:
    """Print a line a run, then a line for each purpose that changed: the newest verdicts, the oldest first."""
    for run in found.runs:
        counts = ", ".join(f"{number} {name}" for name, number in run.counts.items() if number)
        console.print(f"{run.info.started[:19]}  {run.verdict.value:<12}  {counts}", markup=False)
    changed = [row for row in found.rows if row.changes]
    for row in sorted(changed, key=lambda row: (-row.changes, row.id)):
        signs = "".join(trend.SIGNS[verdict] if verdict in APPLIES else "·" for verdict in row.verdicts[-NARROW:])
        line = f"{signs:<{NARROW}}  {row.changes} changes  {row.id}  {row.title}"
        console.print(printable(line), markup=False)
    legend = ", ".join(f"{sign} {verdict}" for verdict, sign in trend.SIGNS.items())
    console.print(f"{len(found.rows) - len(changed)} purposes as ever ({legend}, · did not apply)", markup=False)
