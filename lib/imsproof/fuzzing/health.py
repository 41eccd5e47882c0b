"""The hooks of the profile's ``health`` section: a command, a URL, a log to watch, and the processes of the lab.

They see what the wire does not show: a process that was replaced, memory that grows, a line in a log.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.fuzzing.watch import Condition, Look
from imsproof.link import http1
from imsproof.link.session import ConnectionFailedError
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile.kinds import Url
    from imsproof.profile.model import Health as Declared

SECONDS = 10.0
"""What a command or a URL may take."""
EVERY = 1.0
"""Seconds between two askings of a command or URL while all is well."""
MAX_LOG = 4 * 1024 * 1024
GROWTH_FACTOR, GROWTH_KIB = 1.5, 32_768
"""Memory has grown when it is half as much again as it was, and 32 MiB more: then it is worth to measure."""
_MEMORY = re.compile(r"(?im)^\s*memory(?:_kib)?\s*[:=]\s*(\d+)")
_PIDS = re.compile(r"(?im)^\s*pids?\s*[:=]\s*([\d ,]+)")


@dataclass(slots=True)
class Reading:
    """What the hooks tell at one moment.

    Attributes:
        ill: why the lab is not well, ``""`` when it is.
        pids: its processes.
        memory: what these take, in KiB; 0 when that is not known.
        alarm: a line of the log that means harm.
    """

    ill: str = ""
    pids: frozenset[int] = field(default_factory=frozenset)
    memory: int = 0
    alarm: str = ""


class Hooks:
    """Reads the hooks; compares with how it was at the beginning (or since the lab was brought back)."""

    def __init__(self, declared: Declared, session: Session) -> None:
        """Bind the profile's section; ``session`` carries the request to the URL."""
        self._declared = declared
        self._session = session
        self._alarm = re.compile(declared.alarm.encode("utf-8"))
        self._place = 0
        self._asked = 0.0
        self._usual = Reading()
        self.last = Reading()

    def begin(self) -> str:
        """Note how it is now; returns why it is not well, ``""`` when it is."""
        if self._declared.log is not None:
            self._place = self._declared.log.stat().st_size if self._declared.log.is_file() else 0
        self._usual = self.last = self._read(asking=True)
        return self._usual.ill

    def memory(self) -> int:
        """Return what the lab takes now, in KiB; 0 when that cannot be known."""
        if self._declared.pids is not None:
            return memory_of(self._declared.pids).kib
        return self._read(asking=True).memory

    def look(self, *, urgent: bool = False) -> Look | None:
        """Return what is not as it was, or ``None``; a command or URL is asked about once a second unless urgent."""
        now = self._read(asking=urgent or time.monotonic() - self._asked >= EVERY)
        self.last, before = now, self._usual
        if now.alarm:
            return Look(Condition.UNWELL, why=f"the log says: {now.alarm}")
        if before.pids and now.pids != before.pids:
            gone = " ".join(map(str, sorted(before.pids - now.pids)))
            self._usual = now
            return Look(Condition.RESTARTED, why=f"processes have changed (gone: {gone or 'none'})")
        if now.ill:
            return Look(Condition.UNWELL, why=now.ill)
        if self._usual.memory and now.memory > max(GROWTH_FACTOR * self._usual.memory, self._usual.memory + GROWTH_KIB):
            why = f"memory has grown from {self._usual.memory} to {now.memory} KiB"
            self._usual = now
            return Look(Condition.GROWN, why=why)
        if now.memory and not self._usual.memory:
            self._usual.memory = now.memory
        return None

    def _read(self, *, asking: bool) -> Reading:
        declared = self._declared
        now = Reading(alarm=self._log())
        if declared.pids is not None:
            now.pids = _pids(declared.pids)
            now.memory = sum(resident(one) for one in family(now.pids))
            if not now.pids:
                now.ill = f"{declared.pids.name} names no process"
        if asking:
            self._asked = time.monotonic()
            if declared.command is not None:
                self._command(declared.command, now)
            if declared.http is not None and not now.ill:
                now.ill = self._http(declared.http)
        return now

    def _command(self, argv: tuple[str, ...], now: Reading) -> None:
        """A command may print ``pids: 1 2 3`` and ``memory: KIB``."""
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 - the user's own
        except (OSError, subprocess.TimeoutExpired) as error:
            now.ill = f"the health command did not end well: {error}"
            return
        if done.returncode:
            words = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["without a word"]
            now.ill = f"the health command exits with {done.returncode}: {words[0][:200]}"
        if found := _PIDS.search(done.stdout):
            now.pids = frozenset(int(one) for one in re.findall(r"\d+", found[1]))
        if found := _MEMORY.search(done.stdout):
            now.memory = int(found[1])

    def _http(self, url: Url) -> str:
        try:
            status = self._session.run(self._get(url), SECONDS)
        except (ConnectionFailedError, HarnessError) as error:
            return f"the health URL is not answered: {error}"
        return "" if 200 <= status < 300 else f"the health URL answers {status or 'nothing'}"

    async def _get(self, url: Url) -> int:
        session, where = self._session, (url.host, url.port)
        name = session.exchange("health")
        stream: TcpStream | TlsStream
        if url.scheme == "https":
            stream = await TlsStream.open(session, "health", name, where, TlsOptions(), quiet=True)
        else:
            stream = await TcpStream.open(session, "health", name, where, quiet=True)
        try:
            return (await http1.request(stream, "GET", url.path or "/", host=url.host)).status
        finally:
            await stream.aclose()

    def _log(self) -> str:
        """Return the first new line that means harm."""
        path = self._declared.log
        if path is None or not path.is_file():
            return ""
        size = path.stat().st_size
        if size < self._place:
            self._place = 0  # it was rotated
        if size == self._place:
            return ""
        with path.open("rb") as file:
            file.seek(max(self._place, size - MAX_LOG))
            fresh = file.read(MAX_LOG)
        self._place = size
        found = next((line for line in fresh.splitlines() if self._alarm.search(line)), b"")
        return found.decode("utf-8", "replace")[:300]


def _pids(path: Path) -> frozenset[int]:
    try:
        return frozenset(int(word) for word in path.read_text(encoding="ascii", errors="ignore").split()[:1000])
    except (OSError, ValueError):
        return frozenset()


@dataclass(frozen=True, slots=True)
class Memory:
    """What the lab's processes take now.

    Attributes:
        pids: the processes, children too.
        kib: their memory; what they share counts once where the system tells it.
    """

    pids: tuple[int, ...]
    kib: int


def memory_of(path: Path) -> Memory:
    """Read what the processes take that a file of the profile (``health.pids``) names."""
    pids = tuple(sorted(family(_pids(path))))
    return Memory(pids, sum(proportional(one) for one in pids))


def proportional(pid: int) -> int:
    """Return a process' own memory and its part of what it shares, in KiB; else its resident memory (Linux)."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return resident(pid)
    found = re.search(r"(?m)^Pss:\s+(\d+)", told)
    return int(found[1]) if found else resident(pid)


def family(pids: frozenset[int]) -> set[int]:
    """Return processes of this machine with their children and children's children (Linux)."""
    found: set[int] = set()
    todo = set(pids)
    while todo and len(found) < 1000:
        pid = todo.pop()
        found.add(pid)
        try:
            told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        except OSError:
            continue
        todo |= {int(one) for one in told.split()} - found
    return found


def resident(pid: int) -> int:
    """Return the resident memory of a process of this machine in KiB, 0 when it cannot be read (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) if found else 0
