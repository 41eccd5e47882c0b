"""The lab as a process: ``python -m imsproof.lab --prefix 127.31.5 --dir DIR --control PATH [--fault NAME]...``.

It prints one line, ``ready``, when every node listens, and stops on SIGTERM, SIGINT, the control channel's ``stop``,
or when the pipe at its standard input is closed (so that it never outlives who started it).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import ipaddress
import os
import resource
import signal
import stat
import sys
from pathlib import Path

from imsproof.lab.control import ControlServer
from imsproof.lab.faults import FaultError
from imsproof.lab.network import Network

BAD_USAGE = 2

RARELY = (10_000, 20, 1_000)
"""Thresholds of the collector: what waits in the tables is much, and looking through all of it takes seconds."""


def main(arguments: list[str] | None = None) -> int:
    """Run the lab until it is told to stop; 0, or 2 with one line on stderr when it cannot start."""
    options = _options(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # floods open many connections
    try:
        asyncio.run(_run(options))
    except (FaultError, OSError) as error:
        sys.stderr.write(f"imsproof lab: {error}\n")
        return BAD_USAGE
    return 0


async def _run(options: argparse.Namespace) -> None:
    network = Network(options.prefix, options.dir, options.fault)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, network.stopped.set)
    _stop_when_abandoned(network.stopped)
    control = ControlServer(options.control, network.operate) if options.control else None
    try:
        await network.start()
        if control:
            await control.start()
        gc.freeze()  # what is loaded stays: no need to look through it again and again
        gc.set_threshold(*RARELY)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await network.stopped.wait()
    finally:
        if control:
            await control.stop()
        await network.stop()


def _stop_when_abandoned(stopped: asyncio.Event) -> None:
    """Watch standard input if it is a pipe: at its end the starter is gone."""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (AttributeError, OSError, ValueError):
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stopped.set()

    loop.add_reader(descriptor, readable)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m imsproof.lab", description="the reference network of imsproof")
    parser.add_argument("--prefix", type=_prefix, required=True, help="first three octets, e.g. 127.31.5")
    parser.add_argument("--dir", type=Path, required=True, help="where the lab writes its certificates")
    parser.add_argument("--control", type=Path, help="path of the control channel's unix socket")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="plant a fault (repeatable)")
    return parser.parse_args(arguments)


def _prefix(text: str) -> str:
    try:
        loopback = ipaddress.IPv4Address(f"{text}.1").is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise argparse.ArgumentTypeError(f"{text!r} is not the first three octets of a loopback address (127.x.y)")
    return text
