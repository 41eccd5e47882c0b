"""What becomes of findings: written with evidence, sent again (replay), gone through (triage), kept for good (keep)."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from imsproof import __version__, paths
from imsproof.commands.common import Exit, console, quit_with
from imsproof.commands.targets import Ground, TargetName, ground, look_out, make_target, restore
from imsproof.evidence import capture, journal, ladder
from imsproof.evidence.files import write_atomic, write_json
from imsproof.evidence.result import PurposeResult
from imsproof.fuzzing import findings, promote
from imsproof.fuzzing.campaign import Budget, Campaign, Found, Progress
from imsproof.fuzzing.corpus import open_corpus
from imsproof.fuzzing.target import Target
from imsproof.fuzzing.watch import Condition, Look, Watch
from imsproof.seams import HarnessError, ImsproofError, Verdict

TOLD = 5
"""Findings whose conversation is captured: one of each cause, the first ones."""


def report(folder: Path, face: Target, campaign: Campaign, recipe: findings.Recipe) -> None:
    """Write what a campaign found, each cause with its conversation, and say it."""
    done = campaign.progress
    console.print(done.line(), markup=False)
    console.print(f"ended: {done.ended}", markup=False)
    for remark in done.remarks:
        console.print(f"remark: {remark}", markup=False)
    told: dict[str, dict[str, Any]] = {}
    for found in {findings.finding_id(one): one for one in reversed(done.found)}.values():
        wire = [datagram for case in found.messages for datagram in face.wire(case)]
        own = findings.write(folder, found, recipe, face.where(), wire, face.good())
        told[own.name] = findings.read(own)[0]
    causes = findings.grouped(told.values())
    by_id = {findings.finding_id(one): one for one in done.found}
    for number, (cause, ids) in enumerate(causes.items()):
        found = by_id[ids[0]]
        own = folder / "findings" / ids[0]
        if number < TOLD and campaign.back():
            _conversation(own, face, found)
        _say(own, found, folder, len(ids) - 1, cause)
    if causes:
        campaign.back()
    write_json(folder / "campaign.json", _summary(done, recipe, list(told), causes))


def _conversation(own: Path, face: Target, found: Found) -> None:
    """Send a finding once more with a journal: capture, ladder and journal of it."""
    told = face.retell(found.messages)
    result = PurposeResult(
        id=own.name,
        family="FUZZ",
        title=f"{found.harm}: {found.why}",
        verdict=Verdict.FAIL if found.confirmed else Verdict.INCONCLUSIVE,
        reason=found.why,
        control="",
        citations=(),
        faults=(),
        expected="a good request is served afterwards as before",
        duration_s=0.0,
        evidence=None,
        judgements=(),
    )
    journal.write(own / journal.JOURNAL, told.events)
    write_atomic(own / "ladder.svg", ladder.svg(result, told.events, ()).encode())
    capture.write_tap(own / capture.CAPTURE, own.name, told.packets, told.keys)


def _say(own: Path, found: Found, folder: Path, more: int, cause: str) -> None:
    remark = "" if found.confirmed else " (did not happen again)"
    if found.harm is Condition.SILENT:
        remark += " (throttled or hung cannot be told: give tester.addresses a second address)"
    console.print(
        f"[bold red]{found.harm.value}[/]  {len(found.messages)} messages of {sum(map(len, found.messages))} bytes"
        f"{remark}; {found.why}"
    )
    console.print(f"  {own}", markup=False)
    if more:
        console.print(f"  and {more} more of the same cause ({cause[:100]})", markup=False)
    console.print(f"  again: imsproof replay {folder} {own.name}", markup=False)


def _summary(
    done: Progress, recipe: findings.Recipe, ids: list[str], causes: dict[str, list[str]]
) -> dict[str, object]:
    return {
        "schema": 1,
        "recipe": {name: getattr(recipe, name) for name in recipe.__slots__},
        "cases": done.cases,
        "volleys": done.volleys,
        "seconds": round(done.seconds, 3),
        "throttled": done.throttled,
        "loaded": done.loaded,
        "grown": done.grown,
        "statuses": {str(status): count for status, count in sorted(done.statuses.items())},
        "reactions": sorted(done.reactions),
        "remarks": done.remarks,
        "ended": done.ended,
        "findings": ids,
        "causes": causes,
    }


def _read(folder: Path) -> tuple[dict[str, Any], list[bytes]]:
    try:
        return findings.read(folder)
    except (OSError, ValueError) as error:
        quit_with(Exit.USAGE, f"{folder} is no finding of imsproof: {error}")


def replay_finding(folder: Path, profile: Path | None) -> NoReturn:
    """Send a finding again, message by message, and say what the lab does then."""
    told, messages = _read(folder)
    with ExitStack() as stack:
        where = ground(stack, profile, [str(name) for name in told["recipe"].get("faults", [])])
        try:
            face = make_target(stack, TargetName(told["recipe"]["target"]), where, int(told["recipe"]["seed"]))
            watch = look_out(face, where)
            first = watch.begin()
            if not first.back:
                quit_with(Exit.UNREACHABLE, f"nothing was sent: {first.why}")
            look = watch.look(face.fire(messages)[1])
            if told["harm"] == Condition.LEAKING and not look.condition.is_harm:
                look = _leaking(face, watch, messages, where)
        except ImsproofError as error:
            quit_with(Exit.UNDECIDED, str(error))
    console.print(f"{told['id']}: the lab is {look.condition}{f' ({look.why})' if look.why else ''}", markup=False)
    if look.condition is Condition.SILENT:
        raise typer.Exit(Exit.UNDECIDED)
    raise typer.Exit(Exit.FAIL if look.condition.is_harm else Exit.PASS)


def _leaking(face: Target, watch: Watch, messages: list[bytes], where: Ground) -> Look:
    """Measure again what a leak was found with."""
    campaign = Campaign(face, Budget(), watch=watch, rest=where.declared.timers.associations)
    leaks, why = campaign.leaks(messages)
    return Look(Condition.LEAKING if leaks else Condition.FINE, why=why)


def triage(
    run_folder: Annotated[Path, typer.Argument(help="The run folder of a campaign.")],
    profile: Annotated[Path | None, typer.Argument(help="Another lab's profile than the campaign's.")] = None,
    budget: Annotated[float, typer.Option(help="Seconds to make each finding smaller.")] = 60.0,
    restart: Annotated[
        str | None, typer.Option(help="Command (no shell) that restarts the lab when it is dead.")
    ] = None,
) -> None:
    """Go through the findings of a campaign: does each still do harm, alone, and how small is it? Grouped by cause.

    Exit code: 0 none does harm any more, 1 at least one does, 2 bad usage, 4 lab not reachable.
    """
    folders = sorted(path.parent for path in run_folder.glob("findings/*/finding.json"))
    if not folders:
        quit_with(Exit.USAGE, f"{run_folder} holds no findings")
    if profile is None:
        profile = _profile_of(run_folder)
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        faults = [str(name) for name in _read(folders[0])[0]["recipe"].get("faults", [])]
        where = ground(stack, profile, faults)
        for folder in folders:
            told, messages = _read(folder)
            with ExitStack() as own:
                try:
                    face = make_target(own, TargetName(told["recipe"]["target"]), where, int(told["recipe"]["seed"]))
                    campaign = Campaign(
                        face,
                        Budget(shrink=budget),
                        restore=restore(face, where.lab, restart),
                        watch=look_out(face, where),
                    )
                    rows.append(_again(campaign, told, messages))
                except ImsproofError as error:
                    quit_with(Exit.UNREACHABLE, str(error))
    causes = findings.grouped(rows)
    write_json(run_folder / "triage.json", {"schema": 1, "version": __version__, "findings": rows, "causes": causes})
    for cause, ids in causes.items():
        console.print(cause, markup=False, style="bold")
        for row in (one for one in rows if one["id"] in ids):
            console.print(f"  {row['id']}  {row['now']}; {row['sizes']}", markup=False)
    raise typer.Exit(Exit.FAIL if any(row["harms"] for row in rows) else Exit.PASS)


def _again(campaign: Campaign, told: dict[str, Any], messages: list[bytes]) -> dict[str, Any]:
    """Send a finding again, make it smaller, and say what came of it."""
    if not campaign.begin():
        raise HarnessError(campaign.progress.ended)
    campaign.step([("", data) for data in messages])
    found = next(iter(campaign.progress.found), None)
    now = "does no harm any more" if found is None else f"{found.harm}{'' if found.confirmed else ', not each time'}"
    small = found.messages if found is not None and found.confirmed else tuple(messages)
    return {
        "id": told["id"],
        "now": now,
        "harms": found is not None and found.confirmed,
        "sizes": f"{len(small)} messages of {sum(map(len, small))} bytes, before {sum(map(len, messages))}",
        "messages": [one.hex() for one in small],
        "cause": findings.cause(small, found.harm, found.why) if found else told["cause"],
    }


def _profile_of(run_folder: Path) -> Path | None:
    try:
        told = json.loads((run_folder / "replay.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        quit_with(Exit.USAGE, f"{run_folder} is no run folder of imsproof: {error}")
    return Path(told["profile"]) if told.get("profile") else None


def keep(
    run_folder: Annotated[Path, typer.Argument(help="The run folder of a campaign.")],
    finding: Annotated[str, typer.Argument(metavar="ID", help="The finding.")],
    purpose: Annotated[
        str | None, typer.Option(help="Make it this test purpose, as GM-MALFORMED-90 (in a checkout of imsproof).")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(help="Add its messages to this corpus: a folder, or redis://host:port/0.")
    ] = None,
) -> None:
    """Keep a finding for good: as a test purpose of its own, or as part of a corpus."""
    told, messages = _read(run_folder / "findings" / finding)
    target = str(told["recipe"]["target"])
    if (purpose is None) == (corpus is None):
        quit_with(Exit.USAGE, "say one of --purpose ID and --corpus WHERE")
    try:
        if corpus is not None:
            kept = open_corpus(corpus, target)
            for data in messages:
                kept.add(data)
            console.print(f"{len(messages)} messages are in {corpus}", markup=False)
            return
        root = paths.checkout()
        if root is None:
            quit_with(Exit.USAGE, "--purpose writes into a checkout of imsproof, and this is none; use --corpus")
        assert purpose is not None
        for path in promote.as_purpose(root, purpose, told, messages):
            console.print(f"wrote {path}", markup=False)
    except (HarnessError, ValueError) as error:
        quit_with(Exit.USAGE, str(error))
    console.print(f"now: imsproof calibrate --purpose {purpose}", markup=False)
