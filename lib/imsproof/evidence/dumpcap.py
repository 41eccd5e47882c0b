"""One ``dumpcap`` for a whole run: started before the first packet, stopped by its id, its losses counted.

The program comes with Wireshark; nothing here opens a socket. Without it, or without the right to capture, the
run's captures come from the link's tap.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

READY_S = 5.0
STOP_S = 10.0
SETTLE_S = 0.6
"""The kernel hands packets to dumpcap every 250 ms; those of the last moment are lost to a stop that comes before."""
LONGEST_S = 4 * 3600
LARGEST_KB = 2_000_000


def why_not() -> str:
    """Return why packets cannot be captured on the wire here, one sentence; ``""`` when they can.

    The right to capture is taken to be root's; a ``dumpcap`` with capabilities shows itself when it is started.
    """
    if shutil.which("dumpcap") is None:
        return "dumpcap is not installed (Debian, Ubuntu: apt install tshark)"
    if os.geteuid() != 0:
        return "capturing needs root"
    return ""


@dataclass(slots=True)
class Dumpcap:
    """A running capture."""

    path: Path
    _process: subprocess.Popen[str]
    _reader: threading.Thread | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _capturing: bool = False
    _said: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, interface: str, path: Path, networks: Sequence[str] = ()) -> Dumpcap:
        """Start capturing and return once packets are being taken.

        Args:
            interface: name of the interface, e.g. ``lo``.
            path: the pcapng file to write.
            networks: only packets from or to these ranges (CIDR); all when empty.

        Raises:
            HarnessError: it cannot be started; the message holds what dumpcap said.
        """
        program = shutil.which("dumpcap")
        if program is None:
            raise HarnessError(why_not())
        wanted = " or ".join(f"net {network}" for network in networks)
        limits = ["-a", f"duration:{LONGEST_S}", "-a", f"filesize:{LARGEST_KB}", "-B", "64"]
        # Killed with the run, however the run ends: nobody else would stop it.
        bound = [setpriv, "--pdeathsig", "INT"] if (setpriv := shutil.which("setpriv")) else []
        command = [*bound, program, "-i", interface, "-w", str(path), *limits, *(["-f", wanted] if wanted else [])]
        process = subprocess.Popen(  # noqa: S603 - a fixed program, arguments as a list
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self = cls(path, process)
        self._reader = threading.Thread(target=self._listen, name="dumpcap", daemon=True)
        self._reader.start()
        self._ready.wait(READY_S)
        if not self._capturing or process.poll() is not None:
            self._end(signal.SIGKILL)
            raise HarnessError(f"dumpcap does not capture on {interface}: {self._words() or 'it said nothing'}")
        return self

    def stop(self, quiet: float = 0.0) -> int:
        """Stop capturing, wait until the file is complete, and return how many packets the kernel dropped.

        Args:
            quiet: seconds since the last packet that matters.

        Raises:
            HarnessError: dumpcap had ended before (disk full, limit reached); the file holds what came until then.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, SETTLE_S - quiet))
        ended = self._process.poll() is not None
        self._end(signal.SIGINT)
        counts = re.search(r"received/dropped on interface .*?: (\d+)/(\d+)", self._words())
        if ended:
            raise HarnessError(f"dumpcap ended before the run did: {self._words()}")
        return int(counts[2]) if counts else 0

    def _listen(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        for line in stream:
            self._said.append(line.strip())
            if line.startswith("File:"):
                self._capturing = True
                self._ready.set()
        self._ready.set()

    def _end(self, sign: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(sign)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(STOP_S)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _words(self) -> str:
        lines = (line for line in self._said if line and not line.startswith(("Capturing on", "File:", "Packets:")))
        return "; ".join(lines)[-500:]
