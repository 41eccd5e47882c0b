"""How fast fuzzing is against one target on one machine: Debian's kamailio where installed, else the embedded lab.

    bench_fuzzing.py              # all figures but the last (make bench runs it too)
    bench_fuzzing.py --million    # a million cases, with the tester's memory at the beginning and the end
    make bench-fuzzing            # both: the whole table, each figure with its target and whether it is met

The numbers are of this machine at this moment; nothing asserts them. The target shares the processor with the tester.
Installed for it: boofuzz, in an environment of its own (reports/bench/boofuzz): the same request to the same target.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from imsproof.actors.torturer import Torturer
from imsproof.codec.torture import Aim, plain
from imsproof.fuzzing.anomalies import METHODS, anomalies
from imsproof.fuzzing.campaign import Budget, Campaign
from imsproof.fuzzing.gmsip import GmSip
from imsproof.fuzzing.health import resident
from imsproof.fuzzing.mutate import Mutator
from imsproof.fuzzing.search import Search, marked
from imsproof.fuzzing.strategies import Levels, edited, nearly_valid_sip, valid_sip
from imsproof.fuzzing.target import MARK
from imsproof.fuzzing.watch import Watch
from imsproof.lab.launch import launch
from imsproof.link.session import Link
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.profile import Profile

ROOT = Path(__file__).resolve().parent.parent
BOOFUZZ = "boofuzz==0.4.2"
SECONDS = 10.0
SYSTEMATIC = 10_000
BOOFUZZ_CASES = 1_500
MILLION = 1_000_000
UNLIMITED = 1_000_000


@dataclass
class Face:
    """A target with what has to be closed after it."""

    target: GmSip
    name: str


def face(stack: ExitStack, profile: Profile, name: str, sends: tuple[bytes, ...] = ()) -> Face:
    """Open SIP over UDP of a profile, without the tester's own cap on packets."""
    assert profile.gm is not None
    limits = profile.limits.model_copy(update={"packets_per_second": UNLIMITED, "bytes_per_second": 10**10})
    link = Link(scope_allows=profile.scope.allows, limits=limits, timers=profile.timers)
    stack.callback(link.close)
    session = link.session(Record("BENCH"))
    chance = random.Random(1)
    torturer = Torturer(session, profile.gm, chance, transport="udp")
    made = GmSip(session, torturer.target, torturer.aim, chance, within=3.0, sends=sends)
    return Face(stack.enter_context(closing(made)), name)


def volume(target: GmSip, budget: Budget) -> float:
    """Mutated cases, judged, a second."""
    source = (("", data) for data in Mutator(target.corpus, 1, marker=MARK.encode()))
    done = Campaign(target, budget).run(source)
    return done.cases / done.seconds


def systematic(target: GmSip) -> float:
    """Seconds for so many named anomalies, judged."""
    chosen = islice(anomalies(), SYSTEMATIC)
    cases = (
        (one.name, one.message(replace(target.aim(one.method), token=f"{n:016x}"))) for n, one in enumerate(chosen)
    )
    begun = time.monotonic()
    Campaign(target, Budget(cases=SYSTEMATIC)).run(cases)
    return time.monotonic() - begun


def hypothesis(target: GmSip) -> float:
    """Cases drawn by Hypothesis, judged, a second."""
    aim = replace(target.aim("INVITE"), token=MARK)
    valid = valid_sip(aim)
    levels = Levels(valid, st.one_of(nearly_valid_sip(aim), edited(valid)))
    search = Search(levels, list(target.corpus), 1, finish=marked(MARK.encode()))
    done = search.run(Campaign(target, Budget(SECONDS)))
    return done.cases / done.seconds


