"""``imsproof fuzz``: a campaign against one face of a lab, and sending a finding again."""

from __future__ import annotations

import os
import random
import secrets
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from imsproof import __version__, catalogue, paths
from imsproof.actors.liveness import another_source
from imsproof.actors.nf import NfConsumer
from imsproof.actors.torturer import Torturer
from imsproof.bench import Bench
from imsproof.commands.common import Exit, console, err, quit_with, read_profile
from imsproof.evidence.files import write_json
from imsproof.fuzzing import findings
from imsproof.fuzzing.anomalies import anomalies, sample
from imsproof.fuzzing.campaign import VOLLEY, Budget, Campaign, Progress, Source
from imsproof.fuzzing.doors import DtlsRecords, GmSdp, SbiFrames, SctpChunks
from imsproof.fuzzing.mutate import Mutator
from imsproof.fuzzing.target import MARK, GmSip, Target
from imsproof.lab.launch import LaunchError, RunningLab, launch
from imsproof.link.session import Link
from imsproof.profile import Profile
from imsproof.seams import ImsproofError

SMALL_VOLLEY = 16
"""Cases between two looks at the lab where each costs a conversation."""


class TargetName(StrEnum):
    """What can be fuzzed."""

    GM_SIP = "gm-sip"
    GM_SDP = "gm-sdp"
    SBI = "sbi"
    DTLS = "dtls"
    SCTP = "sctp"


class Mode(StrEnum):
    """Where cases come from: the mutator, or the systematic anomalies."""

    VOLUME = "volume"
    SYSTEMATIC = "systematic"


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
    mode: Annotated[Mode, typer.Option(help="Mutations without end, or the systematic anomalies (SIP).")] = Mode.VOLUME,
    budget: Annotated[str, typer.Option(help="How long: 60s, 5m, 2h.")] = "60s",
    cases: Annotated[int | None, typer.Option(min=1, help="At most so many cases.")] = None,
    sample_of: Annotated[
        int | None, typer.Option("--sample", min=1, help="Systematic: a covering set of this size.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed sends the same. Chosen and printed if absent.")
    ] = None,
    shard: Annotated[str, typer.Option(help="This process' share of a campaign, as 2/4.")] = "1/1",
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of messages that shards share: read at the start, added to.")
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
        limit, share = seconds(budget), Shard.parse(shard)
    except ValueError as error:
        quit_with(Exit.USAGE, str(error))
    if profile is not None and fault:
        quit_with(Exit.USAGE, "--fault plants faults in the embedded lab; with a profile there is none")
    if mode is Mode.SYSTEMATIC and target is not TargetName.GM_SIP:
        quit_with(Exit.USAGE, "--mode systematic is for --target gm-sip")
    chosen = secrets.randbelow(2**31) if seed is None else seed
    with ExitStack() as stack:
        lab = _lab(stack, fault or []) if profile is None else None
        declared = read_profile(profile or paths.profiles() / "reference.yaml")
        link = Link(scope_allows=declared.scope.allows, limits=declared.limits, timers=declared.timers)
        stack.callback(link.close)
        folder = _folder(out or paths.default_reports(), declared.name)
        (folder / "replay.json").write_text(
            f'{{"profile": {_json_path(profile)}, "seed": {chosen}}}\n', encoding="utf-8"
        )
        recipe = findings.Recipe(target.value, mode.value, chosen, str(share), __version__, tuple(fault or ()))
        console.print(f"{declared.name}: {target} by {mode}; seed {chosen}, shard {share}; {folder}", markup=False)
        try:
            face = make_target(stack, target, link, declared, chosen)
            stack.callback(face.close)
            source, learn = _source(mode, face, chosen, share, sample_of, corpus)
            campaign = Campaign(
                face,
                source,
                Budget(limit, cases),
                restore=_restore(face, lab, restart),
                learn=learn,
                volley=VOLLEY if target is TargetName.GM_SIP else SMALL_VOLLEY,
            )
            done = campaign.run(_Told())
        except ImsproofError as error:
            quit_with(Exit.UNDECIDED, str(error))
        _report(folder, face, done, recipe)
    raise typer.Exit(_verdict(done))


