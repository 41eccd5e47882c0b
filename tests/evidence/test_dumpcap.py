"""dumpcap captures what crosses the loopback while it runs, and is stopped by its id."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from imsproof.evidence import packets, pcapng
from imsproof.evidence.dumpcap import Dumpcap, why_not
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

needs_capture = pytest.mark.skipif(bool(why_not()), reason=why_not() or "can capture")


@needs_capture
def test_every_datagram_between_start_and_stop_is_captured(tmp_path: Path) -> None:
    """Ready means ready: the first datagram after start is there, and the last before stop."""
    dump = Dumpcap.start("lo", tmp_path / "raw.pcapng", ["127.77.0.0/16"])
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        other.bind(("127.77.0.2", 0))
        sender.bind(("127.77.0.1", 0))
        for n in range(500):
            sender.sendto(b"%d" % n, other.getsockname())
        other.sendto(b"outside", ("127.78.0.1", 9))
        dropped = dump.stop()
    about = pcapng.Section()
    with (tmp_path / "raw.pcapng").open("rb") as file:
        grams = [packets.parse(packet.link, packet.data) for packet in pcapng.read(file, about)]
    ours = [gram for gram in grams if gram and gram.protocol == packets.UDP and gram.target[0] == "127.77.0.2"]
    assert [gram.payload for gram in ours] == [b"%d" % n for n in range(500)]
    assert dropped == about.dropped == 0


@needs_capture
def test_an_unknown_interface_is_a_harness_error(tmp_path: Path) -> None:
    """The message holds the interface and what dumpcap said."""
    with pytest.raises(HarnessError, match=r"nosuch0: .+"):
        Dumpcap.start("nosuch0", tmp_path / "raw.pcapng")


@needs_capture
def test_a_dumpcap_that_ended_by_itself_is_reported(tmp_path: Path) -> None:
    """A capture that broke off is not taken for a whole one."""
    dump = Dumpcap.start("lo", tmp_path / "raw.pcapng")
    dump._process.terminate()
    dump._process.wait(5)
    with pytest.raises(HarnessError, match="ended before the run did"):
        dump.stop()


def test_why_not_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program or without root the reason is one sentence."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "not installed" in why_not()
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert why_not() == "capturing needs root"
