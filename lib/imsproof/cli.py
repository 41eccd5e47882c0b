"""The command line: ``imsproof``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from imsproof import __version__

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS = {
    "run": "run:run",
    "purposes": "lists:purposes_command",
    "calibrate": "calibrate:calibrate_command",
    "lab": "lab:lab_command",
    "fuzz": "fuzz:fuzz",
    "triage": "findings:triage",
    "keep": "findings:keep",
    "flood": "flood:flood",
    "audit": "audit:audit_command",
    "sign": "sign:sign_command",
    "verify": "verify:verify_command",
    "diff": "diff:diff_command",
    "history": "diff:history_command",
    "replay": "run:replay",
    "profile": "profile:app",
}
"""Each command's module in this package's ``commands`` and its function, or the group's own application."""


class _Commands(TyperGroup):
    """Imports a command when it is called for: each needs other rooms, and some of these take their time."""

    def __init__(self, **how: Any) -> None:
        not_yet: Any = dict.fromkeys(COMMANDS)
        super().__init__(**{**how, "commands": not_yet})

    def get_command(self, _ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name in COMMANDS and not self.commands[cmd_name]:
            self.commands[cmd_name] = _imported(cmd_name)
        return self.commands.get(cmd_name)


def _imported(name: str) -> Command:
    module, _, attribute = COMMANDS[name].partition(":")
    found: Any = getattr(import_module(f"imsproof.commands.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(rich_markup_mode="rich", add_completion=False)
        found.command(name)(function)
    command: Command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="imsproof",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Security conformance tests for IMS networks with data channels.

    imsproof plays UE, network function, peer and attacker against a lab, judges what comes back against
    3GPP TS 33.328 and TS 33.203, and leaves evidence that others can check again.

    Start:  [bold]imsproof run[/]  runs everything against the embedded reference lab;
    [bold]imsproof profile new[/]  writes a profile for your own lab.""",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imsproof {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    app()