def boofuzz(host: str, port: int) -> float | None:
    """Cases a second of boofuzz with the same REGISTER, or ``None`` when it cannot be had."""
    home = ROOT / "reports" / "bench" / "boofuzz"
    python = home / "bin" / "python"
    if not python.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", BOOFUZZ]
        if subprocess.run(pip, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            shutil.rmtree(home)
            return None
    script = Path(__file__).with_name("boofuzz_register.py")
    with tempfile.TemporaryDirectory() as work:
        command = [str(python), str(script), host, str(port), str(BOOFUZZ_CASES)]
        told = subprocess.run(command, cwd=work, check=False, capture_output=True, text=True)
    return float(told.stdout.split()[-1]) if told.returncode == 0 and told.stdout.split() else None


def two_steps() -> tuple[float, float, list[int]]:
    """Seconds until a crash of two steps is found, seconds to shrink it, and the sizes of what is left."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        lab = stack.enter_context(launch(Path(folder), faults=["malformed.two_steps"]))
        target = face(stack, load(profiles() / "reference.yaml", env=lab.environment), "embedded lab").target
        first: list[float] = []

        def restore() -> bool:
            first.append(time.monotonic())
            lab.reset()
            return target.probe().serves

        begun = time.monotonic()
        campaign = Campaign(target, Budget(60.0, shrink=30.0), restore=restore, watch=Watch(target, patience=0.3))
        source = (("", data) for data in Mutator(target.corpus, 1, marker=MARK.encode()))
        if campaign.begin():
            while campaign.room() and not campaign.progress.found:
                campaign.step(list(islice(source, campaign.room())))
        found = campaign.progress.found[0]
        return first[0] - begun, time.monotonic() - first[0], [len(one) for one in found.messages]


def say(what: str, number: float | None, unit: str, *, least: float | None = None, most: float | None = None) -> None:
    """Print one figure, what it should be at least or at most, and whether it is."""
    told = "not to be had" if number is None else f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
    wanted = f"at least {least:,.0f}" if least is not None else f"at most {most:,.0f}" if most is not None else ""
    met = number is not None and (least is None or number >= least) and (most is None or number <= most)
    print(
        f"{what:52}{told:>14} {unit:10}{wanted:>18}  {('yes' if met else 'NO') if wanted else ''}".rstrip(), flush=True
    )


def alone() -> None:
    """What needs no target."""
    mutator = Mutator([plain(method, Aim()) for method in METHODS], 1, marker=MARK.encode())
    begun = time.perf_counter()
    for _ in range(200_000):
        mutator.one()
    say("mutated messages", 200_000 / (time.perf_counter() - begun), "a second", least=100_000)
    some = list(anomalies())
    begun = time.perf_counter()
    for one in some:
        one.message(Aim())
    say(f"systematic cases written (there are {len(some):,})", len(some) / (time.perf_counter() - begun), "a second")


def against(profile: Profile, name: str) -> None:
    """What is measured against one target."""
    with ExitStack() as stack:
        target = face(stack, profile, name).target
        say(f"judged cases, volume, {name}", volume(target, Budget(SECONDS)), "a second", least=2_000)
        say(f"judged cases, Hypothesis, {name}", hypothesis(target), "a second", least=300)
        say(f"{SYSTEMATIC:,} systematic cases judged, {name}", systematic(target), "seconds", most=60)
        register = plain("REGISTER", replace(target.aim("REGISTER"), token=MARK))
        ours = volume(face(stack, profile, name, (register,)).target, Budget(SECONDS))
        say(f"judged cases of one REGISTER, {name}", ours, "a second")
        theirs = boofuzz(*target.where())
        say(f"the same REGISTER by boofuzz, {name}", theirs, "a second")
        if theirs:
            say("times as many as boofuzz", ours / theirs, "", least=10)


def million(profile: Profile, name: str) -> None:
    """A million cases, and the tester's memory meanwhile."""
    with ExitStack() as stack:
        target = face(stack, profile, name).target
        source: Iterator[tuple[str, bytes]] = (("", data) for data in Mutator(target.corpus, 1, marker=MARK.encode()))
        campaign = Campaign(target, Budget(cases=MILLION))
        sizes: list[tuple[int, int]] = []

        def heard(_: object) -> None:
            if campaign.progress.volleys % 1_563 == 1:
                sizes.append((campaign.progress.cases, resident(os.getpid())))

        done = campaign.run(source, heard)
        sizes.append((done.cases, resident(os.getpid())))
        for cases, size in sizes:
            print(f"{cases:>10,} cases {size:>10,} KiB", flush=True)
        say(f"judged cases of a million, {name}", done.cases / done.seconds, "a second")
        half = [size for cases, size in sizes if cases >= done.cases / 2]
        say("memory of the tester, growth in the second half", max(half) / half[0] * 100 - 100, "percent", most=5)
        say("highest memory of the tester", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "KiB")
        print(f"{name}: {len(done.found)} findings; {done.ended}")


def main() -> None:
    """Print one line a figure."""
    work = million if "--million" in sys.argv else against
    if "IMSPROOF_REAL_PREFIX" in os.environ:
        work(load(profiles() / "kamailio.yaml"), "kamailio")
        return
    if work is against:
        alone()
        found, shrunk, sizes = two_steps()
        say("a crash of two steps, found", found, "seconds", most=60)
        say(f"the same shrunk to {len(sizes)} messages of {sum(sizes)} bytes", shrunk, "seconds", most=30)
    real = ROOT / ".venv-real" / "bin" / "python"
    if real.exists() and shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        up = [str(real), str(ROOT / "profiles" / "kamailio" / "lab" / "up.py"), "registrar", "--"]
        subprocess.run([*up, sys.executable, __file__, *sys.argv[1:]], check=True)
        return
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder)) as lab:
        work(load(profiles() / "reference.yaml", env=lab.environment), "embedded lab")


main()
