"""``imsproof purposes``: the catalogue."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from imsproof.catalogue import TestPurpose
from imsproof.commands.common import Format, console, select
from imsproof.commands.run import Families, Ids

WIDE = 100
"""Columns from which there is room for clauses and faults beside the title, unbroken."""


def purposes_command(
    family: Families = None,
    purpose: Ids = None,
    output: Annotated[Format, typer.Option("--format", help="table, json or markdown.")] = Format.TABLE,
) -> None:
    """List the test purposes: what must hold, which clause says so, what a lab needs, which faults expose it."""
    chosen = select(family or [], purpose or [])
    if output is Format.JSON:
        typer.echo(json.dumps({"purposes": [one.to_json() for one in chosen]}, indent=2))
    elif output is Format.MARKDOWN:
        typer.echo(_markdown(chosen))
    elif console.is_terminal:
        console.print(_table(chosen, narrow=console.width < WIDE))
    else:
        for one in chosen:
            console.print(f"{one.id:<18} {one.title}  [{'; '.join(map(str, one.citations))}]", markup=False)


def _table(chosen: list[TestPurpose], *, narrow: bool = False) -> Table:
    """The purposes, one a row; where there is no room beside them, clauses and faults stand below the title."""
    table = Table(show_lines=narrow, expand=True)
    table.add_column("purpose", no_wrap=True)
    if narrow:
        table.add_column("what must hold, by which clauses; planted faults")
        for one in chosen:
            faults = f"[dim]{escape(', '.join(one.faults))}[/]"
            table.add_row(
                one.id, "\n".join((escape(one.title), *(escape(str(cite)) for cite in one.citations), faults))
            )
        return table
    table.add_column("what must hold", ratio=3, overflow="fold")
    table.add_column("clauses", ratio=2, overflow="fold")
    table.add_column("planted faults", ratio=2, overflow="fold")
    for one in chosen:
        cited = "\n".join(escape(str(cite)) for cite in one.citations)
        table.add_row(one.id, escape(one.title), cited, escape("\n".join(one.faults)))
    return table


def _markdown(chosen: list[TestPurpose]) -> str:
    lines = ["| purpose | what must hold | clauses | needs | planted faults |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {one.id} | {one.title} | {'; '.join(map(str, one.citations))} | {', '.join(one.needs)} "
        f"| {', '.join(one.faults)} |"
        for one in chosen
    ]
    return "\n".join(lines)
