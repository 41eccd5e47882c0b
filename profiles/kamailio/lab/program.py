"""One program of the lab: started, waited for, stopped by its own process id."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 1, 24
CAP_NET_ADMIN = 12
POLL = 0.03
STOP_SECONDS = 3.0
LOG_TAIL = 20
LOG_BYTES = 64 << 20


class LabError(Exception):
    """The lab cannot be started; the message says what to do."""


def _before_exec(*, associations: bool, patient: bool) -> None:
    """Have the program end with us, and keep ims_ipsec_pcscf, which deletes SAs at its start, from the machine's.

    ``patient``: who is sent to does not put the sender aside at once: ims_auth answers before it notes what (F14).
    """
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if not associations:
        libc.prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN)
    if patient:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a program that loops writes no more than this
    resource.setrlimit(resource.RLIMIT_FSIZE, (LOG_BYTES, LOG_BYTES))


@dataclass
class Program:
    """A program of the lab.

    Attributes:
        name: names its log.
        argv: its command.
        ready: says whether it serves.
        environment: further variables.
        patient: whether it lets others go on when it is sent something.
        associations: whether it may make IPsec associations; only in a network namespace of the lab's own.
        starts: how many times it was started.
    """

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    patient: bool = False
    associations: bool = False
    starts: int = field(default=0, init=False)
    _process: subprocess.Popen[bytes] | None = None
    _log: Path | None = None

    def start(self, folder: Path) -> None:
        """Start it, or start it again; ``folder`` gets its output, ``log/<name>.log``, and its id, ``<name>.pid``."""
        self.stop()
        self.starts += 1
        self._log = folder / "log" / f"{self.name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(_before_exec, associations=self.associations, patient=self.patient),
                env={**os.environ, **self.environment},
            )
        (folder / f"{self.name}.pid").write_text(f"{self._process.pid}\n", encoding="ascii")

    def wait(self, deadline: float) -> None:
        """Wait until it serves.

        Raises:
            LabError: it ended, or does not serve by ``deadline`` (``time.monotonic``).
        """
        while not self.ready():
            if self.ended:
                raise LabError(f"{self.name} ended with status {self.status}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} does not serve in time:\n{self.tail()}")
            time.sleep(POLL)

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int:
        """Its process id, 0 before it was started."""
        return self._process.pid if self._process else 0

    @property
    def status(self) -> int | None:
        """Its exit status, ``None`` while it runs."""
        return self._process.returncode if self._process else None

    def tail(self) -> str:
        """Return the last lines of its log."""
        if self._log is None:
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_TAIL:])

    def stop(self) -> None:
        """End it and what it has started."""
        if self._process is None:
            return
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(group, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()
