"""The command line: ``imsproof``."""

from __future__ import annotations

from typing import Annotated

import typer

from imsproof import __version__
from imsproof.commands import profile as profile_commands
from imsproof.commands.audit import audit_command
from imsproof.commands.calibrate import calibrate_command
from imsproof.commands.findings import keep, triage
from imsproof.commands.flood import flood
from imsproof.commands.fuzz import fuzz
from imsproof.commands.lab import lab_command
from imsproof.commands.lists import purposes_command
from imsproof.commands.run import replay, run
from imsproof.commands.sign import sign_command
from imsproof.commands.verify import diff_command, verify_command

app = typer.Typer(
    name="imsproof",
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

app.command("run")(run)
app.command("purposes")(purposes_command)
app.command("calibrate")(calibrate_command)
app.command("lab")(lab_command)
app.command("fuzz")(fuzz)
app.command("triage")(triage)
app.command("keep")(keep)
app.command("flood")(flood)
app.command("audit")(audit_command)
app.command("sign")(sign_command)
app.command("verify")(verify_command)
app.command("diff")(diff_command)
app.command("replay")(replay)
app.add_typer(profile_commands.app, name="profile")


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
