"""``imsproof flood``: a bounded flood, with a legitimate user beside it who must still be served."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from imsproof.actors.connections import Connections
from imsproof.actors.flooder import Flood, Flooder, Shape
from imsproof.actors.liveness import another_source
from imsproof.actors.torturer import Torturer
from imsproof.actors.ue import Ue
from imsproof.commands.common import Exit, console, quit_with, read_profile
from imsproof.evidence.files import write_json
from imsproof.judge.effect import Result, effect
from imsproof.link.session import Session, looking
from imsproof.link.subject import Exchange
from imsproof.paths import default_reports
from imsproof.profile import Profile
from imsproof.seams import Address, ImsproofError, Kind, Record

PROCESSED = (200, 401, 407)
SHARE = 0.8


class Load(StrEnum):
    """Shapes of floods."""

    REGISTER = "register"
    INVITE = "invite"
    OPTIONS = "options"
    MESSAGE = "message"
    SUBSCRIBE = "subscribe"
    MALFORMED = "malformed"
    CONNECTIONS = "connections"


SHAPES = {Load.INVITE: Shape.OFFER, Load.MESSAGE: Shape.TEXT, Load.MALFORMED: Shape.MALFORMED}


@dataclass(frozen=True, slots=True)
class Row:
    """What the legitimate user saw in one phase."""

    phase: str
    served: int
    tried: int
    slowest_ms: float


def flood(
    profile: Annotated[Path, typer.Argument(help="The lab's profile.")],
    shape: Annotated[Load, typer.Option(help="What the flood is made of.")] = Load.REGISTER,
    rate: Annotated[
        int | None, typer.Option(min=1, help="Messages a second; at most limits.flood_rate, which is the default.")
    ] = None,
    duration: Annotated[
        float, typer.Option(min=0.1, max=600.0, help="Seconds; limits.flood_packets caps the number of messages.")
    ] = 2.0,
    attempts: Annotated[int, typer.Option(min=1, max=100, help="Attempts of the legitimate user meanwhile.")] = 5,
    seed: Annotated[
        int | None, typer.Option(help="The same seed sends the same. Chosen and printed if absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the run folder is made.")] = None,
) -> None:
    """Flood a lab within the profile's limits: is a legitimate user served before, during and after?

    Exit code: 0 served, 1 not served, 2 bad usage or profile, 3 undecided, 4 lab not reachable.
    """
    declared = read_profile(profile)
    if declared.gm is None or declared.gm.transports().get("tcp" if shape is Load.CONNECTIONS else "udp") is None:
        quit_with(Exit.USAGE, f"a flood of {shape} needs gm.{'tcp' if shape is Load.CONNECTIONS else 'udp'}")
    chosen = secrets.randbelow(2**31) if seed is None else seed
    pace = min(rate or declared.limits.flood_rate, declared.limits.flood_rate)
    count = min(int(pace * duration) or 1, declared.limits.flood_packets)
    folder = (out or default_reports()) / (
        f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{declared.name}-flood-{secrets.token_hex(3)}"
    )
    console.print(f"{declared.name}: {count} x {shape} at {pace}/s; seed {chosen}; {folder}", markup=False)
    with looking(declared, Record("FLOOD")) as session:
        try:
            rows, sums = _phases(session, declared, shape, pace, count, attempts, chosen)
        except ImsproofError as error:
            quit_with(Exit.UNDECIDED, str(error))
    folder.mkdir(parents=True)
    write_json(
        folder / "flood.json",
        {
            "schema": 1,
            "shape": shape.value,
            "rate": pace,
            "count": count,
            "seed": chosen,
            "sent": sums,
            "phases": [
                {"phase": row.phase, "served": row.served, "tried": row.tried, "slowest_ms": round(row.slowest_ms, 1)}
                for row in rows
            ],
        },
    )
    _show(rows, sums)
    raise typer.Exit(_verdict(rows))


def _phases(
    session: Session, declared: Profile, shape: Load, rate: int, count: int, attempts: int, seed: int
) -> tuple[list[Row], dict[str, object]]:
    assert declared.gm is not None
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    name = "tcp" if shape is Load.CONNECTIONS else "udp"
    target = declared.gm.transports()[name]
    user = _user(session, declared, chance)
    before = [user() for _ in range(2)]
    source = another_source(session, target, declared.tester.addresses)
    if shape is Load.CONNECTIONS:
        holder = Connections(session, target, source=source)
        held = holder.open(count)
        meanwhile = [user() for _ in range(attempts)]
        holder.close()
        sums = _sums(session.record, held.exchange)
    else:
        made = _flood(session, declared, shape, target, source, rate, count, attempts, chance)
        meanwhile, sums = made.attempts, _sums(session.record, made.exchange)
    after = [user() for _ in range(2)]
    rows = [_row(session.record, *one) for one in (("before", before), ("meanwhile", meanwhile), ("after", after))]
    return rows, sums


def _flood(  # noqa: PLR0913, PLR0917 - what a flood needs
    session: Session,
    declared: Profile,
    shape: Load,
    target: Address,
    source: str | None,
    rate: int,
    count: int,
    attempts: int,
    chance: random.Random,
) -> Flood:
    assert declared.gm is not None
    flooder = Flooder(session, target, declared.gm.domain, chance, sources=[source])
    method = "OPTIONS" if shape is Load.MALFORMED else shape.value.upper()
    ue = _ue(session, declared)
    torturer = Torturer(session, declared.gm, chance)

    async def beside() -> Exchange:
        if ue is not None:
            return await ue.aregister(label="REGISTER of the legitimate user")
        return await torturer.aplain()

    return flooder.flood(
        method, shape=SHAPES.get(shape, Shape.PLAIN), rate=rate, count=count, beside=beside, attempts=attempts
    )


def _ue(session: Session, declared: Profile) -> Ue | None:
    assert declared.gm is not None
    subscribers = declared.gm.subscribers
    return Ue(session, declared.gm, subscribers[0], actor="ue") if subscribers else None


def _user(session: Session, declared: Profile, chance: random.Random) -> Callable[[], Exchange]:
    """The legitimate user: a subscriber that registers, or somebody whose REGISTER is challenged."""
    assert declared.gm is not None
    gm = declared.gm
    ue = _ue(session, declared)
    if ue is not None:
        return lambda: ue.register(label="REGISTER of the legitimate user")
    torturer = Torturer(session, gm, chance)
    return lambda: torturer.plain(label="REGISTER of a legitimate user")


def _sums(record: Record, exchange: str) -> dict[str, object]:
    counted = [event.facts for event in record.events if event.exchange == exchange and event.kind is Kind.COUNTED]
    statuses: dict[str, int] = {}
    for facts in counted:
        for status, number in facts.get("statuses", {}).items():
            statuses[status] = statuses.get(status, 0) + number
    return {
        "sent": sum(facts["sent"] for facts in counted),
        "received": sum(facts["received"] for facts in counted),
        "statuses": statuses,
    }


def _row(record: Record, phase: str, exchanges: list[Exchange]) -> Row:
    served = sum(
        effect(record.events, one.exchange, None if getattr(one, "status", None) is not None else PROCESSED).result
        is Result.ACCEPTED
        for one in exchanges
    )
    slowest = max((_seconds(record, one.exchange) for one in exchanges), default=0.0)
    return Row(phase, served, len(exchanges), slowest * 1000)


def _seconds(record: Record, exchange: str) -> float:
    times = [event.mono_ns for event in record.events if event.exchange == exchange]
    return (times[-1] - times[0]) / 1e9 if times else 0.0


def _show(rows: list[Row], sums: dict[str, object]) -> None:
    table = Table("phase", "served", "slowest")
    for row in rows:
        table.add_row(row.phase, f"{row.served} of {row.tried}", f"{row.slowest_ms:.0f} ms")
    console.print(table)
    console.print(f"sent {sums['sent']}, answers {sums['received']}: {sums['statuses']}", markup=False)


def _verdict(rows: list[Row]) -> Exit:
    before, meanwhile, after = rows
    if not before.served:
        return Exit.UNREACHABLE
    good = meanwhile.served >= SHARE * meanwhile.tried and after.served > 0
    return Exit.PASS if good else Exit.FAIL
