"""What a look at the lab means: fine, slow, throttled, silent, failing, restarted, hung, dead, or doing wrong.

Told apart by what a well-formed request met, from the usual address and from another one, until it was answered again
or the patience ended; and by the hooks of the profile. A lab that answers another address only, or that is busy for a
while (5xx), protects itself: that is no harm.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imsproof.fuzzing.health import Hooks

SLOW_SECONDS = 1.0
SLOW_FACTOR = 20.0
PATIENCE = 10.0
"""Seconds that a lab which does not answer is given before it is brought back."""
FIRST_PAUSE, LAST_PAUSE = 0.05, 1.0


class Condition(StrEnum):
    """How the lab is.

    ``throttled``: it protects itself (it serves another address, or says 5xx for a while).
    ``silent``: it did not answer, and there was no other address to ask, so that throttled and hung cannot be told.
    ``slow``: each answer takes long. ``failing``: it answers, but no longer as before. ``restarted``: for a while
    nobody listened. ``hung``: for a while (or ever since) nobody was answered. ``unwell``: a hook of the profile says
    so. ``dead``: nobody listens any more. ``grown``: its memory grows (a remark: it may be state that is kept for a
    while), ``leaking``: it grows with malformed messages, round for round, and not with good ones.

    Of a lab that serves: ``confused``: what follows a message on its connection is not understood, and the connection
    stays. ``accepted``: it took what it must refuse. ``let-through``: it passed on what a proxy stops, or what is
    not well formed.
    """

    FINE = "fine"
    THROTTLED = "throttled"
    SILENT = "silent"
    SLOW = "slow"
    GROWN = "grown"
    LEAKING = "leaking"
    CONFUSED = "confused"
    ACCEPTED = "accepted"
    LET_THROUGH = "let-through"
    UNWELL = "unwell"
    FAILING = "failing"
    RESTARTED = "restarted"
    HUNG = "hung"
    DEAD = "dead"

    @property
    def is_harm(self) -> bool:
        """Whether something is wrong with the lab."""
        return self not in HARMLESS

    @property
    def may_be_load(self) -> bool:
        """Whether mere load could do this too, so that as many good messages have to be tried."""
        return self in LOAD


HARMLESS = frozenset({Condition.FINE, Condition.THROTTLED, Condition.SILENT, Condition.GROWN})
LOAD = frozenset({Condition.SLOW, Condition.FAILING, Condition.HUNG, Condition.CONFUSED})


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe met.

    Attributes:
        serves: whether a good request was answered as it was at the beginning.
        seconds: how long that took.
        status: what the usual address was answered; 0 when it was not.
        elsewhere: whether another of the tester's addresses was served instead.
        asked_elsewhere: whether there was another address to ask.
        refused: whether nobody listened, at the probe.
        gone: whether nobody listened at some time since the last look.
        breach: what the lab did wrong with a case, although it serves.
    """

    serves: bool
    seconds: float
    status: int = 0
    elsewhere: bool = False
    asked_elsewhere: bool = False
    refused: bool = False
    gone: bool = False
    breach: Look | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the lab found.

    Attributes:
        condition: how it is.
        seconds: how long it was so (or how long an answer took).
        back: whether it serves now.
        why: the same in words.
    """

    condition: Condition
    seconds: float = 0.0
    back: bool = True
    why: str = ""


class Probed(Protocol):
    """What can be asked whether it serves."""

    def probe(self) -> Health:
        """Ask it."""


class Watch:
    """Looks at one target through a campaign; knows how it was at the beginning."""

    def __init__(self, target: Probed, hooks: Hooks | None = None, *, patience: float = PATIENCE) -> None:
        """Prepare; ``patience`` is how long (seconds) a lab that does not answer is waited for."""
        self.target = target
        self.hooks = hooks
        self.patience = patience
        self.usual = 0.0

    def begin(self) -> Look:
        """Look before anything was sent."""
        health = self.target.probe()
        if not health.serves:
            return Look(Condition.DEAD if health.refused else Condition.SILENT, back=False, why=_silence(health))
        self.usual = health.seconds
        if self.hooks is not None and (why := self.hooks.begin()):
            return Look(Condition.UNWELL, back=True, why=why)
        return Look(Condition.FINE)

    def look(self, health: Health, *, at_once: bool = False) -> Look:
        """Say what the probe after some messages means; ask again where one answer does not tell.

        Args:
            health: what the probe met.
            at_once: do not wait for the lab to come back (its condition is known, only harm or not matters).
        """
        if health.elsewhere:
            return Look(Condition.THROTTLED, health.seconds, why="another address is served")
        if not health.serves:
            found = self._lost(health, 0.0 if at_once else self.patience)
        elif health.gone:
            found = Look(Condition.RESTARTED, health.seconds, why="for a moment nobody listened")
        elif self._is_slow(health):
            again = self.target.probe()
            if again.serves and self._is_slow(again):
                found = Look(Condition.SLOW, again.seconds, why=f"an answer takes {again.seconds:.1f} s")
            else:
                found = Look(Condition.HUNG, health.seconds, again.serves, f"no answer for {health.seconds:.1f} s")
        else:
            found = health.breach or Look(Condition.FINE, health.seconds)
        if self.hooks is None or found.condition not in {Condition.FINE, Condition.HUNG, Condition.SLOW}:
            return found
        told = self.hooks.look(urgent=found.condition.is_harm)
        return told if told is not None else found

    def renew(self) -> bool:
        """Take what the hooks tell now as usual, after the lab came back; ``False`` when they say that it is ill."""
        return self.hooks is None or not self.hooks.begin()

    def wait(self) -> bool:
        """Wait for a lab that does not serve; ``False`` when it does not come back within the patience."""
        return self._lost(self.target.probe(), self.patience).back

    def _is_slow(self, health: Health) -> bool:
        return health.seconds > max(SLOW_SECONDS, SLOW_FACTOR * self.usual)

    def _lost(self, first: Health, patience: float) -> Look:
        """Wait for a lab that does not serve, and say from how it comes back (or does not) what that was."""
        begun = time.monotonic() - first.seconds
        pause, last, gone, status, asked = FIRST_PAUSE, first, first.refused or first.gone, first.status, False
        end = time.monotonic() + patience
        while not last.serves and time.monotonic() < end:
            time.sleep(min(pause, max(end - time.monotonic(), 0)))
            pause = min(pause * 2, LAST_PAUSE)
            last = self.target.probe()
            if last.elsewhere:
                return Look(Condition.THROTTLED, time.monotonic() - begun, why="another address is served")
            gone = gone or last.refused or last.gone
            status = status if last.serves else last.status or status
            asked = asked or last.asked_elsewhere
        seconds = time.monotonic() - begun
        asked = asked or first.asked_elsewhere
        if last.serves:
            return _returned(seconds, gone=gone, status=status, asked=asked)
        if last.refused:
            return Look(Condition.DEAD, seconds, back=False, why="nobody listens any more")
        if last.status:
            why = f"a good request is answered {last.status}, not as before"
            return Look(Condition.FAILING, seconds, back=False, why=why)
        if gone:
            return Look(Condition.DEAD, seconds, back=False, why="nobody listened, then nobody answered")
        why = f"nobody is answered, for {seconds:.1f} s at least"
        return Look(Condition.HUNG if asked else Condition.SILENT, seconds, back=False, why=why)


def _returned(seconds: float, *, gone: bool, status: int, asked: bool) -> Look:
    if gone:
        return Look(Condition.RESTARTED, seconds, why=f"nobody listened for {seconds:.1f} s")
    if status:
        return Look(Condition.THROTTLED, seconds, why=f"it answered {status} for {seconds:.1f} s, then served again")
    condition = Condition.HUNG if asked else Condition.SILENT
    return Look(condition, seconds, why=f"nobody was answered for {seconds:.1f} s")


def _silence(health: Health) -> str:
    if health.refused:
        return "nobody listens there"
    if health.elsewhere:
        return "it serves another address, not this one"
    return f"a good request is answered {health.status}" if health.status else "a good request is not answered"
