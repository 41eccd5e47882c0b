"""What somebody may do to a bundle whose manifest agrees again afterwards, and what verify makes of it.

Each forgery is found without a signature, but for those of :data:`ONLY_SIGNED`: whoever writes all of a purpose's
files anew, so that they agree, or leaves all of them out, is found out by the signature alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.evidence import samples

from imsproof import judge
from imsproof.evidence.bundle import write_bundle
from imsproof.evidence.purpose import write_purpose
from imsproof.evidence.result import Citation, PurposeResult
from imsproof.evidence.run import RunFolder
from imsproof.evidence.signature import Signer, sign_bundle, signers
from imsproof.evidence.verify import verify
from imsproof.judge.registry import apply
from imsproof.seams import Kind, Record, Role, TapPacket

ONE, OTHER = "GM-AKA-02", "GM-AKA-05"
Members = dict[str, bytes]
Forgery = Callable[[Members], None]


def purpose(folder: RunFolder, identity: str, call: str, status: int) -> None:
    """A purpose whose REGISTER was answered so."""
    sent = samples.REGISTER.replace(b"Call-ID: c1", b"Call-ID: " + call.encode())
    came = samples.UNAUTHORIZED.replace(b"Call-ID: c1", b"Call-ID: " + call.encode())
    came = came.replace(b"401 Unauthorized", f"{status} Told".encode())
    events = [
        samples.event(1, Kind.SENT, sent, sip="request", method="REGISTER", call_id=call),
        samples.event(2, Kind.RECEIVED, came, sip="response", status=status, call_id=call),
    ]
    packets = [
        TapPacket(samples.START_NS + 1_000_000, "udp", samples.UE, samples.PCSCF, sent),
        TapPacket(samples.START_NS + 2_000_000, "udp", samples.PCSCF, samples.UE, came),
    ]
    record = Record(identity, events)
    record.judgements.append(apply("refused", events, role=Role.CLAIM, params={"exchange": "1:REGISTER"}))
    decided = judge.decide(record.judgements, needs_control=False)
    cites = (Citation("TS 33.203", "6.1", "secondary"),)
    result = PurposeResult(identity, "GM-AKA", "it is refused", *decided, citations=cites)
    folder.add(write_purpose(folder.path, result, record, needs_control=False, raised=None, packets=packets, keys=[]))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one purpose that passed and one that failed."""
    folder = RunFolder.create(tmp_path_factory.mktemp("run"), "lab", seed=7, version="0.1.0", planned=[ONE, OTHER])
    purpose(folder, ONE, "c1", 401)
    purpose(folder, OTHER, "c2", 200)
    folder.finish()
    return write_bundle(folder.path)


def in_json(name: str, change: Callable[[Any], object]) -> Forgery:
    """Change a JSON file."""

    def forge(members: Members) -> None:
        value = json.loads(members[name])
        change(value)
        members[name] = json.dumps(value).encode()

    return forge


def in_journal(change: Callable[[list[dict[str, Any]]], object], identity: str = OTHER) -> Forgery:
    """Change the events of a purpose; they are numbered anew."""
    name = f"evidence/{identity}/journal.jsonl"

    def forge(members: Members) -> None:
        events = [json.loads(line) for line in members[name].splitlines()]
        change(events)
        for number, event in enumerate(events, 1):
            event["seq"] = number
        members[name] = b"".join(json.dumps(event).encode() + b"\n" for event in events)

    return forge


def swapped(name: str) -> Forgery:
    """Swap a file of the two purposes."""

    def forge(members: Members) -> None:
        one, other = f"evidence/{ONE}/{name}", f"evidence/{OTHER}/{name}"
        members[one], members[other] = members[other], members[one]

    return forge


