"""Facts that the bytes contradict, clocks that do not go together, and times that the capture does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.evidence import samples

from imsproof.codec.rtp import RtpPacket
from imsproof.evidence.consistent import contradictions, on_word, out_of_time
from imsproof.seams import Event, Kind

EVENTS = samples.register_events()
SPAN = (samples.START_NS, samples.START_NS + 1_000_000_000)


def rtp(said: int) -> Event:
    """A packet of RTP with the sequence number 5, and what the journal says it is."""
    sent = samples.event(3, Kind.SENT, RtpPacket(8, 5, 0, 7).to_bytes(), "rtp")
    return replace(sent, facts={"ssrc": 7, "seq": said, "pt": 8})


def test_a_true_journal_contradicts_nothing() -> None:
    assert list(contradictions([*EVENTS, rtp(5)])) == []
    assert out_of_time(EVENTS, SPAN) == ""
    assert list(contradictions([])) == []


@pytest.mark.parametrize(
    ("name", "value"), [("status", 200), ("call_id", "x"), ("cseq", "9 REGISTER"), ("sip", "request")]
)
def test_a_fact_that_the_bytes_contradict_is_told(name: str, value: object) -> None:
    forged = replace(EVENTS[1], facts={**EVENTS[1].facts, name: value})
    (told,) = contradictions([EVENTS[0], forged])
    assert name in told


def test_a_fact_of_rtp_that_the_bytes_contradict_is_told() -> None:
    assert len(list(contradictions([rtp(6)]))) == 1


def test_clocks_that_do_not_go_together_are_told() -> None:
    later = replace(EVENTS[1], utc="2025-10-09T10:53:20.000000Z")
    assert "clocks" in next(contradictions([EVENTS[0], later]))
    assert "capture goes from" in out_of_time([EVENTS[0], later], SPAN)
    assert out_of_time(EVENTS, None) == ""


def test_a_judgement_on_messages_needs_nobodys_word() -> None:
    silence = samples.event(3, Kind.TIMEOUT)
    judged = samples.judgement()
    assert not on_word(judged, EVENTS)
    assert on_word(replace(judged, events=(3,)), [*EVENTS, silence])
    assert on_word(replace(judged, events=()), EVENTS)
