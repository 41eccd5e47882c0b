"""What a look means: each way in which a lab can be lost is told from the others; what protects itself is spared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.fuzzing.watch import Condition, Health, Look, Watch

if TYPE_CHECKING:
    from imsproof.fuzzing.health import Hooks

FINE = Health(serves=True, seconds=0.01, status=401)
SILENT = Health(serves=False, seconds=0.1, asked_elsewhere=True)
GONE = Health(serves=False, seconds=0.0, refused=True, gone=True)


class Probed:
    def __init__(self, *after: Health) -> None:
        self.after = list(after)

    def probe(self) -> Health:
        return self.after.pop(0) if len(self.after) > 1 else self.after[0]


def look(first: Health, *after: Health, hooks: object = None) -> Look:
    watch = Watch(Probed(*after or (FINE,)), hooks, patience=0.2)  # type: ignore[arg-type]
    watch.usual = 0.01
    return watch.look(first)


@pytest.mark.parametrize(
    ("first", "after", "condition", "back"),
    [
        (FINE, (FINE,), Condition.FINE, True),
        (Health(True, 0.5), (FINE,), Condition.FINE, True),
        (Health(True, 3.0), (FINE,), Condition.HUNG, True),
        (Health(True, 3.0), (Health(True, 2.5),), Condition.SLOW, True),
        (Health(True, 0.1, elsewhere=True), (FINE,), Condition.THROTTLED, True),
        (SILENT, (Health(True, 0.1, elsewhere=True),), Condition.THROTTLED, True),
        (Health(False, 0.1, 503), (FINE,), Condition.THROTTLED, True),
        (Health(False, 0.1, 500), (Health(False, 0.1, 500),), Condition.FAILING, False),
        (SILENT, (FINE,), Condition.HUNG, True),
        (SILENT, (SILENT,), Condition.HUNG, False),
        (Health(False, 0.1), (FINE,), Condition.SILENT, True),
        (Health(False, 0.1), (Health(False, 0.1),), Condition.SILENT, False),
        (GONE, (GONE,), Condition.DEAD, False),
        (GONE, (SILENT, FINE), Condition.RESTARTED, True),
        (GONE, (SILENT,), Condition.DEAD, False),
        (Health(True, 0.1, gone=True), (FINE,), Condition.RESTARTED, True),
    ],
)
def test_each_condition_is_told_from_the_others(
    first: Health, after: tuple[Health, ...], condition: Condition, back: bool
) -> None:
    found = look(first, *after)
    assert (found.condition, found.back) == (condition, back)
    assert found.why or condition is Condition.FINE


def test_only_what_is_wrong_with_the_lab_is_harm() -> None:
    harmless = {one for one in Condition if not one.is_harm}
    assert harmless == {Condition.FINE, Condition.THROTTLED, Condition.SILENT, Condition.GROWN}
    assert not Condition.DEAD.may_be_load


def test_a_hook_that_says_restarted_is_believed_when_the_wire_shows_nothing() -> None:
    class Says:
        def look(self, *, urgent: bool) -> Look:
            return Look(Condition.RESTARTED, why="processes have changed")

    hooks: Hooks = Says()  # type: ignore[assignment]
    assert look(FINE, hooks=hooks).condition is Condition.RESTARTED


def test_a_lab_that_does_not_serve_at_the_beginning_is_told_why() -> None:
    assert "nobody listens" in Watch(Probed(GONE)).begin().why
    assert "503" in Watch(Probed(Health(False, 0.1, 503))).begin().why
