"""``imsproof sign``: the tester's own signature on a bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from imsproof import __version__
from imsproof.commands.common import Exit, console, quit_with
from imsproof.evidence.bundle import BUNDLE, write_bundle
from imsproof.evidence.signature import Signer, sign_bundle
from imsproof.seams import HarnessError

SignKey = Annotated[
    Path | None,
    typer.Option("--sign", help="Sign the bundle with this SSH key (Ed25519, ECDSA; agents and tokens by ssh-keygen)."),
]


def sign_command(
    bundle: Annotated[Path, typer.Argument(help="A bundle.zip, or a run folder that holds one.")],
    key: Annotated[Path, typer.Option(help="An SSH private key, or the .pub of one in an agent or a token.")],
) -> None:
    """Sign a bundle with an SSH key: ssh-keygen alone, or imsproof verify --signer, tells any later change.

    Exit code 2 when the key or the bundle cannot be used; a bundle that does not hold together is not signed.
    """
    by = signer(key)
    if bundle.is_dir():
        bundle = _bundle_of(bundle)
    console.print(sign(bundle, by), markup=False)


def _bundle_of(folder: Path) -> Path:
    """Return the bundle of a run folder; that of a run that was killed is written now."""
    if (folder / BUNDLE).is_file():
        return folder / BUNDLE
    try:
        return write_bundle(folder)
    except HarnessError as error:
        quit_with(Exit.USAGE, str(error))


def signer(key: Path) -> Signer:
    """Read a key, or leave with exit code 2."""
    try:
        return Signer(key)
    except HarnessError as error:
        quit_with(Exit.USAGE, str(error))


def sign(bundle: Path, by: Signer) -> str:
    """Sign a bundle and return a sentence on it, or leave with exit code 2."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    try:
        signed = sign_bundle(bundle, by, when=now, version=__version__)
    except (HarnessError, ValueError) as error:
        quit_with(Exit.USAGE, str(error))
    return f"{bundle} is signed by {signed.fingerprint}" + ("" if signed.finished else ", as an unfinished run")
