"""``imsproof fuzz``: a campaign against one face of a lab."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from imsproof import __version__, paths
from imsproof.commands.common import Exit, console, quit_with
from imsproof.commands.findings import report
from imsproof.commands.targets import DATAGRAMS, SIP, TargetName, ground, levels, look_out, make_target, restore
from imsproof.fuzzing.anomalies import anomalies, sample
from imsproof.fuzzing.campaign import VOLLEY, Budget, Campaign, Case, Progress
from imsproof.fuzzing.corpus import Corpus, open_corpus
from imsproof.fuzzing.findings import Recipe
from imsproof.fuzzing.gmsip import GmSip
from imsproof.fuzzing.gmstream import GmStream
from imsproof.fuzzing.mutate import Mutator
from imsproof.fuzzing.search import Search, marked
from imsproof.fuzzing.target import MARK, NUMBERED, Target
from imsproof.fuzzing.watch import Condition
from imsproof.seams import ImsproofError

SMALL_VOLLEY, STREAM_VOLLEY = 16, 32
"""Cases between two looks at the lab where each costs a conversation, or a connection."""
MAX_MUTATED = 2_000
CI_SEED, CI_BUDGET, BUDGET = 0, "20s", "60s"


class By(StrEnum):
    """What makes the cases: the mutator, the named anomalies, or Hypothesis."""

    VOLUME = "volume"
    SYSTEMATIC = "systematic"
    HYPOTHESIS = "hypothesis"


class Mode(StrEnum):
    """``ci``: short, and the same each time. ``campaign``: a search that is led by what it meets, with a corpus."""

    CI = "ci"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several processes or machines that share a campaign: number ``index`` (from 1) of ``count``."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n`` (``ValueError``)."""
        index, slash, count = text.partition("/")
        if not (slash and index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
            raise ValueError(f"--shard {text!r} is not of the form i/n with i from 1 to n")
        return cls(int(index), int(count))

    def __str__(self) -> str:
        """Write it as it was read."""
        return f"{self.index}/{self.count}"

    def seed(self, seed: int) -> int:
        """A seed of its own for each shard."""
        return seed * self.count + self.index - 1


def seconds(text: str) -> float:
    """Read ``60``, ``60s``, ``5m`` or ``2h`` as seconds (``ValueError``)."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    value = float(number) * unit
    if not 0 < value < float("inf"):
        raise ValueError(f"{text!r} is no time")
    return value


def fuzz(  # noqa: PLR0913, PLR0917 - options of a command
    profile: Annotated[
        Path | None, typer.Argument(help="The lab's profile. Without one, the embedded reference lab is started.")
    ] = None,
    target: Annotated[TargetName, typer.Option(help="What to fuzz.")] = TargetName.GM_SIP,
    by: Annotated[
        By, typer.Option(help="What makes the cases: a fast mutator, the named anomalies (SIP), or Hypothesis.")
    ] = By.VOLUME,
    mode: Annotated[
        Mode,
        typer.Option(
            help="ci: 20 s, derandomised. campaign: led by what it meets; prints its seed. (The third mode, triage, "
            "goes through findings again: imsproof triage.)"
        ),
    ] = Mode.CAMPAIGN,
    budget: Annotated[str | None, typer.Option(help="How long: 60s, 5m, 2h.")] = None,
    cases: Annotated[int | None, typer.Option(min=1, help="At most so many cases.")] = None,
    shrink: Annotated[str, typer.Option(help="How long one finding may be made smaller.")] = "30s",
    sample_of: Annotated[
        int | None, typer.Option("--sample", min=1, help="Systematic: a covering set of this size.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed sends the same. Chosen and printed if absent.")
    ] = None,
    grow: Annotated[
        bool | None,
        typer.Option(
            "--grow/--no-grow", help="Let reactions lead, and keep what showed a new one. Default: unless --seed or ci."
        ),
    ] = None,
    shard: Annotated[str, typer.Option(help="This process' share of a campaign, as 2/4.")] = "1/1",
    corpus: Annotated[
        str | None, typer.Option(help="Where shards share messages: a folder, or redis://host:port/0.")
    ] = None,
    restart: Annotated[
        str | None, typer.Option(help="Command (no shell) that restarts the lab when it is dead.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="Plant this fault in the embedded lab (only without a profile).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the run folder is made.")] = None,
) -> None:
    """Fuzz one face of a lab; what harms it is confirmed, made small and kept under findings/.

    Exit code: 0 nothing found, 1 something found, 2 bad usage, 3 the harness failed, 4 lab not reachable.
    """
    try:
        limit = seconds(budget or (CI_BUDGET if mode is Mode.CI else BUDGET))
        small = seconds(shrink)
        share = Shard.parse(shard)
    except ValueError as error:
        quit_with(Exit.USAGE, str(error))
    if profile is not None and fault:
        quit_with(Exit.USAGE, "--fault plants faults in the embedded lab; with a profile there is none")
    if by is By.SYSTEMATIC and target not in SIP:
        quit_with(Exit.USAGE, f"--by systematic is for --target {', '.join(SIP)}")
    chosen = seed if seed is not None else CI_SEED if mode is Mode.CI else secrets.randbelow(2**31)
    grows = (mode is Mode.CAMPAIGN and seed is None) if grow is None else grow
    with ExitStack() as stack:
        where = ground(stack, profile, fault or [])
        folder = _folder(out or paths.default_reports(), where.declared.name)
        told = {"profile": str(profile.resolve()) if profile else None, "seed": chosen}
        (folder / "replay.json").write_text(json.dumps(told), encoding="utf-8")
        recipe = Recipe(target.value, by.value, mode.value, chosen, str(share), __version__, grows, tuple(fault or ()))
        console.print(
            f"{where.declared.name}: {target} by {by} ({mode}); seed {chosen}, shard {share}; {folder}", markup=False
        )
        interrupted = False
        try:
            face = make_target(stack, target, where, chosen)
            kept = open_corpus(corpus or str(folder / "corpus"), target.value) if corpus or grows else None
            work = _Work(face, kept, share.seed(chosen), grows=grows)
            campaign = Campaign(
                face,
                Budget(limit, cases, small),
                restore=restore(face, where.lab, restart),
                learn=work.learn,
                volley=VOLLEY if target in DATAGRAMS else STREAM_VOLLEY if target in SIP else SMALL_VOLLEY,
                watch=look_out(face, where),
                rest=where.declared.timers.associations,
            )
            try:
                work.run(campaign, by, _systematic(face, share, sample_of, chosen) if by is By.SYSTEMATIC else None)
            except KeyboardInterrupt:
                campaign.progress.ended = "interrupted"
                interrupted = True
            done = campaign.end()
            report(folder, face, campaign, recipe)
        except ImsproofError as error:
            quit_with(Exit.UNDECIDED, str(error))
    raise typer.Exit(Exit.INTERRUPTED if interrupted else _verdict(done))


def _folder(out: Path, name: str) -> Path:
    folder = out / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{name}-fuzz-{secrets.token_hex(3)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        quit_with(Exit.USAGE, f"the run folder cannot be made: {error}")
    return folder


class _Work:
    """Makes the cases of a campaign, and takes back what it learns."""

    def __init__(self, face: Target, kept: Corpus | None, seed: int, *, grows: bool) -> None:
        self._face = face
        self._kept = kept
        self._grows = grows
        self._seed = seed
        self._corpus = [*face.corpus, *(kept or ())]
        self._mutator: Mutator | None = None

    def learn(self, data: bytes) -> None:
        """Keep a message whose answer was new, with the mark again in the place of its number."""
        fresh = NUMBERED.sub(MARK.encode(), data)
        if self._kept is not None:
            self._kept.add(fresh)
        if self._grows and self._mutator is not None and len(self._mutator.corpus) < MAX_MUTATED:
            self._mutator.corpus.append(fresh)

    def run(self, campaign: Campaign, by: By, systematic: Iterator[Case] | None) -> Progress:
        """Run it to its end."""
        told = _Told()
        if systematic is not None:
            return campaign.run(systematic, told)
        if by is By.VOLUME:
            self._mutator = Mutator(self._corpus, self._seed, marker=MARK.encode())
            return campaign.run((("", data) for data in self._mutator), told)
        database = self._kept.database if self._kept is not None else None
        search = Search(
            levels(self._face), self._corpus, self._seed * 1_000_003, guided=self._grows, database=database,
            finish=marked(MARK.encode()),
        )  # fmt: skip
        return search.run(campaign, told)


def _systematic(face: Target, share: Shard, sample_of: int | None, seed: int) -> Iterator[Case]:
    assert isinstance(face, GmSip | GmStream)
    chosen = sample(sample_of, seed) if sample_of else anomalies()
    for number, one in enumerate(chosen):
        if number % share.count == share.index - 1:
            yield one.name, one.message(replace(face.aim(one.method), token=f"{number:016x}"))


class _Told:
    """Says how a campaign goes, every few seconds."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.seconds >= self._next:
            self._next = progress.seconds + 5.0
            console.print(progress.line(), markup=False)


def _verdict(done: Progress) -> Exit:
    if any(found.confirmed and found.harm is not Condition.SILENT for found in done.found):
        return Exit.FAIL
    if done.found:
        return Exit.UNDECIDED
    return Exit.PASS if done.cases else Exit.UNREACHABLE
