"""What the purposes of a run share: subscribers, identities, and the right to be alone.

Leases are ``flock`` locks on files in one folder, so that several worker processes agree without a server, and
the kernel gives back what a killed worker held.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

from imsproof.seams import HarnessError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

T = TypeVar("T")

POLL_SECONDS = 0.02
WAIT_SECONDS = 120.0


class Leases:
    """The leases that one purpose holds; leaving the ``with`` block gives all of them back."""

    def __init__(self, folder: Path, stopped: Callable[[], bool] = lambda: False) -> None:
        """Lease from ``folder`` (made when missing); ``stopped`` is asked while waiting."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._stopped = stopped
        self._held: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Hold nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give back what is held."""
        self.release()

    def release(self) -> None:
        """Give back what is held."""
        for number in self._held.values():
            os.close(number)
        self._held.clear()

    def take(self, kind: str, names: Iterable[str], count: int = 1) -> list[str]:
        """Lease ``count`` of the named things, waiting until they are free; returns their names in order.

        Raises:
            HarnessError: there are fewer than ``count``, or they were not free for two minutes.
            StoppedError: the stop switch was thrown while waiting.
        """
        candidates = list(names)
        if len(candidates) < count:
            raise HarnessError(f"{count} of {kind} are needed, there are {len(candidates)}")

        def attempt() -> list[str] | None:
            got: list[str] = []
            for name in candidates:
                if self._lock(f"{kind}.{name}", fcntl.LOCK_EX):
                    got.append(name)
                if len(got) == count:
                    return got
            for name in got:
                self._unlock(f"{kind}.{name}")
            return None

        return self._wait(attempt, f"{count} of {kind}")

    def share(self) -> None:
        """Join those that may run side by side; waits while somebody is alone or wants to be."""
        self._wait(lambda: self._lock("turnstile", fcntl.LOCK_EX) or None, "a turn")
        self._wait(lambda: self._lock("alone", fcntl.LOCK_SH) or None, "a shared turn")
        self._unlock("turnstile")

    def alone(self) -> None:
        """Run alone: wait until nobody else runs, and keep newcomers out meanwhile."""
        self._wait(lambda: self._lock("turnstile", fcntl.LOCK_EX) or None, "a turn")
        self._wait(lambda: self._lock("alone", fcntl.LOCK_EX) or None, "being alone")
        self._unlock("turnstile")

    def _lock(self, name: str, how: int) -> bool:
        if name in self._held:
            return False
        path = self._folder / (re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".lock")
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            return False
        self._held[name] = number
        return True

    def _unlock(self, name: str) -> None:
        with suppress(KeyError):
            os.close(self._held.pop(name))

    def _wait(self, attempt: Callable[[], T | None], what: str) -> T:
        """Poll: ``flock`` has no wait with a time limit that heeds the stop switch."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            got = attempt()
            if got is not None:
                return got
            if self._stopped():
                raise StoppedError("stopped while waiting for a lease")
            if time.monotonic() > until:
                raise HarnessError(f"{what} did not become free within {WAIT_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
