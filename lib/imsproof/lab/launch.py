"""Starts the lab as a subprocess, and steers it.

Used on the tester's side (command line, plugin, calibration) as process control. The unix socket of the control
channel and the bind test for a free prefix are its only sockets; neither ever carries a packet to a lab under test.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

START_SECONDS = 15.0
STOP_SECONDS = 3.0
CONTROL_SECONDS = 10.0
SECOND_OCTETS = range(31, 36)
PROBE_PORTS = ((10, 5060, socket.SOCK_DGRAM), (10, 5060, socket.SOCK_STREAM), (70, 8443, socket.SOCK_STREAM))
"""Host octet, port and kind of sockets that must be free for a lab to start."""


class LaunchError(Exception):
    """The lab could not be started or steered; the text says why."""


class RunningLab:
    """A lab that runs; a context manager that stops it.

    Attributes:
        prefix: first three octets of its addresses.
        directory: where its certificates lie (``pki/``).
        pid: its process id.
    """

    def __init__(self, process: subprocess.Popen[bytes], prefix: str, directory: Path, lock: IO[str] | None) -> None:
        self._process = process
        self._lock = lock
        self._socket_path = control_path(directory)
        self.prefix = prefix
        self.directory = directory
        self.pid = process.pid

    @property
    def environment(self) -> dict[str, str]:
        """What ``profiles/reference.yaml`` refers to."""
        return {"IMSPROOF_LAB_PREFIX": self.prefix, "IMSPROOF_LAB_DIR": str(self.directory)}

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def control(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send one request over the control channel, return its answer.

        Raises:
            LaunchError: the lab does not answer, or says that it cannot.
        """
        request = json.dumps({"op": op, **fields}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(CONTROL_SECONDS)
                connection.connect(str(self._socket_path))
                connection.sendall(request)
                with connection.makefile("rb") as lines:
                    answer = json.loads(lines.readline() or b"null")
        except (OSError, ValueError) as error:
            raise LaunchError(f"the lab's control channel does not answer: {error}") from error
        if not isinstance(answer, dict) or not answer.get("ok"):
            raise LaunchError(str((answer or {}).get("error", "the lab closed its control channel")))
        return answer

    def faults(self, *names: str) -> None:
        """Plant exactly these faults (none: the conformant lab)."""
        self.control("faults", names=list(names))

    def reset(self) -> None:
        """Have the lab forget all registrations, calls, contexts and tokens."""
        self.control("reset")

    def stop(self) -> None:
        """Stop the process, by its pid; kill it when it does not go."""
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def launch(directory: Path, *, prefix: str | None = None, faults: Sequence[str] = ()) -> RunningLab:
    """Start the lab, wait until every node listens, and return it.

    Args:
        directory: for its certificates, control socket and ``lab.log``; made when missing.
        prefix: first three octets (127.x.y); a free one is taken when left out.
        faults: names of faults to plant from the start.

    Raises:
        LaunchError: no free prefix, or the lab did not come up; its own words are in the message.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock: IO[str] | None = None
    if prefix is None:
        prefix, lock = _free_prefix()
    command = [sys.executable, "-m", "imsproof.lab", "--prefix", prefix, "--dir", str(directory)]
    command += ["--control", str(control_path(directory)), *(word for name in faults for word in ("--fault", name))]
    log = directory / "lab.log"
    try:
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
    except OSError as error:
        raise LaunchError(f"the lab cannot be started: {error}") from error
    lab = RunningLab(process, prefix, directory, lock)
    if not _is_ready(process):
        lab.stop()
        words = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
        raise LaunchError(f"the lab did not come up at {prefix}.0/24: {words or 'it said nothing'}")
    return lab


def control_path(directory: Path) -> Path:
    """Return where the control socket lies; in the temporary folder when the kernel's limit on its length asks so."""
    path = directory.absolute() / "control.sock"
    if len(os.fsencode(path)) < 100:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"imsproof-{digest}.sock"


def _is_ready(process: subprocess.Popen[bytes]) -> bool:
    if process.stdout is None:
        return False
    deadline = time.monotonic() + START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if selector.select(left):
                return process.stdout.readline() == b"ready\n"
    return False


def _free_prefix() -> tuple[str, IO[str]]:
    """Return a prefix at which a lab can listen, and the lock that keeps it ours until it is closed."""
    for prefix in _candidates():
        try:
            lock = (Path(tempfile.gettempdir()) / f"imsproof-{prefix}.lock").open("a", encoding="ascii")
        except OSError:  # another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        if _can_bind(prefix):
            return prefix, lock
        lock.close()
    raise LaunchError("no free loopback prefix for a lab was found (127.31.0 to 127.35.255)")


def _candidates() -> Iterator[str]:
    start = os.getpid() % 254 + 1
    for second in SECOND_OCTETS:
        for third in range(254):
            yield f"127.{second}.{(start + third) % 254 + 1}"


def _can_bind(prefix: str) -> bool:
    for host, port, kind in PROBE_PORTS:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((f"{prefix}.{host}", port))
            except OSError:
                return False
    return True
