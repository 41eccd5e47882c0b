"""The evidence folder of a purpose holds all that verify and a reader need, and no secret that did not cross."""

from __future__ import annotations

import json
import resource
from typing import TYPE_CHECKING

import pytest
from tests.evidence import samples

from imsproof.evidence import journal
from imsproof.evidence.purpose import judgements_to_json, parse_judgements, write_purpose
from imsproof.seams import Flow, HarnessError, Kind, Record, Verdict

if TYPE_CHECKING:
    from pathlib import Path

K = "465b5ce8b199b49faa5f0a2ee238a6bc"
FLOWS = [Flow("udp", samples.UE, samples.PCSCF, 5_000_000_000, 5_100_000_000)]


def test_everything_is_there(tmp_path: Path) -> None:
    """Journal, capture, ladder, judgements, flows and keys."""
    record = Record("GM-AKA-02", samples.register_events(), [samples.judgement()])
    folder = tmp_path / "evidence" / "GM-AKA-02"
    told = write_purpose(
        tmp_path,
        samples.result(),
        record,
        needs_control=True,
        raised=None,
        packets=samples.register_packets(),
        keys=["CLIENT_RANDOM aa bb"],
        flows=FLOWS,
        dropped=4,
    )
    names = {path.name for path in folder.iterdir()}
    assert names == {"journal.jsonl", "capture.pcapng", "ladder.svg", "judgements.json", "flows.json", "keys.log"}
    assert told.evidence == "evidence/GM-AKA-02"
    assert journal.load(folder / "journal.jsonl") == record.events
    stored = parse_judgements((folder / "judgements.json").read_bytes())
    assert stored["needs_control"] is True
    assert stored["raised"] is None
    assert json.loads((folder / "flows.json").read_bytes())["dropped"] == 4
    assert (folder / "keys.log").read_text() == "CLIENT_RANDOM aa bb\n"


def test_secrets_stand_only_where_they_crossed(tmp_path: Path) -> None:
    """A key in a fact, a note, a sentence, a reason is redacted; the bytes of a message stay."""
    events = [
        samples.event(1, Kind.SENT, b"MESSAGE\r\nX-Key: " + K.encode()),
        samples.event(2, Kind.NOTE, text=f"K={K}"),
    ]
    record = Record("GM-AKA-02", events, [samples.judgement(sentence=f"with {K}")])
    result = samples.result(reason=f"because of {K}", verdict=Verdict.ERROR)
    told = write_purpose(
        tmp_path, result, record, needs_control=False, raised=(Verdict.ERROR, f"K={K}"), secrets=[K]
    )  # fmt: skip
    assert K not in json.dumps(told.to_json())
    folder = tmp_path / "evidence" / "GM-AKA-02"
    for path in folder.iterdir():
        assert K.encode() not in path.read_bytes(), path
    assert journal.load(folder / "journal.jsonl")[0].data == events[0].data


def test_what_the_harness_raised_is_kept() -> None:
    """verify needs it to decide again."""
    value = judgements_to_json(samples.result(), needs_control=True, raised=(Verdict.INCONCLUSIVE, "no answer"))
    assert value["raised"] == {"verdict": "inconclusive", "reason": "no answer"}
    assert parse_judgements(json.dumps(value).encode()) == value


@pytest.mark.parametrize("data", [b"", b"[]", b"[" * 100_000, b'{"schema": 1}', b'{"schema": 2, "judgements": []}'])
def test_what_is_no_judgements_file_is_refused(data: bytes) -> None:
    """Garbage is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        parse_judgements(data)


def test_a_full_disk_is_a_harness_error(tmp_path: Path) -> None:
    """The first file that does not fit is named."""
    record = Record("GM-AKA-02", samples.register_events())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        with pytest.raises(HarnessError, match=r"cannot write .*journal\.jsonl"):
            write_purpose(tmp_path, samples.result(), record, needs_control=True, raised=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
