"""Measures how memory moves with good messages and with malformed ones, in alternating rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge.growth import ROUNDS, Round

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD, MALFORMED = "good", "malformed"


def measure(
    read: Callable[[], int], send: Callable[[str], None], noted: Callable[[str, int], None] = lambda _kind, _kib: None
) -> list[Round]:
    """Run a series of rounds.

    Args:
        read: memory now, in KiB.
        send: sends as many messages of a kind, :data:`GOOD` or :data:`MALFORMED`, and waits until they are through.
        noted: told of each reading, and what came before it (``begin`` first).
    """
    last = read()
    noted("begin", last)
    rounds = []
    for number in range(ROUNDS):
        moved = {}
        for kind in (GOOD, MALFORMED) if number % 2 == 0 else (MALFORMED, GOOD):
            send(kind)
            now = read()
            noted(kind, now)
            moved[kind], last = now - last, now
        rounds.append(Round(moved[GOOD], moved[MALFORMED]))
    return rounds
