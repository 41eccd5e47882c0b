"""What the purposes of a run share: subscribers, identities, and the right to be alone.

Leases are ``flock`` locks on files in one folder, so that several worker processes agree without a server, and
the kernel gives back what a killed worker held.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from imsproof.seams import HarnessError, ImsproofError, InconclusiveError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

T = TypeVar("T")

_TURNS = {"turnstile", "alone"}

POLL_SECONDS = 0.02
WAIT_SECONDS = 600.0
LABS = "imsproof-labs"
"""The folder for locks that runs share, below the machine's own for temporary files."""
HOLD_SECONDS = 3.0


class LeaseConflictError(ImsproofError):
    """Something is wanted while other leases are held and it does not become free: two may wait for each other.

    Who catches it gives back everything and starts again, :meth:`Leases.alone`.
    """


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
        """Lease ``count`` of the named things, waiting until they are free; returns their names.

        Those that were not used for longest come first: what a purpose leaves bound in a lab to a subscriber then
        does not pile up on the first few.

        Raises:
            InconclusiveError: there are fewer than ``count`` that this purpose does not use already.
            LeaseConflictError: others are held meanwhile, and these did not become free within three seconds.
            HarnessError: they were not free for ten minutes.
            StoppedError: the stop switch was thrown while waiting.
        """
        candidates = [name for name in names if f"{kind}.{name}" not in self._held]
        if len(candidates) < count:
            raise InconclusiveError(f"{count} more of kind {kind} are needed, the profile has {len(candidates)} left")
        waiting_holds = any(name not in _TURNS for name in self._held)

        def attempt() -> list[str] | None:
            got: list[str] = []
            for name in sorted(candidates, key=lambda one: self._last_used(f"{kind}.{one}")):
                if self._lock(f"{kind}.{name}", fcntl.LOCK_EX):
                    got.append(name)
                if len(got) == count:
                    return got
            for name in got:
                self._unlock(f"{kind}.{name}")
            return None

        if waiting_holds:
            return self._wait(attempt, f"{count} of {kind}", HOLD_SECONDS, LeaseConflictError)
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
        number = os.open(self._file(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            return False
        os.utime(number)
        self._held[name] = number
        return True

    def _file(self, name: str) -> Path:
        return self._folder / (re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".lock")

    def _last_used(self, name: str) -> int:
        try:
            return self._file(name).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _unlock(self, name: str) -> None:
        with suppress(KeyError):
            os.close(self._held.pop(name))

    def _wait(
        self,
        attempt: Callable[[], T | None],
        what: str,
        seconds: float = WAIT_SECONDS,
        error: type[ImsproofError] = HarnessError,
    ) -> T:
        """Poll: ``flock`` has no wait with a time limit that heeds the stop switch."""
        until = time.monotonic() + seconds
        while True:
            got = attempt()
            if got is not None:
                return got
            if self._stopped():
                raise StoppedError("stopped while waiting for a lease")
            if time.monotonic() > until:
                raise error(f"{what} did not become free within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)


@contextmanager
def labs_to_itself(endpoints: Iterable[str], waiting: Callable[[str], None]) -> Iterator[None]:
    """Keep other runs of this machine from these endpoints: two would disturb each other's subscribers and floods.

    Waits as long as another run has one of them, and says so to ``waiting``. Where no lock can be had (no folder to
    write in), nobody is kept away.
    """
    folder = Path(tempfile.gettempdir()) / LABS
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)  # other users run tests from this machine, too
    with ExitStack() as held:
        for name in sorted(set(endpoints)):  # in one order, so that two runs never wait for each other
            number = _shared_file(folder / (re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".lock"))
            if number is None:
                continue
            held.callback(os.close, number)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting(name)
                fcntl.flock(number, fcntl.LOCK_EX)
        yield


def _shared_file(path: Path) -> int | None:
    """Open a file that may be another user's: a lock needs no right to write."""
    how = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(OSError):
        return os.open(path, how)
    with suppress(OSError):
        made = os.open(path, how | os.O_CREAT, 0o644)
        os.fchmod(made, 0o644)  # whatever the umask
        return made
    return None
