"""``imsproof calibrate``: shows, fault by fault, that each purpose can fail and does not fail a right lab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from imsproof.commands.common import CALIBRATION_WORKERS, Exit, Format, console, select
from imsproof.commands.live import LiveTable
from imsproof.commands.run import Families, Ids, Workers

if TYPE_CHECKING:
    from imsproof.calibrate import Pair


def calibrate_command(
    family: Families = None,
    purpose: Ids = None,
    output: Annotated[Format, typer.Option("--format", help="table, json or markdown.")] = Format.TABLE,
    workers: Workers = CALIBRATION_WORKERS,
    seed: Annotated[int, typer.Option(help="Seed of the purposes.")] = 1,
) -> None:
    """Try each purpose on the conformant reference lab, and on each lab with a fault that it must catch.

    Exit code 0 when every fault was caught and there was no false alarm, 1 otherwise.
    """
    from imsproof.calibrate import calibrate

    chosen = select(family or [], purpose or [])
    total = sum(1 + len(one.faults) for one in chosen)
    if output is Format.TABLE:
        with LiveTable(total, "trials") as table:

            def heard(pair: Pair) -> None:
                table.row(pair.purpose, pair.verdict, _told(pair), pair.duration_s)

            matrix = calibrate(chosen, seed=seed, workers=workers, heard=heard)
    else:
        matrix = calibrate(chosen, seed=seed, workers=workers)
    if output is Format.JSON:
        typer.echo(json.dumps(matrix.to_json(), indent=2))
    else:
        for pair in matrix.missed:
            console.print(
                f"missed: {pair.purpose} with {pair.fault}: {pair.verdict.value}: {pair.reason}", markup=False
            )
        for pair in matrix.false_alarms:
            console.print(f"false alarm: {pair.purpose}: {pair.verdict.value}: {pair.reason}", markup=False)
        console.print(
            f"{len(chosen)} purposes, {len(matrix.faults)} faults: {len(matrix.caught)} caught, "
            f"{len(matrix.missed)} missed, {len(matrix.false_alarms)} false alarms",
            markup=False,
        )
    if matrix.interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(Exit.PASS if matrix.sound else Exit.FAIL)


def _told(pair: Pair) -> str:
    return f"[{pair.fault or 'conformant lab'}] {pair.reason}"
