"""How fast fuzzing is: messages made a second, and cases judged a second against the embedded lab.

The numbers are of this machine at this moment; nothing asserts them. The lab shares the processor with the tester.
"""

from __future__ import annotations

import random
import tempfile
import time
from contextlib import closing
from pathlib import Path

from imsproof.actors.torturer import Torturer
from imsproof.codec.torture import Aim, plain
from imsproof.fuzzing.anomalies import METHODS, anomalies
from imsproof.fuzzing.campaign import Budget, Campaign
from imsproof.fuzzing.mutate import Mutator
from imsproof.fuzzing.target import MARK, GmSip
from imsproof.lab.launch import launch
from imsproof.link.session import Link
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import Record

COUNT = 50_000
CASES = 10_000


def main() -> None:
    """Print one line a figure."""
    mutator = Mutator([plain(method, Aim()) for method in METHODS], 1, marker=MARK.encode())
    print(f"{'mutated messages':40}{_rate(lambda: [mutator.one() for _ in range(COUNT)], COUNT):>12,.0f} a second")
    some = list(anomalies())
    written = _rate(lambda: [one.message(Aim()) for one in some], len(some))
    print(f"{'systematic cases written':40}{written:>12,.0f} a second (there are {len(some):,})")
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder)) as lab:
        profile = load(profiles() / "reference.yaml", env=lab.environment)
        assert profile.gm is not None
        link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        with closing(link):
            session = link.session(Record("BENCH"))
            chance = random.Random(1)
            torturer = Torturer(session, profile.gm, chance, transport="udp")
            with closing(GmSip(session, torturer.target, torturer.aim, chance, within=3.0)) as target:
                source = (("", data) for data in Mutator(target.corpus, 1, marker=MARK.encode()))
                done = Campaign(target, source, Budget(cases=CASES)).run()
    print(f"{'judged SIP cases, embedded lab':40}{done.cases / done.seconds:>12,.0f} a second")


def _rate(work: object, count: int) -> float:
    begun = time.perf_counter()
    work()  # type: ignore[operator]
    return count / (time.perf_counter() - begun)


main()
