"""Memory that cannot be filled up: tables with a size and a life time, and token buckets by source."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Table(Generic[Key, Value]):
    """A dictionary whose oldest entries go when it is full or their time is over (seconds, from when they were put)."""

    def __init__(self, seconds: float, size: int) -> None:
        self._seconds = seconds
        self._size = size
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def put(self, key: Key, value: Value) -> None:
        """Store a value as the youngest."""
        now = time.monotonic()
        self._entries.pop(key, None)
        self._entries[key] = (now, value)
        while self._entries:
            put, _ = next(iter(self._entries.values()))
            if len(self._entries) <= self._size and now - put <= self._seconds:
                break
            self._entries.popitem(last=False)

    def get(self, key: Key) -> Value | None:
        """Return a value whose time is not over."""
        entry = self._entries.get(key)
        return entry[1] if entry and time.monotonic() - entry[0] <= self._seconds else None

    def pop(self, key: Key) -> Value | None:
        """Take a value out."""
        value = self.get(key)
        self._entries.pop(key, None)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def items(self) -> list[tuple[Key, Value]]:
        """Return what is stored and not over, oldest first."""
        now = time.monotonic()
        return [(key, value) for key, (put, value) in self._entries.items() if now - put <= self._seconds]

    def __iter__(self) -> Iterator[Value]:
        """Go through the values, oldest first."""
        return (value for _, value in list(self._entries.values()))

    def __len__(self) -> int:
        """Count what is stored."""
        return len(self._entries)


class Buckets(Generic[Key]):
    """A token bucket for each source: ``rate`` a second, as many at once."""

    def __init__(self, size: int = 10_000) -> None:
        self._levels: Table[Key, tuple[float, float]] = Table(60.0, size)

    def take(self, source: Key, rate: float) -> bool:
        """Take one token; ``False`` when the source has none left."""
        now = time.monotonic()
        level, then = self._levels.get(source) or (rate, now)
        level = min(rate, level + (now - then) * rate)
        self._levels.put(source, (max(level - 1, 0.0) if level >= 1 else level, now))
        return level >= 1

    def clear(self) -> None:
        """Forget all sources."""
        self._levels.clear()
