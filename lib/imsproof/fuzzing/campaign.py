"""A campaign: cases in volleys, an eye on the lab after each, and what harmed it made small and kept.

Told apart are: dead (nobody listens), hung (silent to everybody), throttled (silent to us alone), slow, and fine. A
suspect volley is sent again to a lab that was brought back; only what harms it again is a finding.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from imsproof.fuzzing.shrink import minimise, minimise_bytes

if TYPE_CHECKING:
    from imsproof.fuzzing.target import Health, Target

VOLLEY = 64
SLOW_SECONDS = 1.0
SLOW_FACTOR = 20.0
MAX_CORPUS = 2_000
MAX_FINDINGS = 20
REMEMBERED = 8
"""Volleys that are sent again together when the last alone does no harm: what broke the lab may have begun earlier."""


class Harm(StrEnum):
    """What became of the lab."""

    DEAD = "dead"
    HUNG = "hung"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Found:
    """Something that harmed the lab.

    Attributes:
        harm: how.
        messages: the smallest sequence found that does it.
        volley: number of the volley that showed it.
        confirmed: whether it did it again.
        names: names of the cases, where they have any.
    """

    harm: Harm
    messages: tuple[bytes, ...]
    volley: int
    confirmed: bool
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Budget:
    """When a campaign ends: after some seconds or some cases, whichever comes first (``None`` is no limit).

    Attributes:
        shrink: seconds that making one finding small may take.
    """

    seconds: float | None = None
    cases: int | None = None
    shrink: float = 30.0


@dataclass(slots=True)
class Progress:
    """How a campaign goes: counts, kinds of reactions seen, and what was found."""

    cases: int = 0
    volleys: int = 0
    throttled: int = 0
    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    reactions: set[str] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    ended: str = ""


Case = tuple[str, bytes]
Source = Iterator[Case]


class Campaign:
    """Runs cases against a target."""

    def __init__(
        self,
        target: Target,
        source: Source,
        budget: Budget,
        *,
        restore: Callable[[], bool] | None = None,
        learn: Callable[[bytes], None] = lambda _: None,
        volley: int = VOLLEY,
    ) -> None:
        """Prepare.

        Args:
            target: what to fuzz.
            source: names and bytes of cases, one after the other.
            budget: when to end.
            restore: brings the lab back after harm (``True`` when it serves again); without it the campaign waits.
            learn: told of a case whose reaction was new.
            volley: how many cases go out between two looks at the lab.
        """
        self.target = target
        self.source = source
        self.budget = budget
        self.restore = restore
        self.learn = learn
        self.volley = volley
        self.progress = Progress()
        self._usual = 0.0
        self._recent: deque[Case] = deque(maxlen=REMEMBERED * volley)

    def run(self, heard: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Run to the end of the budget, or to a lab that does not come back; ``heard`` is told after each volley."""
        progress = self.progress
        first = self.target.probe()
        if not first.serves:
            progress.ended = "the lab does not answer a well-formed request; nothing was sent"
            return progress
        self._usual = first.seconds
        begun = time.monotonic()
        while not progress.ended:
            cases = self._next(begun)
            if not cases:
                break
            self._recent.extend(cases)
            reaction, health = self.target.fire([data for _, data in cases])
            progress.cases += len(cases)
            progress.volleys += 1
            progress.seconds = time.monotonic() - begun
            self._note(cases, reaction.statuses, reaction.signatures)
            progress.throttled += health.elsewhere
            harm = self.harm(health)
            if harm is not None:
                self._found(harm, cases)
            heard(progress)
        progress.seconds = time.monotonic() - begun
        progress.ended = progress.ended or "the budget is used up"
        return progress

    def _next(self, begun: float) -> list[Case]:
        budget, progress = self.budget, self.progress
        if budget.seconds is not None and time.monotonic() - begun >= budget.seconds:
            return []
        room = self.volley if budget.cases is None else min(self.volley, budget.cases - progress.cases)
        return list(islice(self.source, max(room, 0)))

    def harm(self, health: Health) -> Harm | None:
        """Say what a look at the lab means (a lab that serves another address throttles us, which is no harm)."""
        if health.elsewhere:
            return None
        if not health.serves:
            return Harm.DEAD if health.refused else Harm.HUNG
        return Harm.SLOW if health.seconds > max(SLOW_SECONDS, SLOW_FACTOR * self._usual) else None

    def _note(self, cases: Sequence[Case], statuses: dict[int, int], signatures: dict[bytes, str]) -> None:
        progress = self.progress
        for status, count in statuses.items():
            progress.statuses[status] = progress.statuses.get(status, 0) + count
        for call_id, kind in signatures.items():
            if kind in progress.reactions or len(progress.reactions) >= MAX_CORPUS:
                continue
            progress.reactions.add(kind)
            mother = next((data for _, data in cases if call_id and call_id in data), None)
            if mother is not None:
                self.learn(mother)

    # --- what harmed the lab ---

    def _found(self, harm: Harm, cases: Sequence[Case]) -> None:
        progress = self.progress
        messages = [data for _, data in cases]
        confirmed = self._back() and self._harms(messages)
        if not confirmed:
            longer = [data for _, data in self._recent]
            if self._back() and self._harms(longer):
                messages, confirmed = longer, True
        if confirmed:
            messages = self._smaller(messages)
        named = {data: name for name, data in self._recent}
        self._recent.clear()
        names = tuple(named.get(data, "") for data in messages)
        progress.found.append(Found(harm, tuple(messages), progress.volleys, confirmed, names))
        if not self._back():
            progress.ended = f"the lab is {harm} and does not come back; name a command that restarts it with --restart"
        elif len(progress.found) >= MAX_FINDINGS:
            progress.ended = f"{MAX_FINDINGS} findings are enough for one campaign"

    def _smaller(self, messages: list[bytes]) -> list[bytes]:
        end = time.monotonic() + self.budget.shrink

        def spent() -> bool:
            return time.monotonic() >= end

        def harms(some: Sequence[bytes]) -> bool:
            return self._back() and self._harms(some)

        kept = minimise(messages, harms, spent)
        for place in range(len(kept)):
            before, after = kept[:place], kept[place + 1 :]
            kept[place] = minimise_bytes(kept[place], partial(_among, harms, before, after), spent)
        return kept

    def _harms(self, messages: Sequence[bytes]) -> bool:
        _, health = self.target.fire(messages)
        return self.harm(health) is not None

    def _back(self) -> bool:
        """Bring the lab back, or wait for it."""
        return self.restore() if self.restore is not None else self.target.probe().serves


def _among(
    harms: Callable[[Sequence[bytes]], bool], before: Sequence[bytes], after: Sequence[bytes], other: bytes
) -> bool:
    return harms([*before, other, *after])
