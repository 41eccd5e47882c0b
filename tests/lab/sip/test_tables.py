"""Tables forget, buckets refill."""

from __future__ import annotations

import pytest

from imsproof.lab.sip import tables


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("imsproof.lab.sip.tables.time.monotonic", lambda: now[0])
    return now


def test_the_oldest_entry_goes_when_the_table_is_full(clock: list[float]) -> None:
    table = tables.Table[int, str](10.0, 2)
    for number in (1, 2, 3):
        table.put(number, str(number))
    assert list(table) == ["2", "3"]
    assert len(table) == 2


def test_an_entry_s_time_ends(clock: list[float]) -> None:
    table = tables.Table[int, str](10.0, 5)
    table.put(1, "a")
    clock[0] += 10.5
    assert table.get(1) is None
    assert table.pop(1) is None
    table.put(2, "b")
    assert list(table) == ["b"]
    table.clear()
    assert len(table) == 0


def test_each_source_has_its_own_rate(clock: list[float]) -> None:
    buckets = tables.Buckets[str]()
    assert [buckets.take("a", 3) for _ in range(5)] == [True, True, True, False, False]
    assert buckets.take("b", 3)
    clock[0] += 0.4
    assert [buckets.take("a", 3) for _ in range(2)] == [True, False]
    buckets.clear()
    assert buckets.take("a", 3)
