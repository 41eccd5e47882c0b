"""Builds journals by hand for tests of the judge."""

from __future__ import annotations

from typing import Any

from imsproof.seams import Event, Kind


class Story:
    """Events of one journal, written one after the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: Kind, exchange: str = "1:x", transport: str = "tls", data: bytes = b"", **facts: Any) -> Story:
        """Append an event."""
        number = len(self.events) + 1
        self.events.append(
            Event(
                seq=number,
                utc="2026-01-01T00:00:00.000000Z",
                mono_ns=number,
                actor="tester",
                kind=kind,
                exchange=exchange,
                transport=transport,
                data=data,
                facts=facts,
            )
        )
        return self
