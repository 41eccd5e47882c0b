"""A campaign: cases in volleys, an eye on the lab after each, and what harmed it made small and kept.

What may be mere load (a lab that is slow, hung or failing) is held against as many good messages first. A suspect
volley is sent again to a lab that was brought back; only what harms it again is confirmed, and what is left after it
was made small is sent once more alone.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from imsproof.fuzzing.growth import GOOD, MALFORMED, measure
from imsproof.fuzzing.shrink import minimise, minimise_bytes
from imsproof.fuzzing.watch import Condition, Look, Watch
from imsproof.judge.growth import ROUNDS, grows, told

if TYPE_CHECKING:
    from imsproof.fuzzing.target import Reaction, Target

VOLLEY = 64
MAX_KINDS = 2_000
MAX_FINDINGS = 20
MOST_SECONDS = 90.0
"""That one series of rounds may take."""
REMEMBERED = 8
"""Volleys that are sent again together when the last alone does no harm: what broke the lab may have begun earlier."""
BLIND = 20
"""After so many volleys in a row that a throttling lab left unanswered, a campaign ends: it judges nothing any more."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that harmed the lab.

    Attributes:
        harm: how.
        messages: the smallest sequence found that does it.
        volley: number of the volley that showed it.
        confirmed: whether it did it again.
        names: names of the cases, where they have any.
        seconds: how long the lab was so.
        why: the same in words: the first bad reaction.
        alone: whether what is left does it when it is sent alone, once more.
    """

    harm: Condition
    messages: tuple[bytes, ...]
    volley: int
    confirmed: bool
    names: tuple[str, ...] = ()
    seconds: float = 0.0
    why: str = ""
    alone: bool = False


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
    """How a campaign goes: counts, kinds of reactions seen, and what was found.

    Attributes:
        throttled: volleys after which the lab protected itself.
        loaded: volleys whose harm as many good messages did as well: load, no finding.
        remarks: what is no finding and worth a look, as memory that grows.
        grown: cases whose reaction was new, and that were given to the corpus.
    """

    cases: int = 0
    volleys: int = 0
    throttled: int = 0
    loaded: int = 0
    grown: int = 0
    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    reactions: set[str] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    ended: str = ""

    def line(self) -> str:
        """Say it in a line."""
        rate = self.cases / self.seconds if self.seconds else 0.0
        answers = ", ".join(f"{status or '?'}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.seconds:6.1f} s  {self.cases} cases ({rate:.0f}/s)  {len(self.reactions)} kinds of reaction"
            f"  {len(self.found)} findings  [{answers}]"
        )


LATE = 0.5
"""Seconds in which a lab of several processes still answers, while the one that a message killed takes it down."""
ENDED = frozenset({Condition.DEAD, Condition.RESTARTED})
Case = tuple[str, bytes]
Source = Iterator[Case]


class Campaign:
    """Runs cases against a target."""

    def __init__(
        self,
        target: Target,
        budget: Budget,
        *,
        restore: Callable[[], bool] | None = None,
        learn: Callable[[bytes], None] = lambda _: None,
        volley: int = VOLLEY,
        watch: Watch | None = None,
        rest: float = 33.0,
    ) -> None:
        """Prepare (``last_kinds`` are the kinds of reaction to the last volley).

        Args:
            target: what to fuzz.
            budget: when to end.
            restore: brings the lab back after harm (``True`` when it serves again); without it the campaign waits.
            learn: told of a case whose reaction was new.
            volley: how many cases go out between two looks at the lab, at most.
            watch: says what a look means.
            rest: seconds after which a lab has freed what it keeps for a transaction.
        """
        self.target = target
        self.budget = budget
        self.restore = restore
        self.learn = learn
        self.volley = volley
        self.watch = watch or Watch(target)
        self.rest = rest
        self.progress = Progress()
        self._recent: deque[Case] = deque(maxlen=REMEMBERED * volley)
        self.last_kinds: list[str] = []
        self._begun = 0.0
        self._blind = 0
        self._forgotten = self._dies_late = False

    def run(self, source: Source, heard: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Run to the end of the budget, or to a lab that does not come back; ``heard`` is told after each volley."""
        if self.begin():
            while cases := list(islice(source, self.room())):
                self.step(cases)
                heard(self.progress)
        return self.end()

    def begin(self) -> bool:
        """Look at the lab before anything is sent; ``False`` when it is not well."""
        first = self.watch.begin()
        self._begun = time.monotonic()
        if not first.back or first.condition.is_harm:
            self.progress.ended = f"nothing was sent: {first.why}"
        return not self.progress.ended

    def room(self) -> int:
        """How many cases the next volley may have; 0 when the campaign is over."""
        budget, progress = self.budget, self.progress
        if progress.ended or (budget.seconds is not None and time.monotonic() - self._begun >= budget.seconds):
            return 0
        return self.volley if budget.cases is None else max(min(self.volley, budget.cases - progress.cases), 0)

    def end(self) -> Progress:
        """Say how it ended."""
        progress = self.progress
        if progress.cases:
            progress.seconds = time.monotonic() - self._begun
        progress.ended = progress.ended or "the budget is used up"
        return progress

    def step(self, cases: Sequence[Case]) -> list[str]:
        """Send one volley and judge it; returns the kinds of reaction that were new."""
        progress = self.progress
        self._recent.extend(cases)
        reaction, health = self.target.fire([data for _, data in cases])
        progress.cases += len(cases)
        progress.volleys += 1
        look = self.watch.look(health)
        latency = f"{look.condition} 10^{_magnitude(health.seconds)} s" if len(cases) == 1 else ""
        fresh = self._note(cases, reaction, latency)
        if look.condition is Condition.THROTTLED:
            self._spare()
        elif look.condition in {Condition.FINE, Condition.GROWN}:
            self._blind = 0
            if look.condition is Condition.GROWN:
                self._grown(look)
        else:
            self._suspect(look, cases)
        progress.seconds = time.monotonic() - self._begun
        return fresh

    def _note(self, cases: Sequence[Case], reaction: Reaction, latency: str) -> list[str]:
        """Keep what is new; for a case alone, how long the lab was busy with it is part of its reaction."""
        progress = self.progress
        for status, count in reaction.statuses.items():
            progress.statuses[status] = progress.statuses.get(status, 0) + count
        found = [*self._mothers(cases, reaction), *reaction.seen]
        if latency:
            found.append((cases[0][1], latency))
        self.last_kinds = [*reaction.signatures.values(), *(kind for _, kind in found)]
        fresh: list[str] = []
        for case, kind in found:
            if kind in progress.reactions or len(progress.reactions) >= MAX_KINDS:
                continue
            progress.reactions.add(kind)
            fresh.append(kind)
            if case:
                progress.grown += 1
                self.learn(case)
        return fresh

    def _mothers(self, cases: Sequence[Case], reaction: Reaction) -> Iterator[tuple[bytes, str]]:
        """Each kind of answer that is new, with the case whose Call-ID it carries."""
        for call_id, kind in reaction.signatures.items():
            if kind not in self.progress.reactions:
                yield next((data for _, data in cases if call_id and call_id in data), b""), kind

    def _spare(self) -> None:
        """Send less at once to a lab that protects itself; end when it answers us no more at all."""
        self.progress.throttled += 1
        self._blind += 1
        self.volley = max(self.volley // 2, 1)
        if self._blind >= BLIND:
            self.progress.ended = (
                f"the lab throttles this source: {BLIND} volleys in a row could not be judged; "
                "send from an address that it does not limit (tester.addresses), or more slowly"
            )

    def _grown(self, look: Look) -> None:
        """Measure whether it is the last messages that memory grows with; else it is a remark."""
        progress = self.progress
        messages = [data for _, data in self._recent]
        leaks, why = self.leaks(messages)
        if not leaks:
            progress.remarks.append(f"after {progress.cases} cases: {look.why}; {why}")
            return
        names = tuple(name for name, _ in self._recent)
        found = Found(Condition.LEAKING, tuple(messages), progress.volleys, confirmed=True, names=names, why=why)
        progress.found.append(found)

    def leaks(self, messages: Sequence[bytes]) -> tuple[bool, str]:
        """Measure whether memory grows with these messages and not with as many good ones; and say so in words."""
        if self.watch.hooks is None or not self.target.like(messages[0]):
            return False, "there is nothing to measure it with, or against"

        def send(kind: str) -> None:
            some = [self.target.like(one) if kind == GOOD else self.target.again(one) for one in messages]
            for start in range(0, len(some), self.volley):
                self.target.fire(some[start : start + self.volley])

        begun = time.monotonic()
        send(MALFORMED)
        if 2 * ROUNDS * (time.monotonic() - begun) > MOST_SECONDS:
            return False, "messages are too slow here to measure what they leave behind"
        rounds = measure(self.watch.hooks.memory, send)
        if grows(rounds):
            time.sleep(self.rest)
            rounds = measure(self.watch.hooks.memory, send)
        sums = f"in rounds of {len(messages)}, {told(rounds)}"
        return (True, f"memory grows steadily: {sums}") if grows(rounds) else (False, f"{sums}: no leak")

    # --- what harmed the lab ---

    def _suspect(self, first: Look, cases: Sequence[Case]) -> None:
        """Confirm what seems to harm the lab, and make it small; or say that it was load."""
        progress = self.progress
        messages = [data for _, data in cases]
        self._forgotten, self._dies_late = first.condition in ENDED, False
        back = self.back()
        if back and first.condition.may_be_load and self._is_load(len(messages)):
            progress.loaded += 1
            remark = f"as many good messages do it too: {first.why}"
            if remark not in progress.remarks:
                progress.remarks.append(remark)
            self.volley = max(self.volley // 2, 1)
            back = self.back()
            if not back:
                progress.ended = f"the lab is {first.condition} under as many good messages, and does not come back"
            return
        kept = self._confirmed(messages, first) if back else None
        confirmed, messages = kept is not None, kept or messages
        alone = False
        if confirmed:
            messages = self._smaller(messages)
            alone = self.back() and self._harms(messages)
        named = {data: name for name, data in self._recent}
        self._recent.clear()
        names = tuple(named.get(data, "") for data in messages)
        found = Found(
            first.condition, tuple(messages), progress.volleys, confirmed, names, first.seconds, first.why, alone
        )
        progress.found.append(found)
        if not self.back():
            progress.ended = (
                f"the lab is {first.condition} and does not come back; name a command that restarts it with --restart"
            )
        elif len(progress.found) >= MAX_FINDINGS:
            progress.ended = f"{MAX_FINDINGS} findings are enough for one campaign"

    def _confirmed(self, messages: list[bytes], first: Look) -> list[bytes] | None:
        """Send the volley again, then the last volleys together, then both with an eye on a lab that dies late."""
        longer = [data for _, data in self._recent]
        tries = [messages, longer] if len(longer) > len(messages) else [messages]
        for late in (False, True) if first.condition in ENDED else (False,):
            self._dies_late = late
            for some in tries:
                if self.back() and self._harms(some):
                    return some
        return None

    def _is_load(self, count: int) -> bool:
        """Whether as many good messages do it as well: then it is no answer to what is malformed."""
        good = [data for _ in range(count) if (data := self.target.good())]
        return bool(good) and self._harms(good)

    def _smaller(self, messages: list[bytes]) -> list[bytes]:
        end = time.monotonic() + self.budget.shrink

        def spent() -> bool:
            return time.monotonic() >= end

        def harms(some: Sequence[bytes]) -> bool:
            return self.back() and self._harms(some)

        kept = minimise(messages, harms, spent)
        for place in range(len(kept)):
            before, after = kept[:place], kept[place + 1 :]
            kept[place] = minimise_bytes(kept[place], partial(_among, harms, before, after), spent)
        return kept

    def _harms(self, messages: Sequence[bytes]) -> bool:
        """Whether these harm the lab, sent as new ones: the same again would be taken for retransmissions.

        A lab that only this source may not speak to counts when that was not known.
        """
        _, health = self.target.fire([self.target.again(one) for one in messages])
        condition = self.watch.look(health, at_once=True).condition
        if self._dies_late and not condition.is_harm:
            time.sleep(LATE)
            condition = self.watch.look(self.target.probe(), at_once=True).condition
        self._forgotten = self._forgotten or condition in ENDED
        return condition.is_harm or condition is Condition.SILENT

    def back(self) -> bool:
        """Bring the lab back, or wait for it; one that started anew by itself has forgotten who was registered."""
        back = self.restore() if self.restore is not None else self.target.probe().serves or self.watch.wait()
        if back and self._forgotten:
            self.target.renew()
            self._forgotten = False
        return back and self.watch.renew()


def _magnitude(seconds: float) -> int:
    return math.floor(math.log10(max(seconds, 1e-6)))


def _among(
    harms: Callable[[Sequence[bytes]], bool], before: Sequence[bytes], after: Sequence[bytes], other: bytes
) -> bool:
    return harms([*before, other, *after])
