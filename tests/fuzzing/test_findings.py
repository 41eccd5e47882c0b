"""A finding on disk can be read again, and sent again without anything of ours."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from imsproof.fuzzing import findings
from imsproof.fuzzing.campaign import Found
from imsproof.fuzzing.watch import Condition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Serve

FOUND = Found(Condition.DEAD, (b"first\x00", b"second"), 3, True, ("a", "b"))
RECIPE = findings.Recipe("gm-sip", "volume", "campaign", 7, "1/1", "0")


def test_a_finding_reads_as_it_was_written(tmp_path: Path) -> None:
    own = findings.write(tmp_path, FOUND, RECIPE, ("127.0.0.1", 5060), FOUND.messages, b"probe")
    told, messages = findings.read(own)
    assert messages == list(FOUND.messages)
    assert (told["harm"], told["confirmed"], told["recipe"]["seed"]) == ("dead", True, 7)
    assert told["id"] == findings.finding_id(FOUND) == own.name


def test_the_same_bytes_have_the_same_name() -> None:
    assert findings.finding_id(FOUND) == findings.finding_id(FOUND)
    assert findings.finding_id(FOUND) != findings.finding_id(Found(Condition.DEAD, (b"other",), 3, True))


def test_what_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "finding.json").write_text("[]")
    with pytest.raises(ValueError, match="no finding"):
        findings.read(tmp_path)


def test_the_reproducer_needs_python_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lab:
        lab.bind(("127.0.0.1", 0))
        lab.settimeout(10)
        own = findings.write(tmp_path, FOUND, RECIPE, lab.getsockname(), FOUND.messages, b"probe")
        with subprocess.Popen([sys.executable, "-I", own / "reproduce.py"], stdout=subprocess.PIPE) as run:
            got = [lab.recvfrom(100) for _ in range(3)]
            lab.sendto(b"SIP/2.0 200 OK\r\n", got[0][1])
            out, _ = run.communicate(timeout=10)
    assert [data for data, _ in got] == [b"first\x00", b"second", b"probe"]
    assert b"still serves: b'SIP/2.0 200 OK" in out


def test_the_reproducer_of_a_stream_asks_behind_each_message(tmp_path: Path, serve: Serve) -> None:
    got: list[bytes] = []

    def answer(peer: socket.socket) -> None:
        data = b""
        while not data.endswith(b"probe"):
            data += peer.recv(100)
        got.append(data)
        peer.sendall(b"SIP/2.0 200 OK\r\n")

    where = serve(answer)
    own = findings.write(tmp_path, FOUND, replace(RECIPE, target="gm-tcp"), where, (), b"probe")
    done = subprocess.run([sys.executable, "-I", own / "reproduce.py"], capture_output=True, timeout=30, check=True)
    assert got == [b"first\x00probe", b"secondprobe", b"probe"]
    assert done.stdout.count(b"answered: b'SIP/2.0 200 OK") == 3


def test_findings_of_one_shape_are_one_cause_and_others_are_not() -> None:
    shapes = [b"BYE sip:a@b SIP/2.0\r\nX: " + b"A" * size for size in (300, 5000)]
    first, second = (findings.cause([one], "dead") for one in shapes)
    assert first == second
    assert findings.cause([b"CANCEL x"], "dead") != first != findings.cause(shapes[:1], "hung")
    told = [{"id": "a", "cause": first}, {"id": "b", "cause": "x"}, {"id": "c", "cause": second}]
    assert findings.grouped(told) == {first: ["a", "c"], "x": ["b"]}


def test_a_line_of_the_log_tells_the_cause_whatever_the_bytes() -> None:
    why = "the log says: segfault at 0x7f3a12bc4401 in parse_to"
    other = why.replace("7f3a12bc4401", "55aa0011ccdd")
    assert findings.cause([b"a"], "dead", why) == findings.cause([b"b", b"c"], "dead", other)


def test_long_methods_are_one_cause_whatever_they_are_made_of() -> None:
    messages = [word * 70 + b" sip:a SIP/2.0\r\nVia: x\r\n" for word in (b"A", b"(", b"%41")]
    assert len({findings.cause([one], "restarted") for one in messages}) == 1
    records = [b"\x16\xfe\xfd" + bytes(40) + end for end in (b"a", b"\xff")]
    assert len({findings.cause([one], "dead") for one in records}) == 2
