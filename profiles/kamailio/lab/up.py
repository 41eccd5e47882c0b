"""Starts the real lab in one of its configurations, runs a command against it, and stops it again.

    python up.py registrar -- imsproof run profiles/kamailio.yaml
    python up.py registrar            # stays in the foreground until Ctrl-C

The command finds IMSPROOF_REAL_PREFIX (as 127.50.1) and IMSPROOF_REAL_DIR (keys, logs, configurations as used) in
its environment; the profiles read them. Exit status: the command's; 4 when the lab does not start.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import netns
import pki
from configurations import CONFIGURATIONS, OWN_NAMESPACE, Place
from program import LabError, Program

HERE = Path(__file__).resolve().parent.parent
REPORTS = HERE.parent.parent / "reports" / "real-lab"
START_SECONDS = 45.0  # a loaded machine; a quiet one takes three
LOOK_SECONDS = 0.3
MOST_STARTS = 5
NOT_STARTED = 4


def main() -> int:
    """Start, run, stop."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("configuration", choices=CONFIGURATIONS)
    parser.add_argument("--dir", type=Path, help="folder for keys, logs and configurations (a new one)")
    parser.add_argument(
        "--starts", type=int, default=MOST_STARTS, help="how often one program is started at most (campaigns: more)"
    )
    parser.epilog = "What stands after -- is the command to run against the lab; without one it stays until Ctrl-C."
    own, command = _split(sys.argv[1:])
    options = parser.parse_args(own)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    folder = (options.dir or REPORTS / f"{stamp}-{options.configuration}").resolve()
    tester = None
    if options.configuration in OWN_NAMESPACE:
        try:
            netns.enter()
            tester = netns.wire()
        except LabError as error:
            say(f"{error}")
            return NOT_STARTED
    with hold_prefix() as (free, _lock):
        prefix = free if tester is None else netns.PREFIX
        place = Place(prefix, folder, HERE)
        programs: list[Program] = []
        try:
            began = time.monotonic()
            start(options.configuration, place, programs)
            say(
                f"{options.configuration}: {len(programs)} programs on {prefix}.0/24"
                f" after {time.monotonic() - began:.1f} s"
            )
            return use(place, programs, command, options.starts, tester)
        except LabError as error:
            say(f"{error}")
            return NOT_STARTED
        except KeyboardInterrupt:
            return 130
        finally:
            for program in reversed(programs):
                program.stop()
            say(f"stopped; logs are in {folder / 'log'}")


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def say(text: str) -> None:
    """Tell the user."""
    print(f"real lab: {text}", file=sys.stderr, flush=True)


class hold_prefix:  # noqa: N801 - used as a function
    """A /24 of loopback addresses that no other lab uses: held by an abstract Unix socket, freed by the kernel."""

    def __enter__(self) -> tuple[str, socket.socket]:
        for number in range(1, 255):
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                held.bind(f"\0imsproof-real-lab-{number}")
            except OSError:
                held.close()
                continue
            self._held = held
            return f"127.50.{number}", held
        raise LabError("254 labs run already on this machine")

    def __exit__(self, *_: object) -> None:
        self._held.close()


def start(configuration: str, place: Place, programs: list[Program]) -> None:
    """Make keys and configurations, start the programs in order and wait until each serves."""
    make = CONFIGURATIONS[configuration]
    place.folder.mkdir(parents=True)
    (place.folder / "log").mkdir()
    pki.make(place.folder / "pki", place.servers())
    stages = make(place)
    deadline = time.monotonic() + START_SECONDS
    for stage in stages:
        for program in stage:
            programs.append(program)
            program.start(place.folder)
        for program in stage:
            program.wait(deadline)


def use(
    place: Place, programs: list[Program], command: list[str], starts: int = MOST_STARTS, namespace: int | None = None
) -> int:
    """Run the command, or wait for Ctrl-C; a program that ends meanwhile is told, and started again.

    ``namespace`` is the command's network namespace, where it is not the lab's.
    """
    before = None if namespace is None else partial(netns.move, namespace)
    variables = {"IMSPROOF_REAL_PREFIX": place.prefix, "IMSPROOF_REAL_DIR": str(place.folder)}
    if not command:
        say("running; Ctrl-C stops it. In another shell:")
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        while True:
            time.sleep(LOOK_SECONDS)
            restart(place, programs, starts)
    try:
        running = subprocess.Popen(command, env={**os.environ, **variables}, preexec_fn=before)
    except OSError as error:
        raise LabError(f"the command cannot be started: {error}") from None
    try:
        while running.poll() is None:
            restart(place, programs, starts)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(LOOK_SECONDS)
    except BaseException:  # Ctrl-C, SIGTERM, a program that cannot be had again: the command ends with the lab
        running.terminate()
        running.wait()
        raise
    for program in programs:
        if program.ended:
            say(f"{program.name} did not survive the run (status {program.status}):\n{program.tail()}")
    return running.returncode


def restart(place: Place, programs: list[Program], starts: int) -> None:
    """Start again what has ended, as a supervisor does.

    Raises:
        LabError: it does not serve again, or ends again and again.
    """
    for program in programs:
        if not program.ended:
            continue
        say(f"{program.name} did not survive (status {program.status}); it is started again:\n{program.tail()}")
        if program.starts > starts:
            raise LabError(f"{program.name} ended {program.starts} times")
        program.start(place.folder)
        program.wait(time.monotonic() + START_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
