"""The measurement: alternating rounds, each reading told."""

from __future__ import annotations

from imsproof.fuzzing.growth import GOOD, MALFORMED, measure
from imsproof.judge.growth import ROUNDS, Round


def test_rounds_alternate_and_say_what_each_kind_added() -> None:
    sent: list[str] = []
    noted: list[tuple[str, int]] = []

    def read() -> int:
        return 1000 + 5 * sent.count(GOOD) + 50 * sent.count(MALFORMED)

    rounds = measure(read, sent.append, lambda kind, kib: noted.append((kind, kib)))
    assert rounds == [Round(5, 50)] * ROUNDS
    assert sent[:4] == [GOOD, MALFORMED, MALFORMED, GOOD]
    assert noted[:3] == [("begin", 1000), (GOOD, 1005), (MALFORMED, 1055)]
    assert len(noted) == 2 * ROUNDS + 1
