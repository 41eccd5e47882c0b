"""Calibration: does each purpose pass on the conformant lab, and fail on each lab with a fault that it is for?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof import paths
from imsproof.runner import execute
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.catalogue import TestPurpose
    from imsproof.evidence.result import PurposeResult


@dataclass(frozen=True, slots=True)
class Pair:
    """One purpose tried with one planted fault (``""`` for the conformant lab), and what came out."""

    purpose: str
    fault: str
    verdict: Verdict
    reason: str
    duration_s: float


@dataclass(slots=True)
class Calibration:
    """The fault matrix."""

    purposes: list[str]
    pairs: list[Pair] = field(default_factory=list)
    interrupted: bool = False
    errors: tuple[str, ...] = ()

    @property
    def faults(self) -> list[str]:
        """The planted faults that were tried."""
        return sorted({pair.fault for pair in self.pairs if pair.fault})

    @property
    def caught(self) -> list[Pair]:
        """Faults that turned their purpose to fail."""
        return [pair for pair in self.pairs if pair.fault and pair.verdict is Verdict.FAIL]

    @property
    def missed(self) -> list[Pair]:
        """Faults that did not."""
        return [pair for pair in self.pairs if pair.fault and pair.verdict is not Verdict.FAIL]

    @property
    def false_alarms(self) -> list[Pair]:
        """Purposes that did not pass on the conformant lab."""
        return [pair for pair in self.pairs if not pair.fault and pair.verdict is not Verdict.PASS]

    @property
    def sound(self) -> bool:
        """Whether every fault was caught and no alarm was false."""
        return bool(self.pairs) and not (self.missed or self.false_alarms or self.interrupted or self.errors)

    def to_json(self) -> dict[str, Any]:
        """Return the matrix as ``imsproof calibrate --format json`` shows it."""
        return {
            "purposes": self.purposes,
            "faults": self.faults,
            "caught": [{"fault": pair.fault, "purpose": pair.purpose} for pair in self.caught],
            "missed": [
                {"fault": p.fault, "purpose": p.purpose, "verdict": p.verdict.value, "reason": p.reason}
                for p in self.missed
            ],
            "false_alarms": [
                {"purpose": p.purpose, "verdict": p.verdict.value, "reason": p.reason} for p in self.false_alarms
            ],
            "sound": self.sound,
        }


def calibrate(
    purposes: Sequence[TestPurpose],
    *,
    seed: int,
    workers: int,
    heard: Callable[[Pair], None] = lambda _pair: None,
) -> Calibration:
    """Try each purpose on the conformant lab and with each of its faults; ``heard`` is told of each pair."""
    matrix = Calibration([one.id for one in purposes])
    plan = {one.id: ("", *one.faults) for one in purposes}

    def listen(result: PurposeResult, fault: str) -> None:
        pair = Pair(result.id, fault, result.verdict, result.reason, result.duration_s)
        matrix.pairs.append(pair)
        heard(pair)

    outcome = execute(paths.profiles() / "reference.yaml", plan, listen, seed=seed, workers=workers, own_lab=True)
    matrix.interrupted, matrix.errors = outcome.interrupted, outcome.errors
    tried = {(pair.purpose, pair.fault) for pair in matrix.pairs}
    for one in purposes:
        for fault in ("", *one.faults):
            if (one.id, fault) not in tried:
                pair = Pair(one.id, fault, Verdict.INCONCLUSIVE, "not executed", 0.0)
                matrix.pairs.append(pair)
    matrix.pairs.sort(key=lambda pair: (pair.purpose, pair.fault))
    return matrix
