"""``imsproof lab``: the reference lab in the foreground."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from imsproof import paths
from imsproof.commands.common import Exit, console, quit_with


def lab_command(
    fault: Annotated[list[str] | None, typer.Option(help="Plant this fault; may stand several times.")] = None,
    prefix: Annotated[str | None, typer.Option(help="First three octets of its addresses, as 127.31.5.")] = None,
    faults: Annotated[bool, typer.Option("--list-faults", help="List the faults that can be planted.")] = False,
    directory: Annotated[Path | None, typer.Option(help="Where its keys, certificates and profile go.")] = None,
) -> None:
    """Start the reference lab in the foreground and print its profile; Ctrl-C stops it."""
    from imsproof.lab.faults import all_faults
    from imsproof.lab.launch import LaunchError, launch

    known = all_faults()
    if faults:
        for name in sorted(known):
            console.print(f"[bold]{escape(name)}[/]  {escape(known[name].sentence)} ({escape(known[name].node)})")
        return
    unknown = [name for name in fault or [] if name not in known]
    if unknown:
        quit_with(Exit.USAGE, f"there is no fault {unknown[0]!r}; imsproof lab --list-faults names them all")
    with tempfile.TemporaryDirectory(prefix="imsproof-lab-") as made:
        folder = directory or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            with launch(folder, prefix=prefix, faults=fault or ()) as running:
                written = _profile(folder, running.environment)
                console.print(written.read_text(encoding="utf-8"), markup=False)
                console.print(f"# profile: {written}; run:  imsproof run {written}", markup=False)
                while not stop.wait(0.5):
                    if not running.alive:
                        quit_with(Exit.UNREACHABLE, "the lab ended by itself")
        except (LaunchError, OSError) as error:
            quit_with(Exit.UNREACHABLE, f"the lab did not start: {error}")


def _profile(folder: Path, environment: dict[str, str]) -> Path:
    """Write the reference profile with the lab's addresses filled in, and beside it what it names."""
    text = (paths.profiles() / "reference.yaml").read_text(encoding="utf-8")
    shutil.copytree(paths.profiles() / "openapi", folder / "openapi", dirs_exist_ok=True)
    for name, value in {**os.environ, **environment}.items():
        text = text.replace("${env:" + name + "}", value)
    written = folder / "profile.yaml"
    written.write_text(text, encoding="utf-8")
    return written
