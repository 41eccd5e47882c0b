"""``imsproof profile``: write a profile, check one and the lab behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.prompt import Prompt

from imsproof import catalogue
from imsproof.commands.common import Exit, console, quit_with, read_profile

if TYPE_CHECKING:
    from imsproof.profile.ask import Answers, Question

app = typer.Typer(no_args_is_help=True, help="Write a profile for a lab, or check one.")


@app.command("check")
def check(
    profile: Annotated[Path, typer.Argument(help="The profile's file.")],
    offline: Annotated[bool, typer.Option("--offline", help="Only check the file; send nothing.")] = False,
) -> None:
    """Check a profile, reach out to each endpoint that it declares, and say which purposes apply.

    Exit code: 0 good, 2 the profile has mistakes, 4 an endpoint cannot be reached.
    """
    from imsproof.reach import reach
    from imsproof.runner import applicable

    declared = read_profile(profile)
    console.print(f"{profile}: a good profile of {declared.name!r}", markup=False)
    apply, without = applicable(list(catalogue.load()), declared)
    console.print(f"{len(apply)} purposes apply, {len(without)} do not:", markup=False)
    for reason in dict.fromkeys(one.reason for one in without):
        ids = [one.id for one in without if one.reason == reason]
        console.print(f"  {reason}: {', '.join(ids[:4])}{' ...' if len(ids) > 4 else ''} ({len(ids)})", markup=False)
    if offline:
        return
    reached = reach(declared)
    for one in reached:
        mark = "[green]reached[/]" if one.good else "[bold red]not reached[/]"
        console.print(f"{mark}  {one.endpoint}: ", end="")
        console.print(one.told, markup=False)
    if not all(one.good for one in reached):
        raise typer.Exit(Exit.UNREACHABLE)


def ask(question: Question) -> str:
    """Ask one question until the answer is a good one."""
    while True:
        hint = f" ({' or '.join(question.choices)})" if question.choices else ""
        answer = (
            Prompt.ask(
                escape(question.text + hint),
                console=console,
                default=question.default,
                show_default=bool(question.default),
            )
            or ""
        )
        wrong = question.wrong_with(answer)
        if not wrong:
            return answer
        console.print(f"  {wrong}", markup=False)


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("lab.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a profile by asking; every question says what it is for, and an empty answer leaves a part out."""
    from imsproof.profile.ask import QUESTIONS, write_profile

    if file.exists() and not force:
        quit_with(Exit.USAGE, f"{file} is there already; --force writes over it")
    answers: Answers = {}
    try:
        for question in QUESTIONS:
            if question.asked(answers):
                answers[question.key] = ask(question)
    except (EOFError, KeyboardInterrupt):
        quit_with(Exit.USAGE, "stopped asking; nothing was written")
    file.write_text(write_profile(answers), encoding="utf-8")
    console.print(f"written: {file}. Next:  imsproof profile check {file}", markup=False)
