"""Service under load."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.judge.predicates.load import flood_happened, served_share
from imsproof.seams import Kind, Outcome


def attempts(*statuses: int | None) -> Story:
    story = Story()
    for number, status in enumerate(statuses):
        story.add(Kind.SENT, exchange=str(number))
        if status is None:
            story.add(Kind.TIMEOUT, exchange=str(number))
        else:
            story.add(Kind.RECEIVED, exchange=str(number), status=status)
    return story


def test_a_flood_counts_what_was_sent_in_all_intervals() -> None:
    story = Story().add(Kind.COUNTED, sent=60).add(Kind.COUNTED, sent=40)
    assert flood_happened(story.events, exchange="1:x", at_least=100).outcome is Outcome.HOLDS
    assert flood_happened(story.events, exchange="1:x", at_least=101).outcome is Outcome.FAILS


def test_the_share_of_served_attempts_decides() -> None:
    story = attempts(200, 200, None, 503, 200)
    names = [str(number) for number in range(5)]
    assert served_share(story.events, exchanges=names, share=0.6).outcome is Outcome.HOLDS
    assert served_share(story.events, exchanges=names, share=0.8).outcome is Outcome.FAILS
    assert served_share(story.events, exchanges=[], share=0.8).outcome is Outcome.UNKNOWN