def _lab(stack: ExitStack, faults: list[str]) -> RunningLab:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="imsproof-lab-"))
    try:
        lab = stack.enter_context(launch(Path(folder), faults=faults))
    except (LaunchError, OSError) as error:
        quit_with(Exit.UNREACHABLE, f"the embedded lab did not start: {error}")
    os.environ.update(lab.environment)
    err.print(f"embedded reference lab on {lab.prefix}.0/24", markup=False)
    return lab


def _json_path(profile: Path | None) -> str:
    return "null" if profile is None else f'"{profile.resolve()}"'


def _folder(out: Path, name: str) -> Path:
    folder = out / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{name}-fuzz-{secrets.token_hex(3)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        quit_with(Exit.USAGE, f"the run folder cannot be made: {error}")
    return folder


def make_target(stack: ExitStack, name: TargetName, link: Link, declared: Profile, seed: int) -> Target:
    """Make the target of a campaign (``InconclusiveError`` when the profile does not give it)."""
    purpose = catalogue.load().select([], ["GM-MALFORMED-01"])[0]
    work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imsproof-fuzz-")))
    bench = Bench(declared, purpose, link, work, seed)
    stack.callback(bench.close)
    if name is TargetName.SBI:
        return SbiFrames(NfConsumer(bench.session, bench.sbi), bench.producer())
    if name in {TargetName.DTLS, TargetName.SCTP}:
        return (DtlsRecords if name is TargetName.DTLS else SctpChunks)(bench.session, bench.data_channel_peer())
    front = _front(bench, declared, seed)
    return front if name is TargetName.GM_SIP else GmSdp(bench.ue(), _callee(bench), front)


def _front(bench: Bench, declared: Profile, seed: int) -> GmSip:
    chance = random.Random(f"{seed}:probes")  # noqa: S311 - repeatable on purpose
    torturer = Torturer(bench.session, bench.gm, chance, transport="udp")
    return GmSip(
        bench.session,
        torturer.target,
        torturer.aim,
        chance,
        other=another_source(bench.session, torturer.target, declared.tester.addresses),
        within=declared.timers.answer,
    )


def _callee(bench: Bench) -> str:
    """The lab's own UE where it has one, else another subscriber's identity."""
    if bench.profile.far is not None:
        return bench.far_target()
    return bench.subscribers(1)[0].impu


def _source(
    mode: Mode, face: Target, seed: int, share: Shard, sample_of: int | None, corpus: Path | None
) -> tuple[Source, Callable[[bytes], None]]:
    if mode is Mode.SYSTEMATIC:
        assert isinstance(face, GmSip)
        return _systematic(face, seed, share, sample_of), lambda _: None
    shared = _shared(corpus)
    mutator = Mutator([*face.corpus, *shared], seed * share.count + share.index - 1, marker=MARK.encode())

    def learn(data: bytes) -> None:
        if corpus is not None:
            (corpus / f"{findings.digest(data)}.bin").write_bytes(data)

    return (("", data) for data in mutator), learn


def _shared(corpus: Path | None) -> list[bytes]:
    if corpus is None:
        return []
    corpus.mkdir(parents=True, exist_ok=True)
    return [path.read_bytes() for path in sorted(corpus.glob("*.bin"))]


def _systematic(face: GmSip, seed: int, share: Shard, sample_of: int | None) -> Iterator[tuple[str, bytes]]:
    chosen = sample(sample_of, seed) if sample_of else anomalies()
    for number, one in enumerate(chosen):
        if number % share.count == share.index - 1:
            yield one.name, one.message(replace(face.aim(one.method), token=f"{number:016x}"))


def _restore(face: Target, lab: RunningLab | None, command: str | None) -> Callable[[], bool] | None:
    """How to bring a lab back: the embedded one is reset, another one by its command."""
    if lab is not None:

        def reset() -> bool:
            try:
                lab.reset()
            except LaunchError:
                return False
            face.renew()
            return face.probe().serves

        return reset
    if command is None:
        return None

    def restart() -> bool:
        if face.probe().serves:
            return True
        subprocess.run(shlex.split(command), check=False, timeout=60)  # noqa: S603 - the user's own command
        for _ in range(20):
            if face.probe().serves:
                face.renew()
                return True
        return False

    return restart


class _Told:
    """Says how a campaign goes, every few seconds."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.seconds >= self._next:
            self._next = progress.seconds + 5.0
            console.print(_line(progress), markup=False)


def _line(progress: Progress) -> str:
    rate = progress.cases / progress.seconds if progress.seconds else 0.0
    answers = ", ".join(f"{status or '?'}: {count}" for status, count in sorted(progress.statuses.items()))
    return (
        f"{progress.seconds:6.1f} s  {progress.cases} cases ({rate:.0f}/s)  {len(progress.reactions)} kinds of answer"
        f"  {len(progress.found)} findings  [{answers}]"
    )


def _report(folder: Path, face: Target, done: Progress, recipe: findings.Recipe) -> None:
    console.print(_line(done), markup=False)
    console.print(f"ended: {done.ended}", markup=False)
    told: list[str] = []
    for found in {findings.finding_id(one): one for one in reversed(done.found)}.values():
        own = findings.write(folder, found, recipe, face.where(), face.good())
        told.append(own.name)
        console.print(
            f"[bold red]{found.harm.value}[/]  {len(found.messages)} messages of {sum(map(len, found.messages))} bytes"
            f"{'' if found.confirmed else ' (did not happen again)'}"
        )
        console.print(f"  {own}", markup=False)
        console.print(f"  again: imsproof replay {folder} {own.name}", markup=False)
    write_json(
        folder / "campaign.json",
        {
            "schema": 1,
            "recipe": recipe.to_json(),
            "cases": done.cases,
            "volleys": done.volleys,
            "seconds": round(done.seconds, 3),
            "throttled": done.throttled,
            "statuses": {str(status): count for status, count in sorted(done.statuses.items())},
            "reactions": sorted(done.reactions),
            "ended": done.ended,
            "findings": told,
        },
    )


def _verdict(done: Progress) -> Exit:
    if any(found.confirmed for found in done.found):
        return Exit.FAIL
    if done.found:
        return Exit.UNDECIDED
    return Exit.PASS if done.cases else Exit.UNREACHABLE


def replay_finding(folder: Path, profile: Path | None) -> NoReturn:
    """Send a finding again, message by message, and say whether the lab serves afterwards."""
    try:
        told, messages = findings.read(folder)
    except (OSError, ValueError) as error:
        quit_with(Exit.USAGE, f"{folder} is no finding of imsproof: {error}")
    name = TargetName(told["recipe"]["target"])
    with ExitStack() as stack:
        if profile is None:
            _lab(stack, [str(name) for name in told["recipe"].get("faults", [])])
        declared = read_profile(profile or paths.profiles() / "reference.yaml")
        link = Link(scope_allows=declared.scope.allows, limits=declared.limits, timers=declared.timers)
        stack.callback(link.close)
        face = make_target(stack, name, link, declared, int(told["recipe"]["seed"]))
        stack.callback(face.close)
        if not face.probe().serves:
            quit_with(Exit.UNREACHABLE, "the lab does not answer a well-formed request; nothing was sent")
        _, health = face.fire(messages)
        console.print(
            f"{told['id']}: the lab "
            + (f"serves after {health.seconds:.2f} s" if health.serves else "no longer serves"),
            markup=False,
        )
    raise typer.Exit(Exit.PASS if health.serves and health.seconds < 1.0 else Exit.FAIL)
