"""Each reference capture gets the verdicts that stand beside it; each check can fail; none is called a pass."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from tests.audit import wire

from imsproof import catalogue
from imsproof.audit import checks
from imsproof.audit.checks import Word, audit, result
from imsproof.judge.registry import registered

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
EXPECTED = json.loads((PCAPS / "expected.json").read_text(encoding="utf-8"))
CAPTURES = yaml.safe_load((PCAPS / "captures.yaml").read_text(encoding="utf-8"))
BY_HAND = {"SEEN-SBI-01", "SEEN-SBI-02", "SEEN-DC-01", "SEEN-DC-02", "SEEN-SRTP-01", "SEEN-SRTP-02", "SEEN-MSRP-01"}
"""Checks that no fault of the lab fails by itself: hand-made journals do, in tests/judge/predicates/test_seen_*.py."""


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", list(CAPTURES))
def test_a_reference_capture_gets_its_verdicts(name: str) -> None:
    associations = PCAPS / f"{name}.esp_sa"
    keys = associations.read_text(encoding="ascii").splitlines() if associations.exists() else []
    found = audit(PCAPS / f"{name}.pcapng", keys)
    said = {word.value: [one.check.id for one in found.results if one.word is word] for word in list(Word)[:3]}
    assert said == EXPECTED[name]


def test_the_conformant_lab_fails_no_check_and_each_fault_is_found() -> None:
    for name, (_, *fault) in CAPTURES.items():
        found = EXPECTED[name]["fail"] + EXPECTED[name]["undecided"]
        assert bool(found) == bool(fault), name


def test_every_check_can_fail() -> None:
    failed = {identity for one in EXPECTED.values() for identity in one["fail"]}
    assert {one.id for one in checks.checks()} == failed | BY_HAND


def test_checks_stand_on_clauses_and_name_purposes_and_predicates_that_are_there() -> None:
    known, names = {one.id for one in catalogue.load()}, {one.name for one in registered()}
    for one in checks.checks():
        assert one.citations, one.id
        assert set(one.purposes) <= known, one.id
        assert one.predicate in names, one.id
    assert len({one.id for one in checks.checks()}) == len(checks.checks())


def test_nothing_is_ever_called_a_pass(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(wire.pcap(wire.dialogue((wire.UE, wire.EDGE, wire.register()))))
    found = audit(path)
    assert "pass" not in {word.value for word in Word}
    assert found.word is Word.UNSEEN
    assert found.to_json()["verdict"] == "not seen"


def test_a_check_that_trips_over_a_capture_is_undecided_and_the_others_go_on(tmp_path: Path) -> None:
    events = wire.reading(tmp_path, wire.dialogue((wire.UE, wire.EDGE, wire.register()))).events
    broken = checks.Check("SEEN-X-01", "", (), "seen-tls-version", {"no such": 1}, ())
    assert result(broken, events, {}).word is Word.UNDECIDED
