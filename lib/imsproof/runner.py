"""Running purposes: which apply, pytest with its workers, and what the controller does with each result.

The runner is the only place that starts pytest. Listeners (the live table, the run folder) take results one by
one as they come, so that a run that is killed keeps what it had decided.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imsproof import paths
from imsproof.evidence.result import PurposeResult
from imsproof.plugin import FAULT, RESULT, result_without_run
from imsproof.seams import HarnessError, StoppedError, Verdict
from imsproof.settings import Settings

if TYPE_CHECKING:
    from imsproof.catalogue import TestPurpose
    from imsproof.profile import Profile

Listener = Callable[[PurposeResult, str], None]
"""Called in the controller with each result and the planted fault that it was tried with (``""`` for none)."""

COLLECTION_FAILED = "pytest could not read the testcases"


def applicable(purposes: Sequence[TestPurpose], profile: Profile) -> tuple[list[TestPurpose], list[PurposeResult]]:
    """Split purposes into those that apply to the profile, and results that say why the others do not."""
    apply: list[TestPurpose] = []
    without: list[PurposeResult] = []
    for one in purposes:
        missing = next((reason for need in one.needs if (reason := profile.why_missing(need))), "")
        if missing:
            without.append(result_without_run(one, Verdict.NOT_APPLICABLE, missing))
        else:
            apply.append(one)
    return apply, without


@dataclass(slots=True)
class _Controller:
    """A pytest plugin of the controlling process: hands each result on, keeps what went wrong."""

    listener: Listener
    errors: list[str] = field(default_factory=list)
    interrupted: bool = False
    asked_to_stop: bool = False
    gave_up: str = ""
    broken: HarnessError | None = None
    """Why results cannot be kept (a full disk): the run ends then."""
    seen: set[tuple[str, str]] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hand on the result that a worker put on its report."""
        if self.asked_to_stop:
            raise KeyboardInterrupt
        value: Mapping[str, Any] | None = getattr(report, RESULT, None)
        if value is None:
            if report.failed:
                self.errors.append(str(report.longrepr))
            return
        result = PurposeResult.from_json(value)
        fault = str(getattr(report, FAULT, ""))
        self.seen.add((result.id, fault))
        try:
            self.listener(result, fault)
        except StoppedError as error:
            self.gave_up = str(error)
            raise pytest.exit.Exception(str(error)) from error
        except HarnessError as error:
            self.broken = error
            raise pytest.exit.Exception(str(error)) from error

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the reason when a testcase file cannot be read."""
        if report.failed:
            self.errors.append(f"{COLLECTION_FAILED}: {report.longrepr}")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Keep an internal error of pytest."""
        self.errors.append(f"pytest failed: {excrepr}")

    @contextmanager
    def heeding_interrupts(self) -> Iterator[None]:
        """Note Ctrl-C besides raising it: raised where Python ignores exceptions, it would be lost."""

        def note(_number: int, _frame: object) -> None:
            self.asked_to_stop = True
            raise KeyboardInterrupt

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            signal.signal(signal.SIGINT, before)

    def pytest_keyboard_interrupt(self) -> None:
        """Note the interruption."""
        self.interrupted = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the execution ended: whether it was interrupted, what went wrong outside any purpose, why it was given up."""

    interrupted: bool
    errors: tuple[str, ...]
    gave_up: str = ""


def files_of(ids: Iterable[str]) -> list[Path]:
    """The testcase files that name one of these purposes; all of them where a purpose is named in none.

    Each worker imports what it collects, and a few families need few of the protocol engines.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(paths.testcases().rglob("test_*.py"))}
    naming = {one: [path for path, text in texts.items() if f'"{one}"' in text] for one in ids}
    chosen = {path for found in naming.values() for path in found}
    return sorted(chosen) if chosen and all(naming.values()) else [paths.testcases()]


def execute(
    profile: Path,
    plan: Mapping[str, Sequence[str]],
    listener: Listener,
    *,
    seed: int,
    workers: int,
    run_folder: Path | None = None,
    own_lab: bool = False,
) -> Outcome:
    """Run the purposes of the plan (purpose id to planted faults, ``""`` for none) and hand each result on.

    A listener that raises ``StoppedError`` ends it.

    Raises:
        HarnessError: the listener could not keep a result; nothing more was executed.
    """
    controller = _Controller(listener)
    workers = max(1, min(workers, sum(len(faults) for faults in plan.values())))
    with tempfile.TemporaryDirectory(prefix="imsproof-") as work:
        settings = Settings(
            profile=str(profile),
            work=work,
            seed=seed,
            run_folder=str(run_folder) if run_folder else None,
            plan={key: tuple(faults) for key, faults in plan.items()},
            workers=workers,
            own_lab=own_lab,
        )
        file = settings.write(Path(work) / "settings.json")
        arguments = [
            *map(str, files_of(plan)),
            # Only what is needed: testcases assert nothing by themselves, and each worker starts all of it anew.
            "--disable-plugin-autoload",
            "--assert=plain",
            "-p", "xdist.plugin",
            "-p", "imsproof.plugin",
            "-p", "no:cacheprovider",
            "-p", "no:terminal",
            "-p", "no:unraisableexception",
            "-p", "no:threadexception",
            "--continue-on-collection-errors",
            "--import-mode=importlib",
            "--rootdir", str(paths.testcases()),
            "-c", os.devnull,
            "--imsproof", str(file),
        ]  # fmt: skip
        if workers > 1:
            arguments += ["-n", str(workers), "--dist", "load", "--maxschedchunk", "1"]
        status: int | pytest.ExitCode = pytest.ExitCode.INTERRUPTED
        with controller.heeding_interrupts():
            status = pytest.main(arguments, plugins=[controller])
    if controller.broken is not None:
        raise controller.broken
    if status == pytest.ExitCode.USAGE_ERROR and not controller.errors:
        controller.errors.append("pytest did not take its arguments")
    for error in controller.errors:
        sys.stderr.write(f"{error}\n")
    interrupted = (controller.interrupted and not controller.gave_up) or controller.asked_to_stop
    return Outcome(interrupted, tuple(controller.errors), controller.gave_up)


def not_executed(
    plan: Mapping[str, Sequence[str]], done: set[str], known: Mapping[str, TestPurpose], why: str
) -> list[PurposeResult]:
    """Results for purposes of the plan that no worker reported on: never a pass, and never silent."""
    return [
        result_without_run(known[purpose_id], Verdict.INCONCLUSIVE, why)
        for purpose_id in plan
        if purpose_id not in done
    ]
