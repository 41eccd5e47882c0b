"""The journal: what is written is read back, and hostile lines are named by their number."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import samples

from imsproof.evidence import journal
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FACTS = st.dictionaries(st.text(max_size=8), PLAIN, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=50), FACTS), max_size=5))
def test_events_are_read_back_as_they_were(rows: list[tuple[Kind, bytes, dict[str, object]]]) -> None:
    """read(dump(events)) are the events: kinds, bytes and facts."""
    events = [
        Event(n, "2025-10-09T08:53:20.000001Z", n, "ue", kind, "1:X", "udp", samples.UE, None, data, facts)
        for n, (kind, data, facts) in enumerate(rows, 1)
    ]
    assert list(journal.read(io.BytesIO(journal.dump(events)))) == events


GOOD = journal.dump(samples.register_events()).splitlines()
FIRST = json.loads(GOOD[0])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"", "line 2"),
        (b"\xff\xfe", "line 2"),
        (b"[]", "line 2"),
        (b"[" * 100_000, "line 2: nested too deeply"),
        (b'{"v": 2}', "line 2: journal version 2 is not 1"),
        (b'{"v": 1}', "line 2: no 'seq'"),
        (json.dumps({**FIRST, "seq": 7}).encode(), "line 2: event 7 is out of order"),
        (json.dumps({**FIRST, "kind": "exploded"}).encode(), "line 2: .*exploded"),
        (json.dumps({**FIRST, "data": "***"}).encode(), "line 2"),
        (json.dumps({**FIRST, "local": [1]}).encode(), "line 2"),
        (json.dumps({**FIRST, "facts": 3}).encode(), "line 2"),
        (json.dumps({**FIRST, "mono_ns": float("inf")}).encode(), "line 2: Infinity is no JSON value"),
        (b'{"v": 1, "seq": ' + b"9" * 5000 + b"}", "line 2"),
        (b'{"v": 1, "seq": 1e999}', "line 2"),
    ],
)
def test_a_hostile_line_is_named(tmp_path: Path, line: bytes, what: str) -> None:
    """Each malformation is a ValueError with the file and the line."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(GOOD[0] + b"\n" + line + b"\n")
    with pytest.raises(ValueError, match=what):
        journal.load(path)


def test_a_missing_or_empty_journal(tmp_path: Path) -> None:
    """No file is an error, an empty one holds no events."""
    with pytest.raises(ValueError, match=r"cannot read .*No such file"):
        journal.load(tmp_path / "journal.jsonl")
    (tmp_path / "journal.jsonl").write_bytes(b"")
    assert journal.load(tmp_path / "journal.jsonl") == []


def test_an_endless_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is not read to its end."""
    monkeypatch.setattr(journal, "LINE_LIMIT", 100)
    with pytest.raises(ValueError, match="line 1: longer than 100 bytes"):
        list(journal.read(io.BytesIO(GOOD[0])))


def test_facts_that_are_no_json_are_refused(tmp_path: Path) -> None:
    """A mistake of an actor shows at once, not at verification."""
    for fact in (float("nan"), b"bytes", {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            journal.write(tmp_path / "j", [samples.event(1, Kind.NOTE, x=fact)])
    assert list(tmp_path.iterdir()) == []
