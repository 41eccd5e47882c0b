"""Verification: a sound bundle is sound, and each lie in a bundle has its finding."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence import runs, samples
from tests.evidence.secured import CLIENT, SERVER, http2_request, tls_taps

from imsproof.evidence.bundle import write_bundle
from imsproof.evidence.purpose import write_purpose
from imsproof.evidence.result import PurposeResult
from imsproof.evidence.run import RunFolder
from imsproof.evidence.verify import verify
from imsproof.seams import Event, Kind, Record, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = f"evidence/{runs.REFUSED}"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a small run."""
    return write_bundle(runs.make(tmp_path_factory.mktemp("run")).path)


def forged(bundle: Path, target: Path, name: str, change: Callable[[bytes], bytes | None]) -> Path:
    """Copy a bundle with one member changed (or left out), its manifest made to agree."""
    with zipfile.ZipFile(bundle) as source:
        members = {info.filename: source.read(info) for info in source.infolist() if info.filename != "manifest.json"}
    changed = change(members.pop(name))
    if changed is not None:
        members[name] = changed
    files = [{"path": n, "sha256": hashlib.sha256(d).hexdigest(), "bytes": len(d)} for n, d in members.items()]
    with zipfile.ZipFile(target, "w") as file:
        for member, data in members.items():
            file.writestr(member, data)
        file.writestr("manifest.json", json.dumps({"schema": 1, "run": "x", "files": files}))
    return target


