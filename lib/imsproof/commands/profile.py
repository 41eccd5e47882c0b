"""``imsproof profile``: write a profile, check one and the lab behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.prompt import Prompt

from imsproof import catalogue
from imsproof.commands.common import Exit, console, quit_with, read_profile
from imsproof.link import http1
from imsproof.link.session import ConnectionFailedError, Link
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.link.udp import UdpEndpoint
from imsproof.profile.ask import QUESTIONS, Answers, Question, write_profile
from imsproof.runner import applicable
from imsproof.seams import ImsproofError, Record

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.seams import Address

app = typer.Typer(no_args_is_help=True, help="Write a profile for a lab, or check one.")

OPTIONS_REQUEST = (
    "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKcheck;rport\r\nMax-Forwards: 70\r\n"
    "From: <{uri}>;tag=check\r\nTo: <{uri}>\r\nCall-ID: check@{host}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of reaching out to one endpoint."""

    endpoint: str
    good: bool
    told: str


@app.command("check")
def check(
    profile: Annotated[Path, typer.Argument(help="The profile's file.")],
    offline: Annotated[bool, typer.Option("--offline", help="Only check the file; send nothing.")] = False,
) -> None:
    """Check a profile, reach out to each endpoint that it declares, and say which purposes apply.

    Exit code: 0 good, 2 the profile has mistakes, 4 an endpoint cannot be reached.
    """
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


def reach(profile: Profile) -> list[Reached]:
    """Reach out to each endpoint that the profile declares: a connection, a handshake, one OPTIONS."""
    link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
    session = link.session(Record("profile-check"))
    try:
        return [_one(session, name, kind, address) for name, kind, address in _endpoints(profile)]
    finally:
        session.close()
        link.close()


def _endpoints(profile: Profile) -> list[tuple[str, str, Address]]:
    found: list[tuple[str, str, Address]] = []
    if profile.gm:
        found += [(f"gm.{name}", name, address) for name, address in profile.gm.transports().items()]
    if profile.sbi:
        named = [(f"sbi.producers {one.name}", one.url) for one in profile.sbi.producers]
        named += [("sbi.nrf", profile.sbi.nrf.url)] if profile.sbi.nrf else []
        named += [("sbi.scp", profile.sbi.scp.url)] if profile.sbi.scp else []
        for name, url in named:
            scheme, address, _ = http1.split_url(str(url))
            found.append((name, "tls" if scheme == "https" else "tcp", address))
    return found


def _one(session: Session, name: str, kind: str, address: Address) -> Reached:
    where = f"{name} {kind} {address[0]} port {address[1]}"
    try:
        return Reached(where, *session.run(_try(session, kind, address)))
    except ConnectionFailedError as error:
        return Reached(where, good=False, told=str(error))
    except ImsproofError as error:
        return Reached(where, good=False, told=f"not tried: {error}")


async def _try(session: Session, kind: str, address: Address) -> tuple[bool, str]:
    exchange = session.exchange(f"check {kind}")
    if kind == "udp":
        return await _options(session, exchange, address)
    if kind == "tcp":
        tcp = await TcpStream.open(session, "checker", exchange, address)
        await tcp.aclose()
        return True, "the connection opens"
    tls = await TlsStream.open(session, "checker", exchange, address, TlsOptions())
    await tls.aclose()
    facts = next(
        (event.facts for event in session.record.events if event.exchange == exchange and event.kind == "handshake"), {}
    )
    return True, f"{facts.get('version', 'TLS')}, {facts.get('cipher', '')}, {facts.get('peer_subject', '')}"


async def _options(session: Session, exchange: str, address: Address) -> tuple[bool, str]:
    endpoint = await UdpEndpoint.open(session, "checker", exchange, remote=address)
    host, port = endpoint.local
    shown = f"[{host}]" if ":" in host else host
    uri = f"sip:{address[0]}" if ":" not in address[0] else f"sip:[{address[0]}]"
    await endpoint.send(OPTIONS_REQUEST.format(uri=uri, host=shown, port=port).encode())
    got = await endpoint.receive(session.timers.answer)
    await endpoint.aclose()
    if got is None:
        return False, endpoint.refused or f"no answer to OPTIONS within {session.timers.answer} s"
    return True, got[0].split(b"\r\n")[0].decode("utf-8", "replace")[:80]


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
