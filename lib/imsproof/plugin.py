"""The pytest plugin: turns testcases into purposes, and what they judged into verdicts with evidence.

It is loaded by ``imsproof run`` and ``imsproof calibrate`` in the controlling process and in each worker. The
workers run purposes and write their evidence; the controller (:mod:`imsproof.runner`) collects the verdicts.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from imsproof import catalogue
from imsproof.evidence.purpose import write_purpose
from imsproof.evidence.result import Citation, PurposeResult
from imsproof.evidence.run import utc_text
from imsproof.judge import conclude
from imsproof.lab.launch import LaunchError, RunningLab, launch
from imsproof.leases import LeaseConflictError
from imsproof.link.session import ConnectionFailedError, Link
from imsproof.profile import Profile, load
from imsproof.purpose import purposes_of
from imsproof.seams import (
    HarnessError,
    ImsproofError,
    InconclusiveError,
    Kind,
    OutOfScopeError,
    StoppedError,
    UnreachableError,
    Verdict,
)
from imsproof.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from imsproof.bench import Bench
    from imsproof.profile.model import Limits

RESULT = "imsproof_result"
FAULT = "imsproof_fault"
_HARNESS = pytest.StashKey["Harness"]()
_ALONE = pytest.StashKey[bool]()
CAME_BACK = {Kind.RECEIVED, Kind.HANDSHAKE, Kind.ALERT}
"""What shows that there is a lab."""
_UNDECIDED = (InconclusiveError, UnreachableError, ConnectionFailedError, StoppedError)


@dataclass(slots=True)
class Harness:
    """What one process of a run keeps: the settings, the profile, the link, and its own lab when calibrating."""

    settings: Settings
    profile: Profile | None = None
    link: Link | None = None
    lab: RunningLab | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Start the own lab when there is to be one, load the profile and open the link."""
        if self.settings.own_lab:
            self._start_lab()
        self.profile = load(Path(self.settings.profile))
        self.link = Link(
            scope_allows=self.profile.scope.allows,
            limits=share(self.profile.limits, self.settings.workers),
            timers=self.profile.timers,
            stop=self.stop,
        )

    def _start_lab(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="imsproof-lab-")
        prefix = self.lab.prefix if self.lab else None
        self.lab = launch(Path(self._folder.name), prefix=prefix)
        os.environ.update(self.lab.environment)

    def plant(self, fault: str) -> None:
        """Give the own lab exactly this fault (none for ``""``), on fresh ground; a lab that died is started again."""
        if self.lab is None:
            return
        faults = [fault] if fault else []
        try:
            self.lab.reset()
            self.lab.faults(*faults)
        except LaunchError:
            self.lab.stop()
            self._start_lab()
            self.profile = load(Path(self.settings.profile))
            self.lab.faults(*faults)

    def close(self) -> None:
        """Close the link and stop the lab."""
        if self.link:
            self.link.close()
        if self.lab:
            self.lab.stop()
        if self._folder:
            self._folder.cleanup()