def edited(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Make a change of bytes from a change of the JSON value in them."""

    def apply(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return json.dumps(value).encode()

    return apply


def test_a_sound_bundle_is_sound(bundle: Path) -> None:
    """Everything is counted, nothing is found."""
    report = verify(bundle, {runs.REFUSED: False})
    assert report.findings == []
    assert report.sound
    assert (report.purposes, report.judgements, report.messages) == (2, 1, 2)
    assert report.summary.startswith("sound: ")
    assert report.to_json()["verdict"] == "pass"


def set_first(key: str, value: object) -> Callable[[Any], Any]:
    """Change a field of the first judgement."""
    return lambda stored: stored["judgements"][0].update({key: value})


def in_run(**fields: object) -> Callable[[Any], Any]:
    """Change fields of the decided purpose in run.json (which stands second, by its id)."""
    return lambda stored: stored["purposes"][1].update(fields)


@pytest.mark.parametrize(
    ("name", "change", "finding"),
    [
        (f"{FOLDER}/judgements.json", edited(set_first("outcome", "does not hold")), "the journal gives 'holds'"),
        (f"{FOLDER}/judgements.json", edited(set_first("sentence", "all is well")), "said 'all is well'"),
        (f"{FOLDER}/judgements.json", edited(set_first("predicate", "no-such")), "cannot be computed again"),
        (f"{FOLDER}/judgements.json", edited(set_first("params", {"evil": 1})), "cannot be computed again"),
        (f"{FOLDER}/judgements.json", edited(lambda v: v.update(judgements=[])), "the judgements give error"),
        (f"{FOLDER}/judgements.json", edited(lambda v: v.update(verdict="fail")), "the judgements give pass"),
        (
            f"{FOLDER}/judgements.json",
            edited(lambda v: v.update(needs_control=True)),
            "the judgements give inconclusive",
        ),
        (f"{FOLDER}/judgements.json", edited(lambda v: v.update(needs_control=True)), "the catalogue says False"),
        (f"{FOLDER}/judgements.json", edited(lambda v: v.update(purpose="X")), "judgements.json is that of X"),
        (
            f"{FOLDER}/judgements.json",
            edited(lambda v: v.update(raised={"verdict": "pass", "reason": ""})),
            "which only judgements can give",
        ),
        (f"{FOLDER}/judgements.json", edited(lambda v: v.update(raised=3)), "'raised' is malformed"),
        (f"{FOLDER}/judgements.json", lambda _: b"\x00", "GM-AKA-02: "),
        (f"{FOLDER}/judgements.json", lambda _: None, "judgements.json is missing"),
        (f"{FOLDER}/journal.jsonl", lambda _: None, "journal.jsonl is missing"),
        (f"{FOLDER}/journal.jsonl", lambda _: b"x\n", "line 1"),
        (f"{FOLDER}/journal.jsonl", lambda data: data.replace(b'"status":401', b'"status":200'), "does not hold"),
        (f"{FOLDER}/capture.pcapng", lambda _: None, "capture.pcapng is missing"),
        (f"{FOLDER}/capture.pcapng", lambda _: b"", "the capture is empty"),
        (f"{FOLDER}/capture.pcapng", lambda data: data.replace(b"401 Unau", b"403 Unau"), "not in the capture"),
        ("run.json", edited(in_run(verdict="fail")), "the judgements give pass"),
        ("run.json", edited(in_run(evidence=None)), "pass without evidence"),
        ("run.json", edited(in_run(evidence="evidence/X")), "said to lie in"),
        ("run.json", edited(in_run(control="accepted")), "decided again"),
        ("run.json", edited(in_run(judgements=[{}])), "malformed"),
        ("run.json", edited(lambda v: v.update(verdict="fail")), "the purposes give pass"),
        ("run.json", edited(lambda v: v.update(counts={"pass": 99})), "the counts are"),
        ("run.json", edited(lambda v: v["planned"].append("GM-AKA-99")), "the purposes give inconclusive"),
        ("run.json", lambda _: b"[]", "run.json: "),
        ("run.json", lambda _: None, "run.json is missing"),
    ],
)
def test_each_lie_has_its_finding(
    bundle: Path, tmp_path: Path, name: str, change: Callable[[bytes], bytes | None], finding: str
) -> None:
    """A bundle whose hashes agree is still held to what it says."""
    report = verify(forged(bundle, tmp_path / "b.zip", name, change), {runs.REFUSED: False})
    assert any(finding in text for text in report.findings), report.findings
    assert report.summary.startswith("not sound")


def test_packets_that_were_only_counted_are_a_note(bundle: Path, tmp_path: Path) -> None:
    """A burst beyond the tap's cap is no lie when flows.json says how many packets were not kept."""
    once = forged(bundle, tmp_path / "1.zip", f"{FOLDER}/flows.json", edited(lambda v: v.update(dropped=1)))
    twice = forged(
        once, tmp_path / "2.zip", f"{FOLDER}/capture.pcapng", lambda data: data.replace(b"401 Unau", b"403 Unau")
    )
    report = verify(twice)
    assert report.sound
    assert any("counted and not kept" in note for note in report.notes)


def test_what_is_no_bundle_has_a_finding(tmp_path: Path) -> None:
    """The report says so, and nothing is raised."""
    (tmp_path / "b.zip").write_bytes(b"no zip")
    report = verify(tmp_path / "b.zip")
    assert report.findings == [f"{tmp_path / 'b.zip'} is no readable zip file: File is not a zip file"]
    assert report.to_json()["verdict"] is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_never_raises_and_never_goes_unnoticed(bundle: Path, tmp_path: Path, data: st.DataObject) -> None:
    """A byte of any member's packed data overwritten: sound only when every member still unpacks to what it was."""
    whole = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as file:
        info = data.draw(st.sampled_from(file.infolist()))
    begin = info.header_offset + 30 + len(info.filename) + 20
    at = data.draw(st.integers(begin, max(begin, info.header_offset + 30 + info.compress_size - 1)))
    damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    (tmp_path / "b.zip").write_bytes(damaged)
    if verify(tmp_path / "b.zip").sound:
        with zipfile.ZipFile(bundle) as one, zipfile.ZipFile(tmp_path / "b.zip") as other:
            assert all(one.read(name) == other.read(name) for name in one.namelist())


PROTECTED = "evidence/SBI-TLS-01/journal.jsonl"
HEADERS = [
    [":method", "POST"],
    [":scheme", "https"],
    [":authority", "mf"],
    [":path", "/x"],
    ["authorization", "Bearer t"],
]


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a run of one purpose, which sent a request of HTTP/2 over TLS."""
    planned = ["SBI-TLS-01"]
    folder = RunFolder.create(tmp_path_factory.mktemp("run"), "reference", seed=7, version="0.1.0", planned=planned)
    body = b'{"mediaId": "dc"}'
    request = http2_request([(name, value) for name, value in HEADERS], body)
    taps, keys = tls_taps(folder.path, request, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    taps = [replace(tap, utc_ns=samples.START_NS + tap.utc_ns) for tap in taps]
    for name in ("id.pem", "keys"):
        (folder.path / name).unlink()
    facts = {"method": "POST", "path": "/x", "headers": HEADERS, "stream": 1}
    utc = "2025-10-09T08:53:20.000005Z"
    sent = Event(1, utc, 1, "nf", Kind.SENT, "1:POST", "h2", CLIENT, SERVER, body, facts)
    undecided = (Verdict.INCONCLUSIVE, "no answer was waited for")
    result = PurposeResult("SBI-TLS-01", "SBI-TLS", "TLS 1.2 and 1.3 are taken", *undecided, "not needed")
    record = Record("SBI-TLS-01", [sent])
    folder.add(
        write_purpose(folder.path, result, record, needs_control=False, raised=undecided, packets=taps, keys=keys)
    )
    folder.finish()
    return write_bundle(folder.path)


needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


@needs_tshark
def test_what_was_said_inside_tls_is_held_against_the_capture(protected: Path) -> None:
    """The request is decrypted and found, body and header fields."""
    report = verify(protected)
    assert report.findings == []
    assert (report.protected, report.closed) == (1, 0)


@needs_tshark
@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.update(data=base64.b64encode(b'{"mediaId": "xx"}').decode()),
        lambda event: event["facts"]["headers"][-1].__setitem__(1, "another"),
        lambda event: event["facts"].update(stream=3),
    ],
    ids=["body", "header", "stream"],
)
def test_altered_plain_text_is_found_out(protected: Path, tmp_path: Path, change: Callable[[Any], None]) -> None:
    """Somebody changes what the journal says was sent, and makes the manifest agree."""
    report = verify(forged(protected, tmp_path / "b.zip", PROTECTED, edited_line(change)))
    assert any("not in the plain text of the capture" in finding for finding in report.findings)


def edited_line(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """As :func:`edited`, for a journal of one line."""
    return lambda data: edited(change)(data) + b"\n"


def test_without_tshark_it_says_what_was_not_compared(protected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No finding, and no pretence either."""
    monkeypatch.setattr("imsproof.evidence.plaintext.shutil.which", lambda _: None)
    report = verify(protected)
    assert report.findings == []
    assert (report.protected, report.closed) == (0, 1)
    assert any("1 protected messages were not compared" in n and "tshark is not installed" in n for n in report.notes)
    assert "1 protected messages not compared" in report.summary


def test_decryption_can_be_left_out(protected: Path) -> None:
    """For a bundle of somebody whom one does not trust with a run of tshark."""
    assert verify(protected, decrypt=False).closed == 1
