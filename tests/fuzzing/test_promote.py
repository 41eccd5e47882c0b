"""A finding becomes a purpose: three places are written, the fault knows its messages, and nothing is overwritten."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from imsproof.fuzzing.promote import CATALOGUE, FAULTS, MESSAGES, as_purpose, pattern

if TYPE_CHECKING:
    from pathlib import Path

TOLD = {"id": "dead-1", "harm": "dead", "recipe": {"target": "gm-sip"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in (CATALOGUE, FAULTS):
        (tmp_path / path).parent.mkdir(parents=True)
    return tmp_path


def test_row_fault_and_messages_are_written_and_a_second_one_is_added(root: Path) -> None:
    written = as_purpose(root, "GM-MALFORMED-90", TOLD, [b"CANCEL \xff", b"BYE "])
    assert all(path.is_file() for path in written)
    as_purpose(root, "GM-MALFORMED-91", TOLD, [b"x"])
    rows = yaml.safe_load((root / CATALOGUE).read_text())
    faults = yaml.safe_load((root / FAULTS).read_text())
    assert [row["id"] for row in rows] == ["GM-MALFORMED-90", "GM-MALFORMED-91"]
    assert len(faults[rows[0]["faults"][0]]["set"]["robust.breaks_on"]) == 2
    assert (root / MESSAGES / "GM-MALFORMED-90" / "message-001.bin").read_bytes() == b"CANCEL \xff"


@pytest.mark.parametrize("message", [b"CANCEL \xff\x00", b"a" * 500])
def test_the_fault_breaks_on_these_bytes_alone(message: bytes) -> None:
    made = re.compile(pattern(message).encode())
    assert made.search(message)
    assert not made.search(b"x" + message)
    assert not made.search(message[:5])


@pytest.mark.parametrize(
    ("purpose", "target", "messages", "why"),
    [
        ("GM-MALFORMED-90", "sbi", [b"x"], "become purposes"),
        ("SBI-TLS-90", "gm-sip", [b"x"], "no id"),
        ("GM-MALFORMED-90", "gm-sip", [b""], "no message"),
    ],
)
def test_what_cannot_become_one_is_said(root: Path, purpose: str, target: str, messages: list[bytes], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        as_purpose(root, purpose, {**TOLD, "recipe": {"target": target}}, messages)
