"""The command line: ``imsproof``."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from imsproof import __version__

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS = {
    "run": ("run:run", "Run the test purposes that apply to a lab, and leave a run folder with the evidence."),
    "purposes": (
        "lists:purposes_command",
        "List the test purposes: what must hold, which clause says so, what a lab needs, which faults expose it.",
    ),
    "calibrate": (
        "calibrate:calibrate_command",
        "Try each purpose on the conformant reference lab, and on each lab with a fault that it must catch.",
    ),
    "lab": (
        "lab:lab_command",
        "Start the reference lab in the foreground and print its profile; Ctrl-C stops it.",
    ),
    "fuzz": (
        "fuzz:fuzz",
        "Fuzz one face of a lab; what harms it is confirmed, made small and kept under findings/.",
    ),
    "triage": (
        "findings:triage",
        "Go through the findings of a campaign: does each still do harm, alone, and how small is it? Grouped by cause.",
    ),
    "keep": (
        "findings:keep",
        "Keep a finding for good: as a test purpose of its own, or as part of a corpus.",
    ),
    "flood": (
        "flood:flood",
        "Flood a lab within the profile's limits: is a legitimate user served before, during and after?",
    ),
    "audit": (
        "audit:audit_command",
        "Judge a capture that somebody else made: passively, and never with the word pass.",
    ),
    "sign": (
        "sign:sign_command",
        "Sign a bundle with an SSH key: ssh-keygen alone, or imsproof verify --signer, tells any later change.",
    ),
    "verify": (
        "verify:verify_command",
        "Check a bundle offline: signature, hashes, every judgement computed again, journal held against packets.",
    ),
    "diff": (
        "diff:diff_command",
        "Say what got worse between two runs, and why; what got better, what is new and what is gone.",
    ),
    "history": (
        "diff:history_command",
        "Show how the verdicts of one lab went over many runs: what changed, and what changes again and again.",
    ),
    "replay": (
        "run:replay",
        "Send again what a purpose or a fuzz finding of a former run sent: same profile, same seed or same bytes.",
    ),
    "profile": ("profile:app", "Write a profile for a lab, or check one."),
}
"""Each command: its module in this package's ``commands`` with its function (or the group's own application), and what
the list of commands says of it, which is how its own help begins; a test holds them equal."""


class _Commands(TyperGroup):
    """Imports a command when it is called for: each needs other rooms, and some of these take their time."""

    _listing = False

    def __init__(self, **how: Any) -> None:
        not_yet: Any = dict.fromkeys(COMMANDS)
        super().__init__(**{**how, "commands": not_yet})

    def format_help(self, ctx: Context, formatter: Any) -> None:
        self._listing = True
        super().format_help(ctx, formatter)
        self._listing = False

    def get_command(self, _ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name not in COMMANDS:
            return None
        if self._listing:
            return TyperCommand(cmd_name, callback=None, help=COMMANDS[cmd_name][1])
        if not self.commands[cmd_name]:
            self.commands[cmd_name] = _imported(cmd_name)
        return self.commands[cmd_name]


def _imported(name: str) -> Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
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
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal or pipe that has no such character shows a question mark
    app()
