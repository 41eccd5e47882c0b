"""``imsproof verify``: what an auditor asks of a bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from imsproof import __version__, catalogue, paths
from imsproof.commands.common import Exit, Format, console, quit_with
from imsproof.evidence.bundle import BUNDLE, MANIFEST
from imsproof.evidence.signature import signers
from imsproof.evidence.text import printable
from imsproof.evidence.verify import verify


def verify_command(
    bundle: Annotated[Path, typer.Argument(help="A bundle.zip, as a run leaves it; or the folder that holds it.")],
    output: Annotated[Format, typer.Option("--format", help="table or json.")] = Format.TABLE,
    decrypt: Annotated[
        bool, typer.Option(help="Have tshark decrypt the captures; not for a bundle of somebody you do not trust.")
    ] = True,
    signer: Annotated[
        list[Path] | None,
        typer.Option(help="Demand a signature by this SSH key: a .pub or an allowed_signers file. Repeatable."),
    ] = None,
) -> None:
    """Check a bundle offline: signature, hashes, every judgement computed again, journal held against packets.

    Exit code 0 when everything agrees, 1 when something does not, 2 when it is no bundle at all.
    """
    bundle = bundle / BUNDLE if (bundle / BUNDLE).is_file() else bundle
    if not bundle.is_file():
        unpacked = (bundle / MANIFEST).is_file()
        hint = ", but a bundle that was unpacked: (cd there; zip -r ../again.zip .) packs it again" if unpacked else ""
        quit_with(Exit.USAGE, f"{bundle} is not a file{hint}")
    trusted = {blob for path in signer for blob in _keys(path)} if signer else None
    controls = {one.id: one.control for one in catalogue.load()}
    version = f"{__version__} {paths.commit()}".strip()
    report = verify(bundle, controls, decrypt=decrypt, trusted=trusted, version=version)
    if output is Format.JSON:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        for finding in report.findings:
            console.print(printable(f"wrong: {finding}"), markup=False)
        for note in report.notes:
            console.print(printable(f"note: {note}"), markup=False)
        console.print(report.summary, markup=False)
    raise typer.Exit(Exit.PASS if report.sound else Exit.FAIL)


def _keys(path: Path) -> set[bytes]:
    try:
        return signers(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError) as error:
        quit_with(Exit.USAGE, f"{path} holds no SSH public key: {error}")
