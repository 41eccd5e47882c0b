"""Whether a consumer of the lab spoke to the tester's server."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.led import kept_silent, spoke_to_tester
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def came() -> Story:
    return Story().add(Kind.NOTE, listening=True).add(Kind.OPENED)


@pytest.mark.parametrize(
    ("story", "spoke", "silent"),
    [
        (came().add(Kind.HANDSHAKE).add(Kind.RECEIVED, data=b"PRI"), H, F),
        (came().add(Kind.ALERT, alert="bad_certificate"), F, H),
        (came().add(Kind.HANDSHAKE).add(Kind.CLOSED, by="lab"), F, H),
        (Story().add(Kind.NOTE, listening=True), F, U),
    ],
    ids=["spoke", "alert", "left after the handshake", "nobody came"],
)
def test_what_was_heard_decides(story: Story, spoke: Outcome, silent: Outcome) -> None:
    assert spoke_to_tester(story.events, exchange="1:x").outcome is spoke
    assert kept_silent(story.events, exchange="1:x").outcome is silent
