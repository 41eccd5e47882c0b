"""``imsproof audit``: what a capture that somebody else made shows."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imsproof.commands.common import Exit, Format, console, quit_with, read_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.audit.checks import Audit
    from imsproof.audit.dissect import InScope
    from imsproof.profile import Profile

KEYS_LIMIT = 64 << 20
"""Bytes of a key log."""


def audit_command(
    capture: Annotated[Path, typer.Argument(help="A pcap or pcapng file of anybody's, also gzipped.")],
    keys: Annotated[
        list[Path] | None,
        typer.Option(help="A TLS key log (SSLKEYLOGFILE), or lines of Wireshark's table esp_sa. Repeatable."),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="A profile: only what touches its address ranges counts, and what it claims.")
    ] = None,
    within: Annotated[
        list[str] | None, typer.Option(help="Only what touches this address range (CIDR) counts. Repeatable.")
    ] = None,
    release: Annotated[int, typer.Option(help="The 3GPP release whose cipher suites hold (16 or later).")] = 0,
    output: Annotated[Format, typer.Option("--format", help="table, json or markdown.")] = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option(help="A folder for audit.json, audit.html, audit.md, junit.xml and journal.jsonl.")
    ] = None,
) -> None:
    """Judge a capture that somebody else made: passively, and never with the word pass.

    Exit code 0 when no violation was seen, 1 when one was, 2 when it is no capture, 3 when something is undecided or
    nothing was recognised at all.
    """
    from imsproof.audit.checks import Word, audit
    from imsproof.audit.source import CaptureError

    declared = read_profile(profile) if profile else None
    lines = [line for path in keys or [] for line in _key_lines(path)]
    try:
        found = audit(capture, lines, _scope(declared, within or []), _more(declared, release))
    except CaptureError as error:
        quit_with(Exit.USAGE, f"{capture}: {error}")
    if out is not None:
        _write(out, found)
    _tell(found, output)
    worst = {Word.FAIL: Exit.FAIL, Word.CLEAN: Exit.PASS}.get(found.word, Exit.UNDECIDED)
    raise typer.Exit(worst)


def _key_lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            data = file.read(KEYS_LIMIT + 1)
    except OSError as error:
        quit_with(Exit.USAGE, f"{path} cannot be read: {error.strerror or error}")
    if len(data) > KEYS_LIMIT:
        quit_with(Exit.USAGE, f"{path} is longer than {KEYS_LIMIT} bytes: it is no key log")
    return [line for line in data.decode("ascii", "replace").splitlines() if line.strip() and line[0] != "#"]


def _scope(declared: Profile | None, ranges: Sequence[str]) -> InScope | None:
    try:
        networks = [ip_network(one, strict=False) for one in ranges]
    except ValueError as error:
        quit_with(Exit.USAGE, str(error))
    if declared is not None and not networks:
        return declared.scope.allows
    if not networks:
        return None

    def allows(host: str) -> bool:
        address = ip_address(host)
        return any(address.version == one.version and address in one for one in networks)

    return allows


def _more(declared: Profile | None, release: int) -> dict[str, dict[str, Any]]:
    """Return what the profile and the options add to the predicates' parameters."""
    more: dict[str, dict[str, Any]] = {}
    if release:
        more["seen-tls-suite"] = {"release": max(16, min(release, 19))}
    if declared is not None and declared.sbi is not None:
        more["seen-sbi-clear"] = {"claimed": True}
    return more


def _write(out: Path, found: Audit) -> None:
    from imsproof.audit import output
    from imsproof.evidence import files, journal

    files.make_folder(out)
    files.write_json(out / "audit.json", found.to_json())
    files.write_atomic(out / "audit.html", output.html(found).encode("utf-8"))
    files.write_atomic(out / "audit.md", output.markdown(found).encode("utf-8") + b"\n")
    files.write_atomic(out / "junit.xml", output.junit(found))
    journal.write(out / journal.JOURNAL, found.reading.events)


def _tell(found: Audit, wanted: Format) -> None:
    from imsproof.audit import output
    from imsproof.evidence.text import printable

    if wanted is Format.JSON:
        typer.echo(json.dumps(found.to_json(), indent=2))
    elif wanted is Format.MARKDOWN:
        typer.echo(output.markdown(found))
    else:
        for line in output.lines(found):
            console.print(printable(line), markup=False)
        console.print(f"{found.word}: " + ", ".join(f"{n} {word}" for word, n in found.counts.items() if n))
