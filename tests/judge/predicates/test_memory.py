"""Memory by the readings of a journal: one series that stands still is enough, two that grow are a leak."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.judge.growth import ROUNDS
from imsproof.judge.predicates.memory import memory_not_growing, same_processes
from imsproof.seams import Kind, Outcome


def measured(story: Story, name: str, *, good: int, malformed: int, processes: str = "7") -> Story:
    """Write the readings of one series, the two kinds in turn."""
    kib = 50_000
    story.add(Kind.COUNTED, name, "", after="begin", memory_kib=kib, processes=processes)
    for number in range(ROUNDS):
        kinds = (("good", good), ("malformed", malformed))
        for kind, added in kinds if number % 2 == 0 else kinds[::-1]:
            kib += added
            story.add(Kind.COUNTED, name, "", after=kind, memory_kib=kib, processes=processes)
    return story


def found(story: Story, *series: str) -> tuple[Outcome, str]:
    judged = memory_not_growing(story.events, exchange="1:x", series=list(series))
    return judged.outcome, judged.sentence


def test_memory_that_stands_still_holds() -> None:
    story = measured(Story(), "2:memory", good=4, malformed=0)
    assert found(story, "2:memory")[0] is Outcome.HOLDS


def test_growth_in_each_series_fails() -> None:
    story = measured(measured(Story(), "2:memory", good=0, malformed=900), "3:later", good=8, malformed=800)
    outcome, sentence = found(story, "2:memory", "3:later")
    assert outcome is Outcome.FAILS
    assert "+4800 KiB with malformed messages, +48 KiB" in sentence


def test_growth_that_a_rest_ends_holds() -> None:
    story = measured(measured(Story(), "2:memory", good=0, malformed=900), "3:later", good=0, malformed=0)
    assert found(story, "2:memory", "3:later")[0] is Outcome.HOLDS


def test_what_was_not_measured_cannot_be_told() -> None:
    assert found(Story(), "2:memory")[0] is Outcome.UNKNOWN
    assert found(Story())[0] is Outcome.UNKNOWN
    unread = measured(Story(), "2:memory", good=0, malformed=0)
    unread.add(Kind.COUNTED, "2:memory", "", after="good", memory_kib=0, processes="7")
    assert found(unread, "2:memory")[0] is Outcome.UNKNOWN


def test_processes_that_changed_cannot_be_compared() -> None:
    story = measured(Story(), "2:memory", good=0, malformed=900)
    story.add(Kind.COUNTED, "2:memory", "", after="good", memory_kib=60_000, processes="8")
    assert found(story, "2:memory")[0] is Outcome.UNKNOWN


def seen(*processes: str) -> Outcome:
    story = Story()
    for number, one in enumerate(processes):
        story.add(Kind.COUNTED, f"{number}:processes", "", processes=one)
    return same_processes(story.events, readings=[f"{number}:processes" for number in range(len(processes))]).outcome


def test_processes_that_run_on_hold_and_new_ones_may_come() -> None:
    assert seen("7 8", "7 8 9") is Outcome.HOLDS


def test_a_process_that_ended_fails() -> None:
    assert seen("7 8", "7 9") is Outcome.FAILS
    assert seen("7 8", "") is Outcome.FAILS


def test_processes_that_were_not_read_cannot_be_told() -> None:
    assert seen() is Outcome.UNKNOWN
    assert seen("7") is Outcome.UNKNOWN
    assert seen("", "7") is Outcome.UNKNOWN
