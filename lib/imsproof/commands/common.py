"""What the commands share: exit codes, the console, and how mistakes of the user are told."""

from __future__ import annotations

import os
import sys
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer
from rich.console import Console

from imsproof import catalogue
from imsproof.catalogue import TestPurpose
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from imsproof.profile import Profile

console = Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=not sys.stderr.isatty())

DEFAULT_WORKERS = max(2, min(6, 2 * (os.cpu_count() or 1)))
CALIBRATION_WORKERS = max(2, min(8, 3 * (os.cpu_count() or 1)))
"""Most faults are found out by waiting, and each process has a lab of its own."""

STYLE = {
    Verdict.PASS: "green",
    Verdict.REMARK: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.ERROR: "bold magenta",
}


class Exit(IntEnum):
    """Exit codes of the contract."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    UNDECIDED = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class Format(StrEnum):
    """Output formats of listings."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def quit_with(code: Exit, message: str) -> NoReturn:
    """Say what is wrong on standard error and leave."""
    err.print(f"imsproof: {message}", markup=False)
    raise typer.Exit(code)


def select(families: list[str], ids: list[str]) -> list[TestPurpose]:
    """Select purposes, or leave with exit code 2 and a hint."""
    known = catalogue.load()
    try:
        return known.select(families, ids)
    except KeyError as error:
        wanted = str(error.args[0])
        upper = wanted.upper()
        if wanted in ids and upper in known.families:
            quit_with(Exit.USAGE, f"{wanted!r} is a family: use --family {upper}")
        near = [one for one in known.families if upper in one.split("-")]
        near += [one.id for one in known if upper in one.id or one.family in upper]
        hint = f" Near it: {', '.join(near[:8])}." if near else f" Families: {', '.join(known.families)}."
        quit_with(Exit.USAGE, f"there is no purpose or family {wanted!r}.{hint}")


def read_profile(path: Path) -> Profile:
    """Load a profile, or leave with exit code 2 and every mistake on a line."""
    from imsproof.profile import ProfileError, load

    try:
        return load(path)
    except ProfileError as error:
        quit_with(Exit.USAGE, str(error))


def exit_code(verdict: Verdict) -> Exit:
    """The exit code for a run's verdict."""
    if verdict in {Verdict.PASS, Verdict.REMARK, Verdict.NOT_APPLICABLE}:
        return Exit.PASS
    return Exit.FAIL if verdict is Verdict.FAIL else Exit.UNDECIDED
