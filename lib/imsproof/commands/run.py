"""``imsproof run``: from a profile to a run folder."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imsproof import __version__, catalogue, paths
from imsproof.catalogue import TestPurpose
from imsproof.commands.common import (
    DEFAULT_WORKERS,
    STYLE,
    Exit,
    console,
    err,
    exit_code,
    quit_with,
    read_profile,
    select,
)
from imsproof.commands.live import LiveTable
from imsproof.commands.sign import SignKey, signer
from imsproof.commands.sign import sign as sign_with
from imsproof.evidence.bundle import BUNDLE
from imsproof.evidence.files import write_atomic
from imsproof.evidence.redact import Redactor
from imsproof.evidence.result import PASSED, Accepted, PurposeResult, Run
from imsproof.evidence.run import PROFILE, RunFolder
from imsproof.seams import HarnessError, StoppedError, Verdict

if TYPE_CHECKING:
    from imsproof.evidence.signature import Signer
    from imsproof.profile import Profile

Families = Annotated[list[str] | None, typer.Option("--family", "-f", help="Only this family (SBI, SBI-TOKEN, ...).")]
Ids = Annotated[list[str] | None, typer.Option("--purpose", "-p", help="Only this purpose.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many processes run purposes side by side, at most.")]
MAX_REPLAY = 65536
REASONS = 8
"""Reasons why purposes do not apply, told when none does: those of the most purposes."""
SILENT = 8
"""Purposes from which nothing came back, before the run asks whether anybody is there."""
WORTH_A_WORKER = 6
"""Purposes for each process: a second of a processor goes by before it runs its first one."""
Seed = Annotated[int | None, typer.Option(help="Seed: the same seed sends the same. Chosen and printed when left out.")]


def run(  # noqa: PLR0913, PLR0917 - options of a command
    profile: Annotated[
        Path | None, typer.Argument(help="The lab's profile. Without one, the embedded reference lab is started.")
    ] = None,
    family: Families = None,
    purpose: Ids = None,
    out: Annotated[Path | None, typer.Option(help="Where the run folder is made.")] = None,
    seed: Seed = None,
    workers: Workers = DEFAULT_WORKERS,
    fault: Annotated[
        list[str] | None, typer.Option(help="Plant this fault in the embedded lab (only without a profile).")
    ] = None,
    sign: SignKey = None,
    accepted: Annotated[
        bool, typer.Option("--accepted", help="Exit code without what the profile's accepted section lives with.")
    ] = False,
) -> None:
    """Run the test purposes that apply to a lab, and leave a run folder with the evidence.

    Exit code: 0 pass, 1 at least one fail, 2 bad usage or profile, 3 something undecided, 4 lab not reachable.
    """
    from imsproof.lab.launch import LaunchError, launch

    if profile is not None and fault:
        quit_with(Exit.USAGE, "--fault plants faults in the embedded lab; with a profile there is none")
    chosen = select(family or [], purpose or [])
    by = signer(sign) if sign else None
    with ExitStack() as stack:
        if profile is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="imsproof-lab-"))
            try:
                lab = stack.enter_context(launch(Path(folder), faults=fault or ()))
            except (LaunchError, OSError) as error:
                quit_with(Exit.UNREACHABLE, f"the embedded lab did not start: {error}")
            os.environ.update(lab.environment)
            err.print(f"embedded reference lab on {lab.prefix}.0/24", markup=False)
        source = profile or paths.profiles() / "reference.yaml"
        done = run_profile(
            source, chosen, out=out, seed=seed, workers=workers, embedded=profile is None, by=by, forgiving=accepted
        )
    raise typer.Exit(done)


def run_profile(
    source: Path,
    chosen: list[TestPurpose],
    *,
    out: Path | None,
    seed: int | None,
    workers: int,
    embedded: bool = False,
    by: Signer | None = None,
    forgiving: bool = False,
) -> Exit:
    """Run the chosen purposes against the lab of a profile, sign the bundle ``by`` a key, and return the exit code.

    ``forgiving``: what the profile accepts does not decide the exit code.
    """
    from imsproof.leases import labs_to_itself
    from imsproof.profile.shown import shown
    from imsproof.reach import endpoints
    from imsproof.runner import applicable

    declared = read_profile(source)
    seed = seed if seed is not None else secrets.randbelow(2**31)
    apply, without = applicable(chosen, declared)
    known = {one.id for one in catalogue.load()}
    if unknown := [one.purpose for one in declared.accepted if one.purpose not in known]:
        quit_with(Exit.USAGE, f"{source}: accepted: there is no purpose {unknown[0]!r}; see imsproof purposes")
    try:
        with labs_to_itself(endpoints(declared) if apply and not embedded else (), _waiting):
            folder = RunFolder.create(
                out or paths.default_reports(),
                declared.name,
                seed=seed,
                version=__version__,
                commit=paths.commit(),
                planned=[one.id for one in chosen],
            )
            folder.set_accepted(
                Accepted(one.purpose, one.reason, one.by, one.until.isoformat()) for one in declared.accepted
            )
            (folder.path / "replay.json").write_text(
                json.dumps({"profile": None if embedded else str(source.resolve()), "seed": seed}), encoding="utf-8"
            )
            write_atomic(folder.path / PROFILE, Redactor(declared.secrets()).text(shown(source)).encode())
            done = _run_in(folder, source, declared, apply, without, seed=seed, workers=workers, forgiving=forgiving)
            if by is not None:
                console.print(sign_with(folder.path / BUNDLE, by), markup=False)
    except HarnessError as error:
        quit_with(Exit.UNDECIDED, str(error))
    return done


def _waiting(endpoint: str) -> None:
    told = (
        f"another run of imsproof on this machine is at {endpoint}; two would disturb each other: waiting for its end"
    )
    console.print(told, markup=False, style="yellow")


def _run_in(
    folder: RunFolder,
    source: Path,
    declared: Profile,
    apply: list[TestPurpose],
    without: list[PurposeResult],
    *,
    seed: int,
    workers: int,
    forgiving: bool,
) -> Exit:
    from imsproof.reporting import finish_reports, start_capture
    from imsproof.runner import execute, not_executed

    for result in without:
        folder.add(result)
    console.print(
        f"{declared.name}: {len(apply)} purposes apply, {len(without)} do not; seed {seed}; {folder.path}", markup=False
    )
    plan = {one.id: ("",) for one in apply}
    side_by_side = _side_by_side(declared, min(workers, -(-len(apply) // WORTH_A_WORKER)))
    capture = start_capture(declared)
    last = time.monotonic()
    silence = _Silence(declared)
    try:
        with LiveTable(len(apply)) as table:

            def listen(result: PurposeResult, _fault: str) -> None:
                nonlocal last
                last = time.monotonic()
                folder.add(result)
                table.result(result)
                silence.heard(result)

            outcome = execute(source, plan, listen, seed=seed, workers=side_by_side, run_folder=folder.path)
    finally:
        capture.stop(quiet=time.monotonic() - last)
    why = "not executed: no worker reported on it"
    if outcome.interrupted:
        why = "interrupted before it was executed"
    elif outcome.gave_up:
        why = f"not executed: {outcome.gave_up}"
        console.print(f"given up: {outcome.gave_up}", markup=False, style="yellow")
    done = {one.id for one in folder.run.results}
    for result in not_executed(plan, done, {one.id: one for one in apply}, why):
        folder.add(result)
    finished = folder.finish()
    for remark in finish_reports(folder, capture):
        console.print(remark, markup=False, style="dim")
    _summary(folder.path, finished)
    if outcome.interrupted:
        console.print(f"interrupted: {len(done & plan.keys())} of {len(plan)} purposes were executed", markup=False)
        return Exit.INTERRUPTED
    if finished.unreached:
        return Exit.UNREACHABLE
    decides = finished.verdict_but_accepted if forgiving else finished.verdict
    return exit_code(decides) if not outcome.errors else Exit.UNDECIDED


class _Silence:
    """Ends a run at a lab that is not there, before it has waited for the answers of every purpose."""

    def __init__(self, declared: Profile) -> None:
        self._declared = declared
        self._unheard: int | None = 0
        if any(part is not None and part.hook for part in (declared.dc, declared.media, declared.msrp)):
            self._unheard = None  # what a hook starts answers elsewhere

    def heard(self, result: PurposeResult) -> None:
        """Take note of a result.

        Raises:
            StoppedError: nothing came back from the first purposes, and no endpoint can be reached.
        """
        if self._unheard is None or result.evidence is None:
            return
        self._unheard = None if result.answered else self._unheard + 1
        if self._unheard == SILENT:
            from imsproof.reach import reach

            self._unheard = None
            reached = reach(self._declared)
            if reached and not any(one.good for one in reached):
                told = "; ".join(f"{one.endpoint}: {one.told}" for one in reached[:3])
                raise StoppedError(f"nothing came back from the first {SILENT} purposes, and nobody is there ({told})")


def _side_by_side(declared: Profile, workers: int) -> int:
    """How many purposes run at once: one, where an endpoint would make them wait for each other."""
    from imsproof.reach import one_at_a_time

    names = one_at_a_time(declared) if workers > 1 else []
    if not names:
        return workers
    told = (
        "answers nobody while another connection is open, so purposes run one after the other; an idle client stops it"
    )
    console.print(f"{', '.join(names)} {told}", markup=False, style="yellow")
    return 1


def _summary(folder: Path, finished: Run) -> None:
    from imsproof.judge.verdict import CONTROL_NOT_ACCEPTED

    counts = ", ".join(f"{number} {name}" for name, number in finished.counts.items() if number)
    console.print(f"\n[{STYLE[finished.verdict]}]{finished.verdict.value}[/]  {counts}")
    console.print(finished.reason, markup=False)
    if all(one.verdict is Verdict.NOT_APPLICABLE for one in finished.results):
        for reason, number in Counter(one.reason for one in finished.results).most_common(REASONS):
            console.print(f"  {reason} ({number} purposes)", markup=False)
    _told_accepted(finished)
    if finished.unreached:
        told = "nothing at all came back: is the lab up, and are the profile's addresses right? imsproof profile check"
        console.print(told, markup=False)
    elif lacking := sum(one.control == CONTROL_NOT_ACCEPTED for one in finished.results):
        told = "what is right was not accepted, so nothing was learned; imsproof profile check tries it and may say why"
        console.print(f"{lacking} without their control: {told}", markup=False)
    console.print(f"report: {folder / 'summary.html'}", markup=False)


def _told_accepted(finished: Run) -> None:
    by_id = {one.id: one for one in finished.results}
    for one in finished.info.accepted:
        result = by_id.get(one.purpose)
        if result is None or result.verdict is Verdict.NOT_APPLICABLE:
            continue
        if one.purpose in finished.accepted:
            told = f"accepted until {one.until} by {one.by}: {one.reason}"
        elif result.verdict in PASSED:
            told = "stands under accepted in the profile, and passes: take it out there"
        else:
            told = f"was accepted until {one.until} by {one.by}, no longer"
        console.print(f"{one.purpose}: {result.verdict.value}, {told}", markup=False)


def replay(
    run_folder: Annotated[Path, typer.Argument(help="The run folder, its run.json, or its bundle.zip.")],
    purpose_id: Annotated[str, typer.Argument(metavar="ID", help="The purpose, or the finding of a campaign.")],
    own: Annotated[
        Path | None, typer.Option("--profile", help="A profile of your own, where the run's is not here, or not yours.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the new run folder is made.")] = None,
    workers: Workers = 1,
) -> None:
    """Send again what a purpose or a fuzz finding of a former run sent: same profile, same seed or same bytes."""
    folder = run_folder if run_folder.is_dir() else run_folder.parent
    try:
        told = json.loads(_replay_told(run_folder))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        quit_with(Exit.USAGE, f"{run_folder} is no run folder of imsproof: {error}")
    profile = own or (Path(told["profile"]) if told.get("profile") else None)
    if profile is not None and not profile.exists():
        declared = f"; what it declared is in {PROFILE} beside run.json, without secrets"
        how = "name one of your own with --profile, with your addresses and credentials"
        quit_with(Exit.USAGE, f"the run's profile {profile} is not here: {how}{declared}")
    finding = folder / "findings" / purpose_id
    if finding.is_dir():
        from imsproof.commands.findings import replay_finding

        replay_finding(finding, profile)
    run(profile=profile, purpose=[purpose_id], out=out, seed=int(told["seed"]), workers=workers)


def _replay_told(run_folder: Path) -> bytes:
    if run_folder.is_file() and zipfile.is_zipfile(run_folder):
        with zipfile.ZipFile(run_folder) as bundle, bundle.open("replay.json") as file:
            return file.read(MAX_REPLAY)
    folder = run_folder if run_folder.is_dir() else run_folder.parent
    return (folder / "replay.json").read_bytes()
