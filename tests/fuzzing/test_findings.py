"""A finding on disk can be read again, and sent again without anything of ours."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from imsproof.fuzzing import findings
from imsproof.fuzzing.campaign import Found, Harm

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Found(Harm.DEAD, (b"first\x00", b"second"), 3, True, ("a", "b"))
RECIPE = findings.Recipe("gm-sip", "volume", 7, "1/1", "0")


def test_a_finding_reads_as_it_was_written(tmp_path: Path) -> None:
    own = findings.write(tmp_path, FOUND, RECIPE, ("127.0.0.1", 5060), b"probe")
    told, messages = findings.read(own)
    assert messages == list(FOUND.messages)
    assert (told["harm"], told["confirmed"], told["recipe"]["seed"]) == ("dead", True, 7)
    assert told["id"] == findings.finding_id(FOUND) == own.name


def test_the_same_bytes_have_the_same_name() -> None:
    assert findings.finding_id(FOUND) == findings.finding_id(FOUND)
    assert findings.finding_id(FOUND) != findings.finding_id(Found(Harm.DEAD, (b"other",), 3, True))


def test_what_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "finding.json").write_text("[]")
    with pytest.raises(ValueError, match="no finding"):
        findings.read(tmp_path)


def test_the_reproducer_needs_python_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lab:
        lab.bind(("127.0.0.1", 0))
        lab.settimeout(10)
        own = findings.write(tmp_path, FOUND, RECIPE, lab.getsockname(), b"probe")
        with subprocess.Popen([sys.executable, "-I", own / "reproduce.py"], stdout=subprocess.PIPE) as run:
            got = [lab.recvfrom(100) for _ in range(3)]
            lab.sendto(b"SIP/2.0 200 OK\r\n", got[0][1])
            out, _ = run.communicate(timeout=10)
    assert [data for data, _ in got] == [b"first\x00", b"second", b"probe"]
    assert b"still serves: b'SIP/2.0 200 OK'" in out
