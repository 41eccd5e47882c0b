"""Delta debugging within a budget: the smallest sequence, and the smallest bytes, that still show a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Fails = Callable[[Sequence[Item]], bool]
Spent = Callable[[], bool]


def minimise(items: Sequence[Item], fails: Fails[Item], spent: Spent = lambda: False) -> list[Item]:
    """Return a subsequence that still fails and from which nothing can be left out (ddmin), if the budget allows.

    Args:
        items: a sequence that fails.
        fails: whether a subsequence fails; asked for one after the other.
        spent: whether the budget is used up; what was reached until then is returned.
    """
    kept = list(items)
    pieces = 2
    while len(kept) > 1 and not spent():
        size = max(1, len(kept) // pieces)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and fails(rest):
                kept, pieces = rest, max(pieces - 1, 2)
                break
            if spent():
                return kept
        else:
            if size == 1:
                break
            pieces = min(len(kept), pieces * 2)
    return kept


def minimise_bytes(data: bytes, fails: Callable[[bytes], bool], spent: Spent = lambda: False) -> bytes:
    """Return bytes that still fail, with lines left out first and single bytes then."""
    lines = minimise(data.splitlines(keepends=True), lambda some: fails(b"".join(some)), spent)
    shorter = b"".join(lines)
    if spent() or len(shorter) > 2000:
        return shorter
    return bytes(minimise(list(shorter), lambda some: fails(bytes(some)), spent))
