"""A tap: what its command prints becomes events, and the command is ended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from tests.conftest import events

from imsproof.actors.tap import Tap
from imsproof.codec import pcap
from imsproof.seams import HarnessError, InconclusiveError, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.link.session import Session

SLEEP = "import sys,time; sys.stdout.buffer.write(open(sys.argv[1],'rb').read()); sys.stdout.flush(); time.sleep(60)"


def tap(session: Session, path: Path, content: bytes) -> Tap:
    path.write_bytes(content)
    return Tap(session, [sys.executable, "-c", SLEEP, str(path)])


def test_each_flow_is_an_event(session: Session, tmp_path: Path) -> None:
    segment = pcap.tcp_segment(("192.0.2.1", 1), ("192.0.2.2", 2), 0, b"GET / HTTP/1.1\r\n")
    running = tap(session, tmp_path / "capture", pcap.header() + pcap.packet(0, segment))
    seen = running.stop("the leg")
    flow, counted = events(session, seen.exchange)
    assert (flow.kind, flow.data, flow.facts["flow"]) == (Kind.RECEIVED, b"GET / HTTP/1.1\r\n", "tcp")
    assert (counted.kind, counted.facts["flows"]) == (Kind.COUNTED, 1)


def test_what_is_no_capture_decides_nothing(session: Session, tmp_path: Path) -> None:
    with pytest.raises(InconclusiveError, match="no capture"):
        tap(session, tmp_path / "capture", b"tcpdump: permission denied").stop("the leg")


def test_a_command_that_is_not_there_is_the_harness_s_affair(session: Session) -> None:
    with pytest.raises(HarnessError, match="cannot be started"):
        Tap(session, ["/nowhere/tcpdump"])
