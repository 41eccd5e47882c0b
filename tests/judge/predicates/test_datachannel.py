"""Whether an association lives, what it answers, and what it must not answer."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates import datachannel as dc
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
X = "1:x"


def beat(*answers: str, info: str = "aa") -> Story:
    story = Story().add(Kind.SENT, transport="sctp", info=info)
    for one in answers:
        story.add(Kind.RECEIVED, transport="sctp", chunk="HEARTBEAT_ACK", info=one)
    return story


def test_a_heartbeat_is_answered_only_by_its_own_acknowledgement() -> None:
    assert dc.heartbeat_answered(beat("aa").events, exchange=X).outcome is H
    assert dc.heartbeat_answered(beat("bb").events, exchange=X).outcome is F
    assert dc.heartbeat_answered(beat().events, exchange=X).outcome is F
    assert dc.heartbeat_answered([], exchange=X).outcome is U


def test_an_association_that_is_gone_says_so() -> None:
    gone = beat().add(Kind.CLOSED, transport="sctp", reason="close_notify", by="lab").events
    finding = dc.heartbeat_answered(gone, exchange=X)
    assert finding.outcome is F
    assert "close_notify" in finding.sentence
    assert dc.association_ended(gone, exchange=X).outcome is H
    assert dc.association_ended(beat("aa").events, exchange=X).outcome is F
    assert dc.association_ended([], exchange=X).outcome is U


def test_a_heartbeat_that_was_to_be_discarded_must_not_be_acknowledged() -> None:
    assert dc.heartbeat_not_answered(beat().events, exchange=X).outcome is H
    assert dc.heartbeat_not_answered(beat("aa").events, exchange=X).outcome is F
    assert dc.heartbeat_not_answered([], exchange=X).outcome is U


def test_a_replayed_heartbeat_is_acknowledged_once() -> None:
    assert dc.heartbeat_answered_once(beat("aa").events, exchange=X).outcome is H
    assert dc.heartbeat_answered_once(beat("aa", "aa").events, exchange=X).outcome is F
    assert dc.heartbeat_answered_once(beat().events, exchange=X).outcome is U


def test_a_chunk_that_must_not_come() -> None:
    sent = Story().add(Kind.SENT, transport="sctp")
    assert dc.no_chunk(sent.events, exchange=X, chunks=["COOKIE_ACK"]).outcome is H
    came = sent.add(Kind.RECEIVED, transport="sctp", chunk="COOKIE_ACK").events
    assert dc.no_chunk(came, exchange=X, chunks=["COOKIE_ACK"]).outcome is F
    assert dc.no_chunk(came, exchange=X, chunks=["INIT_ACK"]).outcome is H
    assert dc.no_chunk([], exchange=X, chunks=["INIT_ACK"]).outcome is U


def test_a_message_and_its_answer() -> None:
    sent = Story().add(Kind.SENT, transport="sctp", stream=0, ppid=51)
    assert dc.message_answered(sent.events, exchange=X).outcome is F
    assert dc.message_not_answered(sent.events, exchange=X).outcome is H
    assert dc.message_not_answered([], exchange=X).outcome is U
    page = b"HTTP/1.1 200 OK\r\n\r\npage"
    answered = sent.add(Kind.RECEIVED, transport="sctp", data=page, stream=0, ppid=51).events
    assert dc.message_answered(answered, exchange=X).outcome is H
    assert dc.message_not_answered(answered, exchange=X).outcome is F
    assert dc.message_answered([], exchange=X).outcome is U
    elsewhere = Story().add(Kind.SENT, transport="sctp", stream=0, ppid=51)
    elsewhere.add(Kind.RECEIVED, transport="sctp", stream=601, ppid=51, data=b"what it says by itself")
    assert dc.message_answered(elsewhere.events, exchange=X).outcome is F


@pytest.mark.parametrize(
    ("ppid", "data"), [(50, b"\x03HTTP/1.1 200"), (51, b"HTTP/1.1 400 Bad Request"), (51, b"tick")]
)
def test_an_error_or_what_the_peer_says_by_itself_serves_nothing(ppid: int, data: bytes) -> None:
    story = Story().add(Kind.SENT, transport="sctp", stream=778, ppid=51)
    came = story.add(Kind.RECEIVED, transport="sctp", data=data, stream=778, ppid=ppid).events
    assert dc.message_not_answered(came, exchange=X).outcome is H


def test_what_comes_unasked() -> None:
    quiet = Story().add(Kind.TIMEOUT, transport="sctp")
    assert dc.nothing_came(quiet.events, exchange=X).outcome is H
    quiet.add(Kind.RECEIVED, transport="sctp", ppid=50, stream=1, data=b"\x03HTTP/")
    quiet.add(Kind.RECEIVED, transport="sctp", ppid=51, stream=1, data=b"what the lab's own channel says")
    assert dc.nothing_came(quiet.events, exchange=X).outcome is H
    other = Story().add(Kind.RECEIVED, transport="sctp", ppid=51, stream=1, data=b"HTTP/1.1 200 OK")
    assert dc.nothing_came(other.events, exchange=X).outcome is F
    assert (
        dc.nothing_came(quiet.add(Kind.RECEIVED, transport="sctp", ppid=51, stream=0).events, exchange=X).outcome is F
    )
    assert dc.nothing_came([], exchange=X).outcome is U


def test_data_of_one_conversation_in_another() -> None:
    story = Story().add(Kind.SENT, "1:a", "sctp", data=b"mark").add(Kind.RECEIVED, "2:b", "sctp", data=b"other")
    assert dc.data_not_seen(story.events, exchanges=["2:b"], sent="1:a").outcome is H
    story.add(Kind.RECEIVED, "2:b", "sctp", data=b"<mark>")
    assert dc.data_not_seen(story.events, exchanges=["2:b"], sent="1:a").outcome is F
    assert dc.data_not_seen(story.events, exchanges=["2:b"], sent="9:z").outcome is U


def test_only_an_acknowledgement_opens_a_channel() -> None:
    sent = Story().add(Kind.SENT, transport="sctp", ppid=50, stream=1)
    other = sent.add(Kind.RECEIVED, transport="sctp", data=b"page", ppid=51, stream=0)
    assert dc.channel_not_opened(other.events, exchange=X).outcome is H
    opened = other.add(Kind.RECEIVED, transport="sctp", data=b"\2", ppid=50, stream=1).events
    assert dc.channel_not_opened(opened, exchange=X).outcome is F
    assert dc.channel_not_opened([], exchange=X).outcome is U


def test_a_chunk_came_or_did_not() -> None:
    story = Story().add(Kind.SENT, transport="sctp").add(Kind.RECEIVED, transport="sctp", chunk="COOKIE_ACK")
    assert dc.chunk_came(story.events, exchange=X, chunks=["COOKIE_ACK"]).outcome is H
    assert dc.chunk_came(story.events, exchange=X, chunks=["ABORT"]).outcome is F
    assert dc.chunk_came([], exchange=X, chunks=["ABORT"]).outcome is U


def test_data_stays_on_its_stream() -> None:
    def outcome(stream: int, data: bytes = b"mine") -> Outcome:
        story = Story().add(Kind.SENT, transport="sctp", data=b"mine", stream=1000, ppid=51)
        story.add(Kind.RECEIVED, transport="sctp", data=data, stream=stream, ppid=51)
        return dc.data_on_one_stream(story.events, exchange=X).outcome

    assert outcome(1000) is outcome(1002, b"other") is H
    assert outcome(1002) is F
    assert dc.data_on_one_stream([], exchange=X).outcome is U
