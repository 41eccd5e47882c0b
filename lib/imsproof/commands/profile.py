"""``imsproof profile``: write a profile, check one and the lab behind it."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.prompt import Prompt

from imsproof import catalogue
from imsproof.commands.common import Exit, console, quit_with, read_profile

if TYPE_CHECKING:
    from imsproof.profile import Profile
    from imsproof.profile.ask import Answers, Question

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Write a profile for a lab, or check one.")


@app.command("check")
def check(
    profile: Annotated[Path, typer.Argument(help="The profile's file.")],
    offline: Annotated[bool, typer.Option("--offline", help="Only check the file; send nothing.")] = False,
) -> None:
    """Check a profile, reach out to each endpoint that it declares, try the probes, and say which purposes apply.

    Exit code: 0 good, 2 the profile has mistakes, 4 an endpoint cannot be reached.
    """
    from imsproof.reach import reach
    from imsproof.runner import applicable

    declared = read_profile(profile)
    console.print(f"{profile}: a good profile of {declared.name!r}", markup=False)
    apply, without = applicable(list(catalogue.load()), declared)
    console.print(f"{len(apply)} purposes apply, {len(without)} do not:", markup=False)
    near = {one.family.partition("-")[0] for one in apply}
    by_nearness = sorted(without, key=lambda one: one.family.partition("-")[0] not in near)
    for reason in dict.fromkeys(one.reason for one in by_nearness):
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
    show_remarks(declared)
    show_probes(declared)


def show_remarks(declared: Profile) -> None:
    """Say what around the lab may keep purposes from a verdict: certificates, clocks, the core, MTU, ESP."""
    from imsproof.diagnose import diagnose
    from imsproof.reach import one_at_a_time

    for one in diagnose(declared):
        mark = "[green]good[/]   " if one.good else "[bold yellow]look at[/]"
        console.print(f"{mark}  {one.about}: ", end="")
        console.print(one.told, markup=False)
    for name in one_at_a_time(declared):
        console.print(f"[bold yellow]look at[/]  {name}: answers nobody while another connection is open")


def show_probes(declared: Profile) -> None:
    """Send the producers' probes once and show what they answer: no purpose can be decided whose control is refused."""
    from imsproof.actors.tryout import try_probes
    from imsproof.link.session import looking
    from imsproof.seams import Record

    if declared.sbi is None:
        return
    with looking(declared, Record("profile-check")) as session:
        for one in try_probes(session, declared.sbi):
            mark = "[green]accepted[/]" if one.good else "[bold red]not accepted[/]"
            console.print(f"{mark}  probe of {one.producer}: ", end="")
            console.print(one.told, markup=False)


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


def split(places: list[str]) -> tuple[list[str], list[int]]:
    """Hosts and ports of addresses as people have them: 192.0.2.10, 192.0.2.10:8443, https://192.0.2.10:8443."""
    hosts, ports = [], []
    for place in places:
        if place.count(":") > 1 and "://" not in place and "[" not in place:  # an IPv6 address
            hosts.append(place)
            continue
        try:
            parts = urlsplit(place if "://" in place else f"//{place}")
            ports += [parts.port] if parts.port else []
        except ValueError as error:
            quit_with(Exit.USAGE, f"--from {place}: {error}")
        hosts.append(parts.hostname or place)
    return hosts, ports


def looked(hosts: list[str], ports: list[int], domain: str, authorised_by: str, until: str) -> str:
    """Discover and write the draft; leaves with exit code 2 on bad usage and 4 when nothing was found."""
    from imsproof.discovery import discover, profile_text

    if not authorised_by or not until:
        quit_with(Exit.USAGE, "--from sends packets: say --authorised-by NAME and --until YYYY-MM-DD")
    try:
        day = date.fromisoformat(until)
    except ValueError:
        quit_with(Exit.USAGE, f"--until {until!r} is not a day, as 2027-01-31")
    if day < datetime.now(UTC).date():
        quit_with(Exit.USAGE, f"--until {until} is over")
    try:
        found = discover(hosts, ports=ports, domain=domain, told=lambda line: console.print(line, markup=False))
    except ValueError as error:
        quit_with(Exit.USAGE, f"--from takes IP addresses, no names (https://192.0.2.10:8443 is good, too): {error}")
    if all(one.empty for one in found):
        quit_with(Exit.UNREACHABLE, f"nothing was found on {', '.join(one.host for one in found)}")
    return profile_text("lab", found, authorised_by=authorised_by, until=day, domain=domain)


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("lab.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    host: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="IP", help="Look what this host offers (IP, IP:PORT or URL), and write that."),
    ] = None,
    port: Annotated[list[int] | None, typer.Option(help="With --from: look at this port too, UDP and TCP.")] = None,
    domain: Annotated[str, typer.Option(help="With --from: the home network domain.")] = "",
    authorised_by: Annotated[str, typer.Option(help="With --from: who authorised the tests.")] = "",
    until: Annotated[str, typer.Option(help="With --from: last day of the authorisation, YYYY-MM-DD.")] = "",
) -> None:
    """Write a profile: by asking, or with --from by looking what some hosts offer.

    Looking sends a few requests to the usual SIP and SBI ports of just those hosts: OPTIONS, REGISTER without
    credentials, TLS handshakes, GET / and one token request. What only you know stands in the draft as comments.
    """
    from imsproof.profile.ask import QUESTIONS, write_profile

    if file.exists() and not force:
        quit_with(Exit.USAGE, f"{file} is there already; --force writes over it")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        quit_with(Exit.USAGE, f"{file} cannot be written there; name another place, as ~/lab.yaml")
    if host:
        hosts, ports = split(host)
        write(file, looked(hosts, [*(port or []), *ports], domain, authorised_by, until))
        return
    answers: Answers = {}
    try:
        for question in QUESTIONS:
            if question.asked(answers):
                answers[question.key] = ask(question)
    except (EOFError, KeyboardInterrupt):
        quit_with(Exit.USAGE, "stopped asking; nothing was written")
    write(file, write_profile(answers))


def write(file: Path, text: str) -> None:
    """Write a profile and say what to do with it."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        quit_with(Exit.USAGE, f"{file} could not be written: {error.strerror}")
    console.print(f"written: {file}. Next:  imsproof profile check {file}", markup=False)
