"""How fast the SBI half judges: handshakes, requests and HTTP/2 conditions a second, and whole families.

Everything goes against the embedded reference lab on this machine, which takes part of the same cores. The numbers are
of this moment; nothing asserts them.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors.http2cases import frames
from imsproof.actors.http2probe import Http2Probe
from imsproof.actors.nf import NfConsumer, ProducerClient
from imsproof.judge import expect
from imsproof.lab.launch import launch
from imsproof.link.session import Link
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import Record

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 2.0
FAMILIES = ("SBI-HTTP2", "SBI-JSON", "SBI-SCP", "SBI")


def rate(operation: Callable[[], object]) -> float:
    """Operations per second, over about two seconds."""
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SECONDS:
        operation()
        count += 1
    return count / elapsed


def judged(link: Link) -> None:
    """Print what one process judges in a second, one after the other."""
    profile = load(profiles() / "reference.yaml")
    sbi = profile.sbi
    if sbi is None:
        raise SystemExit("the reference profile has no sbi section")
    session = link.session(Record("BENCH"))
    consumer = NfConsumer(session, sbi)
    producer = ProducerClient(consumer, sbi.producers[0])
    token = producer.token()
    probe = Http2Probe(consumer, sbi.producers[0], token)
    wrong = frames.PING[1]

    def request() -> None:
        expect(producer.probe("hostile", label="probe", injected=True)).refused()
        session.packets.clear()

    def handshake() -> None:
        expect(consumer.handshake(sbi.producers[0], "handshake", maximum="TLSv1.2")).negotiated("TLSv1.2")
        session.packets.clear()

    def condition() -> None:
        expect(probe.run(wrong.name, wrong.send, watch=())).holds("h2-not-served", effect=wrong.effect)
        session.packets.clear()

    for name, operation in (
        ("TLS 1.2 handshakes, judged", handshake),
        ("requests with a hostile token, judged", request),
        ("HTTP/2 conditions, judged", condition),
    ):
        print(f"{name:<45} {rate(operation):>12,.0f} /s", flush=True)
    session.close()


def families() -> None:
    """Print how long whole families take on the reference lab, and the memory of the largest process."""
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as out:
            command = [
                str(Path(sys.executable).with_name("imsproof")),
                "run",
                "-f",
                family,
                "--workers",
                "2",
                "--out",
                out,
            ]
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - started
        verdict = next(
            (line for line in done.stdout.splitlines() if re.match(r"(pass|fail|inconclusive)\S*  ", line)), ""
        )
        print(f"imsproof run -f {family:<28} {seconds:>12.1f} s   {verdict}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{'largest process of these runs':<45} {peak:>12,} MB", flush=True)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "lab") as lab:
        os.environ.update(lab.environment)
        profile = load(profiles() / "reference.yaml")
        link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        try:
            judged(link)
        finally:
            link.close()
    families()


if __name__ == "__main__":
    main()
