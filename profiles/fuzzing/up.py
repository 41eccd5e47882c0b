"""Starts one target of campaigns, runs a command against it, and stops it; starts it again when it ends meanwhile.

    python up.py baresip -- imsproof fuzz profiles/fuzzing/ua.yaml --budget 60s
    python up.py coturn               # stays in the foreground until Ctrl-C

The command finds IMSPROOF_REAL_PREFIX and IMSPROOF_REAL_DIR in its environment; the profiles read them. Exit status:
the command's; 4 when the target does not start.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kamailio" / "lab"))

import probes  # noqa: E402 - of the real lab, found by the line above
from program import LabError, Program  # noqa: E402 - the same
from up import hold_prefix  # noqa: E402 - the same

REPORTS = HERE.parent.parent / "reports" / "fuzz-real"
PAUSE = 0.5
"""Seconds until a program that ended is started again."""
START_SECONDS = 15.0
NOT_STARTED = 4
BARESIP = """module_path /usr/lib/baresip/modules
{more}module account.so
module g711.so
module ausine.so
module aubridge.so
module menu.so
sip_listen {address}:5060
net_interface {address}
audio_player aubridge,nil
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
audio_alert aubridge,nil
call_max_calls 4
"""


def _binary(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise LabError(f"{name} is not installed (profiles/fuzzing/install.sh)")
    return found


def baresip(address: str, folder: Path) -> Program:
    """A user agent that answers calls by itself."""
    own = folder / "baresip"
    own.mkdir()
    protection = os.environ.get("IMSPROOF_MEDIAENC", "")
    module = {"": "", "dtls_srtp": "module dtls_srtp.so\n"}.get(protection, "module srtp.so\n")
    wanted = f";mediaenc={protection}" if protection else ""
    (own / "config").write_text(BARESIP.format(address=address, more=module))
    (own / "accounts").write_text(f"<sip:ua@{address}>;regint=0;answermode=auto{wanted}\n")
    (own / "contacts").write_text("")
    return Program(
        "program", [_binary("baresip"), "-f", str(own)], partial(probes.sip, address, 5060, source="127.0.0.1")
    )


def sipp(address: str, _folder: Path) -> Program:
    """A user agent that answers OPTIONS."""
    argv = [_binary("sipp"), "-sf", str(HERE / "uas.xml"), "-i", address, "-p", "5060", "-nostdin", "-trace_err"]
    return Program("program", argv, partial(probes.sip, address, 5060, source="127.0.0.1"))


def rtpengine(address: str, folder: Path) -> Program:
    """An rtpengine in user space."""
    argv = [_binary("rtpengine"), "--config-file=none", "--table=-1", f"--interface={address}"]
    argv += [f"--listen-ng={address}:2223", "--port-min=30000", "--port-max=39999", "--num-threads=2"]
    argv += ["--foreground", "--log-stderr", "--log-level=3", f"--pidfile={folder / 'rtpengine.pid'}"]
    return Program("program", argv, partial(probes.ng, address, 2223))


def gstreamer(address: str, _folder: Path) -> Program:
    """GStreamer's SRTP elements as a media gateway; its Python modules are Debian's."""
    more = [word for word in os.environ.get("IMSPROOF_GST", "").split(",") if word]
    gateway = HERE.parent / "interop-media" / "gst-gateway.py"
    argv = ["/usr/bin/python3", str(gateway), address, "8080", *more]
    return Program("program", argv, partial(probes.tcp, address, 8080))


def coturn(address: str, folder: Path) -> Program:
    """A TURN server with one user; its log goes to standard output."""
    argv = [_binary("turnserver"), "-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--realm=realm"]
    argv += [f"--listening-ip={address}", f"--relay-ip={address}", "--user=user:password", "--log-file=stdout"]
    argv += [f"--pidfile={folder / 'coturn.pid'}", "--allow-loopback-peers", f"--db={folder / 'turndb'}"]
    return Program("program", argv, partial(probes.tcp, address, 3478))


TARGETS = {"baresip": baresip, "sipp": sipp, "rtpengine": rtpengine, "gstreamer": gstreamer, "coturn": coturn}


class Kept:
    """A program that is started again when it ends; how often it ended is counted."""

    def __init__(self, program: Program, folder: Path) -> None:
        """Start it."""
        self.program = program
        self.folder = folder
        self.ended: list[int | None] = []
        self._over = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        log = self.folder / "log" / "program.log"
        if log.exists():
            log.rename(log.with_name(f"program-{len(self.ended)}.log"))
        self.program.start(self.folder)
        self.program.wait(time.monotonic() + START_SECONDS)
        (self.folder / "pids").write_text(f"{self.program.pid}\n")

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            if self.program.ended:
                self.ended.append(self.program.status)
                say(f"it ended (status {self.program.status}): {self.program.tail()[-300:]}")
                self._over.wait(PAUSE)
                with contextlib.suppress(LabError):
                    self._start()

    def stop(self) -> None:
        """End it for good."""
        self._over.set()
        self._thread.join()
        self.program.stop()


def say(text: str) -> None:
    """Tell the user."""
    print(f"target: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Start, run, stop."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    own, command = words[:at], words[at + 1 :]
    if len(own) != 1 or own[0] not in TARGETS:
        say(f"use: up.py {{{','.join(TARGETS)}}} [-- COMMAND]")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
    folder = (REPORTS / f"{stamp}-{own[0]}").resolve()
    (folder / "log").mkdir(parents=True)
    with hold_prefix() as (prefix, _lock):
        try:
            kept = Kept(TARGETS[own[0]](f"{prefix}.10", folder), folder)
        except LabError as error:
            say(str(error))
            return NOT_STARTED
        variables = {"IMSPROOF_REAL_PREFIX": prefix, "IMSPROOF_REAL_DIR": str(folder)}
        try:
            if command:
                return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode
            for name, value in variables.items():
                print(f"export {name}={value}", flush=True)
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return 130
        finally:
            kept.stop()
            say(f"{own[0]} ended {len(kept.ended)} times by itself; logs are in {folder / 'log'}")


if __name__ == "__main__":
    sys.exit(main())