def removed(*, evidence: bool) -> Forgery:
    """Leave the failing purpose out, so that the run passes."""

    def forge(members: Members) -> None:
        run = json.loads(members["run.json"])
        run["purposes"] = [one for one in run["purposes"] if one["id"] != OTHER]
        run["planned"].remove(OTHER)
        run["counts"] |= {"fail": 0}
        run["verdict"] = "pass"
        members["run.json"] = json.dumps(run).encode()
        for name in [name for name in members if evidence and OTHER in name]:
            del members[name]

    return forge


def as_if_refused(members: Members) -> None:
    """Write all of the failing purpose anew, with another answer, as a whole run would have left it."""
    with TemporaryDirectory() as made:
        folder = RunFolder.create(Path(made), "lab", seed=7, version="0.1.0", planned=[ONE, OTHER])
        purpose(folder, ONE, "c1", 401)
        purpose(folder, OTHER, "c2", 403)
        folder.finish()
        members.clear()
        with zipfile.ZipFile(write_bundle(folder.path)) as file:
            members.update({name: file.read(name) for name in file.namelist()})


def data(change: Callable[[bytes], bytes], index: int = 1) -> Callable[[list[dict[str, Any]]], object]:
    """Change the bytes of an event."""
    return lambda events: events[index].update(
        data=base64.b64encode(change(base64.b64decode(events[index]["data"]))).decode()
    )


def first_purpose(**fields: object) -> Callable[[Any], object]:
    """Change the failing purpose in run.json."""
    return lambda run: next(one for one in run["purposes"] if one["id"] == OTHER).update(fields)


def shorter(members: Members) -> None:
    """Cut the capture within its last packet."""
    members[f"evidence/{OTHER}/capture.pcapng"] = members[f"evidence/{OTHER}/capture.pcapng"][:-40]


def added(members: Members) -> None:
    """Add a purpose that passes, with the evidence of another."""
    run = json.loads(members["run.json"])
    mine = next(one for one in run["purposes"] if one["id"] == ONE)
    run["purposes"].append({**mine, "id": "GM-AKA-15", "evidence": "evidence/GM-AKA-15"})
    run["planned"].append("GM-AKA-15")
    run["counts"]["pass"] += 1
    members["run.json"] = json.dumps(run).encode()
    for name in [name for name in members if f"/{ONE}/" in name]:
        members[name.replace(ONE, "GM-AKA-15")] = members[name]


JUDGED = f"evidence/{OTHER}/judgements.json"
ELSEWHERE = ["192.0.2.1", 5060]
FORGERIES: dict[str, Forgery] = {
    "the verdict of the run": in_json("run.json", lambda run: run.update(verdict="pass")),
    "the counts": in_json("run.json", lambda run: run["counts"].update(fail=0)),
    "the verdict of a purpose in run.json": in_json("run.json", first_purpose(verdict="pass")),
    "the verdict of a purpose in its judgements": in_json(JUDGED, lambda value: value.update(verdict="pass")),
    "the reason": in_json("run.json", first_purpose(reason="all is well")),
    "an outcome": in_json(JUDGED, lambda value: value["judgements"][0].update(outcome="holds")),
    "the parameters of a judgement": in_json(JUDGED, lambda value: value["judgements"][0].update(params={})),
    "a judgement left out": in_json(JUDGED, lambda value: value.update(judgements=[])),
    "a fact that decides": in_journal(lambda events: events[1]["facts"].update(status=403)),
    "a fact that decides nothing": in_journal(lambda events: events[0]["facts"].update(call_id="other")),
    "the bytes of an answer": in_journal(data(lambda old: old.replace(b"200", b"403"))),
    "the bytes and the fact": in_journal(
        lambda events: (events[1]["facts"].update(status=403), data(lambda old: old.replace(b"200", b"403"))(events))
    ),
    "an event left out": in_journal(lambda events: events.pop()),
    "an event added": in_journal(lambda events: events.append(dict(events[0], data="AAAA", facts={}))),
    "events in another order": in_journal(lambda events: events.reverse()),
    "the journals of two purposes swapped": swapped("journal.jsonl"),
    "the captures of two purposes swapped": swapped("capture.pcapng"),
    "the judgements of two purposes swapped": swapped("judgements.json"),
    "the capture cut": shorter,
    "the capture left out": lambda members: members.update({f"evidence/{OTHER}/capture.pcapng": b""}),
    "another lab's address": in_journal(lambda events: [event.update(remote=ELSEWHERE) for event in events]),
    "another day": in_journal(
        lambda events: [event.update(utc=event["utc"].replace("2025-10-09", "2025-10-10")) for event in events]
    ),
    "one event at another time": in_journal(
        lambda events: events[1].update(utc=events[1]["utc"].replace("T08", "T09"))
    ),
    "a purpose added with the evidence of another": added,
    "a purpose added without evidence": in_json(
        "run.json", lambda run: run["purposes"].append({**run["purposes"][0], "id": "GM-AKA-15", "evidence": None})
    ),
    "the failing purpose left out of run.json": removed(evidence=False),
    "a control said to be needed no more": in_json(JUDGED, lambda value: value.update(needs_control=True)),
    "a file of nobody": lambda members: members.update({"../evil": b""}),
}
ONLY_SIGNED: dict[str, Forgery] = {
    "the failing purpose left out with all of its files": removed(evidence=True),
    "all of a purpose written anew": as_if_refused,
    "another clause": in_json("run.json", first_purpose(citations=[])),
    "the profile's name": in_json("run.json", lambda run: run["run"].update(profile="another lab")),
    "the version": in_json("run.json", lambda run: run["run"].update(version="9.9.9")),
    "a page": lambda members: members.update({"README.txt": b"all is well"}),
}


