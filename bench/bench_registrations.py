"""How fast UEs register with IMS AKA at the reference lab: over UDP from one process, and through ESP in user space.

The lab runs beside it on the same machine and takes its share. Every registration is checked: the network's AUTN, the
answer, and that none is missing.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.secureue import SecureUe
from imsproof.actors.ue import Ue
from imsproof.lab.launch import launch
from imsproof.link.session import Link
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import Record
from measure import Rate, at_least, at_most, processors

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile.gm import Gm

UES, EACH, PROTECTED = 12, 50, 20
RIGHT = "right"
MOST_SECONDS, LEAST_RATE = 0.020, 200
"""What is wanted on a machine that does nothing else."""


async def over_udp(session: Session, gm: Gm, each: int) -> Counter[str]:
    """Register so many UEs side by side, each again and again; return what became of how many registrations."""
    subscribers = [one for one in gm.usual if one.auth == "aka"][:UES]

    async def one(ue: Ue) -> Counter[str]:
        done = [await ue.aregister() for _ in range(each)]
        return Counter(
            RIGHT if one.ok and one.autn == "valid" else f"{one.failed or one.status}, AUTN {one.autn or 'not seen'}"
            for one in done
        )

    return sum(await asyncio.gather(*(one(Ue(session, gm, who)) for who in subscribers)), Counter())


def through_esp(session: Session, gm: Gm) -> list[float]:
    """Register one UE again and again with fresh associations; return the seconds of each."""
    ue = SecureUe(session, gm, next(one for one in reversed(gm.subscribers) if one.auth == "aka"))
    taken = []
    for _ in range(PROTECTED):
        started = time.perf_counter()
        ok = ue.register().ok
        taken.append(time.perf_counter() - started)
        if not ok or not ue.deregister().ok:
            raise SystemExit("a registration through ESP failed")
    return taken


def main() -> None:
    """Print the two figures; an argument says how often each UE registers over UDP."""
    each = int(sys.argv[1]) if len(sys.argv) > 1 else EACH
    with launch(Path(tempfile.mkdtemp())) as lab:
        profile = load(profiles() / "reference.yaml", env=lab.environment)
        gm = profile.gm
        if gm is None:
            raise SystemExit("the reference profile has no gm section")
        link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        session = link.session(Record("BENCH"))
        seconds = statistics.median(through_esp(session, gm))
        at_most("AKA through ESP: one registration, median", 1000 * seconds, 1000 * MOST_SECONDS, "ms")
        started, before = time.perf_counter(), processors(lab.pid)
        found = session.run(over_udp(session, gm, each))
        right = found.pop(RIGHT, 0)
        done = Rate(right / (time.perf_counter() - started), 1000 * (processors(lab.pid) - before) / max(1, right))
        at_least(f"AKA over UDP: {right} of {each * UES} right", done.per_second, LEAST_RATE, remark=done.remark)
        link.close()
    if right != each * UES:
        raise SystemExit("\n".join(f"not right, {number} times: {how}" for how, number in found.items()))


if __name__ == "__main__":
    main()