def share(limits: Limits, workers: int) -> Limits:
    """The part of the profile's rate caps that one of several processes may use; floods run alone and keep theirs."""
    return limits.model_copy(
        update={
            "packets_per_second": max(1, limits.packets_per_second // workers),
            "bytes_per_second": max(1, limits.bytes_per_second // workers),
        }
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the settings file."""
    parser.getgroup("imsproof").addoption("--imsproof", metavar="FILE", help="settings of the run, written by imsproof")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the process, unless it is only the controller of workers."""
    file = config.getoption("--imsproof")
    if file:
        config.stash[_HARNESS] = Harness(Settings.read(Path(file)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Open the link, in every process that runs purposes."""
    harness = session.config.stash.get(_HARNESS, None)
    if harness is not None and runs_purposes(session.config):
        harness.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close what this process opened."""
    harness = session.config.stash.get(_HARNESS, None)
    if harness is not None:
        harness.stop.set()
        harness.close()


def runs_purposes(config: pytest.Config) -> bool:
    """Whether this process runs purposes itself: a worker, or the only process there is."""
    return hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item of each purpose and planted fault in the plan."""
    harness = metafunc.config.stash.get(_HARNESS, None)
    stands_for = purposes_of(metafunc.function)
    if harness is None or stands_for is None:
        return
    rows = [
        pytest.param((purpose_id, fault), case, id=f"{purpose_id}~{fault}" if fault else purpose_id)
        for purpose_id, case in stands_for.cases.items()
        for fault in harness.settings.plan.get(purpose_id, ())
    ]
    if stands_for.table:
        metafunc.parametrize(("planned", "case"), rows, indirect=["planned"])
    else:
        metafunc.parametrize("planned", [pytest.param(r.values[0], id=r.id) for r in rows], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what is in the plan, in the plan's order; those that run alone come last."""
    harness = config.stash.get(_HARNESS, None)
    if harness is None:
        return
    order = {purpose_id: number for number, purpose_id in enumerate(harness.settings.plan)}
    kept = [item for item in items if _planned(item) is not None and _planned(item)[0] in order]  # type: ignore[index]
    known = catalogue.load()

    def place(item: pytest.Item) -> int:
        return order[_planned(item)[0]]  # type: ignore[index]

    alone = sorted((item for item in kept if known.get(_planned(item)[0]).exclusive), key=place)  # type: ignore[index]
    beside = sorted((item for item in kept if item not in set(alone)), key=place)
    kept = spread(alone, beside) if harness.settings.own_lab else [*beside, *alone]
    dropped = [item for item in items if item not in set(kept)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def spread(few: list[pytest.Item], many: list[pytest.Item]) -> list[pytest.Item]:
    """Put the few evenly among the many, so that those that wait for each other do not stand in a row."""
    step = (len(few) + len(many)) / max(1, len(few))
    placed = [*((step * number, one) for number, one in enumerate(few))]
    gap = (len(few) + len(many)) / max(1, len(many))
    placed += [(gap * number + 0.5, one) for number, one in enumerate(many)]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]


def _planned(item: pytest.Item) -> tuple[str, str] | None:
    call = getattr(item, "callspec", None)
    found = call.params.get("planned") if call else None
    return found if isinstance(found, tuple) else None


@pytest.fixture(autouse=True)
def planned(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The purpose and the planted fault that the item is about."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(autouse=True)
def bench(request: pytest.FixtureRequest, planned: tuple[str, str]) -> Iterator[Bench]:
    """The bench of this purpose."""
    harness = request.config.stash[_HARNESS]
    harness.plant(planned[1])
    if harness.profile is None or harness.link is None:
        raise HarnessError("the link is not open")
    from imsproof.bench import Bench  # noqa: PLC0415 - the controller, which runs no purpose, needs none of it

    made = Bench(
        harness.profile,
        catalogue.load().get(planned[0]),
        harness.link,
        Path(harness.settings.work),
        harness.settings.seed,
        own_lab=harness.settings.own_lab,
    )
    request.node.imsproof_bench = made
    try:
        made.open(alone=request.node.stash.get(_ALONE, False))
        request.node.imsproof_started = (utc_text(datetime.now(UTC)), time.monotonic())
        yield made
    finally:
        made.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a purpose; one that waited for what another holds gives everything back and runs again, alone."""
    if item.config.stash.get(_HARNESS, None) is None or _planned(item) is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if item.stash.get(_ALONE, False):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)  # which gives an item that ran a new request
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Decide the purpose after its call (or after a setup that failed) and put the result on the report."""
    report = yield
    planned_pair = _planned(item)
    harness = item.config.stash.get(_HARNESS, None)
    if harness is None or planned_pair is None:
        return report
    if call.excinfo and isinstance(call.excinfo.value, LeaseConflictError) and _ALONE not in item.stash:
        item.stash[_ALONE] = True
        return report
    if call.when == "call" or (call.when == "setup" and report.failed):
        result = _result(item, call, harness, planned_pair[0])
        setattr(report, RESULT, result.to_json())
        setattr(report, FAULT, planned_pair[1])
        _as_pytest_outcome(report, result)
    return report


def _as_pytest_outcome(report: pytest.TestReport, result: PurposeResult) -> None:
    told = f"{result.id} {result.verdict.value}: {result.reason}"
    if result.verdict in {Verdict.PASS, Verdict.REMARK}:
        report.outcome, report.longrepr = "passed", None
    elif result.verdict in {Verdict.FAIL, Verdict.ERROR}:
        report.outcome, report.longrepr = "failed", told
    else:
        report.outcome, report.longrepr = "skipped", (str(report.fspath), report.location[1] or 0, told)


def _result(item: pytest.Item, call: pytest.CallInfo[None], harness: Harness, purpose_id: str) -> PurposeResult:
    """Decide; whatever goes wrong while deciding or writing is an error of this purpose and of no other."""
    try:
        return _decide(item, call, harness, purpose_id)
    except Exception as error:  # noqa: BLE001 - one purpose's failure must not end the run
        told = f"its evidence could not be written: {error}"
        if not isinstance(error, ImsproofError):
            told = f"the harness failed: {type(error).__name__}: {error}"
            sys.stderr.write(traceback.format_exc())
        return result_without_run(catalogue.load().get(purpose_id), Verdict.ERROR, told)


def result_without_run(purpose: catalogue.TestPurpose, verdict: Verdict, reason: str) -> PurposeResult:
    """The result of a purpose that was not executed, or whose end was lost."""
    return PurposeResult(
        id=purpose.id,
        family=purpose.family,
        title=purpose.title,
        verdict=verdict,
        reason=reason,
        citations=tuple(Citation(one.document, one.clause, one.checked) for one in purpose.citations),
        faults=purpose.faults,
        mandatory=purpose.mandatory,
    )


def _decide(item: pytest.Item, call: pytest.CallInfo[None], harness: Harness, purpose_id: str) -> PurposeResult:
    purpose = catalogue.load().get(purpose_id)
    bench: Bench | None = getattr(item, "imsproof_bench", None)
    started, begun = getattr(item, "imsproof_started", (utc_text(datetime.now(UTC)), time.monotonic()))
    duration = time.monotonic() - begun
    raised = _raised(call.excinfo.value) if call.excinfo else None
    judgements = tuple(bench.record.judgements) if bench else ()
    verdict, reason, control = conclude(judgements, needs_control=purpose.control, raised=raised)
    result = PurposeResult(
        id=purpose.id,
        family=purpose.family,
        title=purpose.title,
        verdict=verdict,
        reason=reason,
        control=control,
        citations=tuple(Citation(one.document, one.clause, one.checked) for one in purpose.citations),
        faults=purpose.faults,
        mandatory=purpose.mandatory,
        expected=_expected(item),
        duration_s=duration,
        judgements=judgements,
        started=started,
        answered=bench is not None and any(event.kind in CAME_BACK for event in bench.record.events),
    )
    if bench is not None and harness.settings.run_folder:
        # Sockets are closed first, so that the flows have their ends and the last packets are in.
        bench.session.close()
        run = Path(harness.settings.run_folder)
        result = write_purpose(
            run,
            result,
            bench.record,
            needs_control=purpose.control,
            raised=raised,
            packets=bench.session.packets,
            keys=bench.session.keys,
            flows=bench.session.flows,
            secrets=bench.profile.secrets(),
            dropped=bench.session.untapped,
            extra_files=bench.session.extra_files,
        )
        if call.excinfo and verdict is Verdict.ERROR:
            trace = "".join(traceback.format_exception(call.excinfo.value))
            (run / "evidence" / purpose.id / "error.txt").write_text(trace, encoding="utf-8")
    return result


def _expected(item: pytest.Item) -> str:
    text = getattr(getattr(item, "function", None), "__doc__", None) or ""
    return " ".join(text.split())


def _raised(error: BaseException) -> tuple[Verdict, str]:
    """The verdict that an exception stands for; whatever is not the lab's doing is an error of the harness."""
    if isinstance(error, OutOfScopeError):
        return Verdict.INCONCLUSIVE, f"not sent, out of scope: {error}"
    if isinstance(error, _UNDECIDED):
        return Verdict.INCONCLUSIVE, str(error) or type(error).__name__
    if isinstance(error, ImsproofError):
        return Verdict.ERROR, str(error) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return Verdict.INCONCLUSIVE, "interrupted"
    return Verdict.ERROR, f"the harness failed: {type(error).__name__}: {error}"