def forged(bundle: Path, target: Path, forgery: Forgery) -> Path:
    """Copy a bundle with a forgery in it, its manifest made to agree."""
    with zipfile.ZipFile(bundle) as source:
        members = {name: source.read(name) for name in source.namelist()}
    forgery(members)
    members.pop("manifest.json", None)
    files = [
        {"path": name, "sha256": hashlib.sha256(held).hexdigest(), "bytes": len(held)}
        for name, held in members.items()
        if name != "manifest.json.sig"
    ]
    with zipfile.ZipFile(target, "w") as file:
        for name, held in members.items():
            file.writestr(name, held)
        file.writestr("manifest.json", json.dumps({"schema": 1, "run": "x", "files": files}))
    return target


def test_the_bundle_is_sound_before(bundle: Path) -> None:
    report = verify(bundle, {ONE: False, OTHER: False})
    assert report.findings == []
    assert report.run is not None
    assert report.run.verdict == "fail"


@pytest.mark.parametrize("name", list(FORGERIES))
def test_a_forgery_is_found_without_any_signature(bundle: Path, tmp_path: Path, name: str) -> None:
    report = verify(forged(bundle, tmp_path / "b.zip", FORGERIES[name]), {ONE: False, OTHER: False})
    assert report.findings


@pytest.mark.parametrize("name", list(ONLY_SIGNED))
def test_what_only_a_signature_shows_is_found_by_it(bundle: Path, tmp_path: Path, name: str) -> None:
    """And, honestly, not without it: this test says so if that ever changes."""
    assert verify(forged(bundle, tmp_path / "plain.zip", ONLY_SIGNED[name]), {ONE: False, OTHER: False}).findings == []
    key = tmp_path / "key"
    made = ed25519.Ed25519PrivateKey.generate()
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    signed = tmp_path / "signed.zip"
    signed.write_bytes(bundle.read_bytes())
    sign_bundle(signed, Signer(key), when="2026-01-01T00:00:00Z", version="0.1.0")
    ours = signers(made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    assert verify(signed, trusted=ours).findings == []
    report = verify(forged(signed, tmp_path / "b.zip", ONLY_SIGNED[name]), trusted=ours)
    assert any("signature" in finding or "signed" in finding for finding in report.findings)
