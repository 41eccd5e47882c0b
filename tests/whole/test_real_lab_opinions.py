"""Second opinions: two Milenages that were written apart agree, and a difference in a run is told."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import aka
from imsproof.codec.milenage import Milenage
from imsproof.evidence import journal
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from types import ModuleType

LAB = Path(__file__).resolve().parents[2] / "profiles" / "kamailio" / "lab"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, LAB / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclass looks its own module up
    spec.loader.exec_module(module)
    return module


HSS = load("milenage")
KEY = st.binary(min_size=16, max_size=16)
SQN = st.integers(0, 2**48 - 1)


@given(key=KEY, opc=KEY, rand=KEY, sqn=SQN, amf=st.binary(min_size=2, max_size=2))
def test_the_hss_of_the_real_lab_and_the_tester_make_the_same_vector(
    key: bytes, opc: bytes, rand: bytes, sqn: int, amf: bytes
) -> None:
    ours = aka.make_vector(Milenage(key, opc=opc), rand, sqn, amf)
    theirs = HSS.Milenage(key, opc).vector(rand, sqn.to_bytes(6, "big"), amf)
    assert (ours.autn, ours.xres, ours.ck, ours.ik) == (theirs.autn, theirs.xres, theirs.ck, theirs.ik)


@given(key=KEY, opc=KEY, rand=KEY, sqn=SQN)
def test_the_hss_of_the_real_lab_reads_the_testers_auts(key: bytes, opc: bytes, rand: bytes, sqn: int) -> None:
    auts = aka.make_auts(Milenage(key, opc=opc), rand, sqn)
    assert HSS.Milenage(key, opc).resynchronise(rand, auts) == sqn.to_bytes(6, "big")
    assert HSS.Milenage(key, opc).resynchronise(rand, auts[:-1] + bytes([auts[-1] ^ 1])) is None


def received(message: bytes) -> Event:
    facts = {"sip": "response", "status": 200}
    return Event(1, "2026-01-01T00:00:00.000000Z", 1, "ue-a", Kind.RECEIVED, "1:x", "udp", data=message, facts=facts)


def test_messages_that_both_read_are_counted(tmp_path: Path) -> None:
    head = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
    evidence = tmp_path / "run" / "evidence" / "A-01"
    evidence.mkdir(parents=True)
    (tmp_path / "run" / "run.json").write_text("{}")
    journal.write(evidence / "journal.jsonl", [received(f"{head}Content-Length: 0\r\n\r\n".encode())])
    done = subprocess.run(
        [sys.executable, str(LAB / "agree.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 SIP messages, 1 SIP messages as they crossed; 0 differences" in done.stdout


def test_a_difference_is_told_with_both_readings() -> None:
    told = load("agree").Told()
    told.both("DTLS datagrams", "A-01", [(22, 1)], [(22, 1)])
    told.both("DTLS datagrams", "A-02", [(22, 1)], [(22, 2)])
    assert told.counts["DTLS datagrams"] == 2
    assert told.differences == ["A-02: DTLS datagrams: we read [(22, 1)], they read [(22, 2)]"]
