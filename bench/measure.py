"""What the benchmarks share: rates, a line with a target and how it compares, what a command cost."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECONDS = 2.0
WIDTH = 52


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds by the clock, seconds of processors (its children's too), exit code, its output."""

    wall: float
    cpu: float
    code: int
    output: str


@dataclass(frozen=True)
class Rate:
    """Operations per second by the clock, and milliseconds of processors that one took (ours, and another process')."""

    per_second: float
    milliseconds: float

    @property
    def remark(self) -> str:
        """What an otherwise idle machine of two cores could do at most, as the processor time says."""
        most = 2000 / self.milliseconds
        return f"{self.milliseconds:.1f} ms of processors each: two idle cores do {most:,.0f} /s at most"


def rate(operation: Callable[[], object], other: int, seconds: float = SECONDS) -> Rate:
    """Repeat an operation for about that many seconds; ``other`` is the process (the lab) that takes part in it."""
    count, started, before = 0, time.perf_counter(), processors(other)
    while (elapsed := time.perf_counter() - started) < seconds:
        operation()
        count += 1
    return Rate(count / elapsed, 1000 * (processors(other) - before) / count)


def processors(other: int) -> float:
    """Seconds of processors that this process and another have used."""
    fields = Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(command: Sequence[str], timeout: float = 600, cwd: str | None = None) -> Cost:
    """Run a command to its end and return what it cost."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, cwd=cwd)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, done.returncode, done.stdout + done.stderr)


def at_least(what: str, value: float, target: float, unit: str = "/s", remark: str = "") -> None:
    """Print a figure that should be high: how many times its target it is."""
    _line(what, value, unit, f"target >= {target:,.0f} {unit}", value / target, remark)


def at_most(what: str, value: float, target: float, unit: str = "s", remark: str = "") -> None:
    """Print a figure that should be low: how many times it would fit into its target."""
    _line(what, value, unit, f"target <= {target:,.0f} {unit}", target / value, remark)


def told(what: str, value: float, unit: str, remark: str = "") -> None:
    """Print a figure that has no target."""
    print(f"{what:<{WIDTH}} {value:>10,.1f} {unit:<3} {remark}".rstrip(), flush=True)


def _line(what: str, value: float, unit: str, target: str, ratio: float, remark: str = "") -> None:
    verdict = "met" if ratio >= 1 else "missed"
    print(
        f"{what:<{WIDTH}} {value:>10,.1f} {unit:<3} {target:<20} x{ratio:<5.2f} {verdict}  {remark}".rstrip(),
        flush=True,
    )
