"""Who was reached, and what was shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.dialogs import (
    anonymous_sender,
    answered_by_nobody_else,
    hops_limited,
    not_multiplied,
    not_reached,
    nothing_received,
    one_at_a_time,
    planted_absent,
    session_bearable,
    shown_identity,
)
from imsproof.seams import Event, Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def came(story: Story, method: str, exchange: str = "9:in", actor: str = "ue-b", *headers: str) -> Story:
    text = f"{method} sip:b@x SIP/2.0\r\n" + "".join(f"{one}\r\n" for one in headers) + "\r\n"
    story.add(Kind.RECEIVED, exchange=exchange, data=text.encode(), sip="request", method=method)
    story.events[-1] = replace(story.events[-1], actor=actor)
    return story


def reached(story: Story, until: str | None = None) -> Outcome:
    return not_reached(story.events, exchange="1:x", actor="ue-b", methods=["BYE"], until=until).outcome


def test_a_request_that_came_before_does_not_count() -> None:
    story = came(Story(), "BYE").add(Kind.SENT)
    assert reached(story) is H


def test_a_request_that_came_afterwards_at_the_actor_counts() -> None:
    assert reached(came(Story().add(Kind.SENT), "BYE")) is F
    assert reached(came(Story().add(Kind.SENT), "BYE", "9:in", "ue-c")) is H
    assert reached(came(Story().add(Kind.SENT), "INFO")) is H


def test_what_comes_once_the_next_conversation_has_begun_does_not_count() -> None:
    story = Story().add(Kind.SENT).add(Kind.SENT, exchange="2:next")
    assert reached(came(story, "BYE"), until="2:next") is H
    assert reached(came(Story().add(Kind.SENT), "BYE").add(Kind.SENT, exchange="2:next"), until="2:next") is F


def test_what_was_never_sent_cannot_be_judged() -> None:
    assert reached(Story()) is U


def response(to: str) -> list[Event]:
    data = f"SIP/2.0 200 OK\r\nTo: {to}\r\nCSeq: 1 INVITE\r\n\r\n".encode()
    return Story().add(Kind.RECEIVED, data=data, sip="response", status=200).events


def test_a_third_partys_answer_is_known_by_its_tag() -> None:
    assert answered_by_nobody_else(response("<sip:b@x>;tag=third"), exchange="1:x", tag="third").outcome is F
    assert answered_by_nobody_else(response("<sip:b@x>;tag=own"), exchange="1:x", tag="third").outcome is H
    assert answered_by_nobody_else(response("<<<"), exchange="1:x", tag="third").outcome is H


def test_a_socket_that_nothing_came_to() -> None:
    assert nothing_received(Story().add(Kind.SENT).events, exchange="1:x").outcome is H
    assert nothing_received(Story().add(Kind.RECEIVED, data=b"x").events, exchange="1:x").outcome is F


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        (["From: <sip:a@x>;tag=1"], H),
        (["From: <sip:ceo@x>;tag=1"], F),
        (["From: <sip:ceo@x>;tag=1", "P-Asserted-Identity: <sip:a@x>"], H),
        (["From: <sip:a@x>;tag=1", "P-Asserted-Identity: <sip:ceo@x>"], F),
        (["From: <sip:stranger@x>;tag=1"], Outcome.UNKNOWN),
        (["From: <sip:a@sbc.example:5070>;tag=1"], H),
        (["From: <sip:anonymous@anonymous.invalid>;tag=1"], H),
    ],
)
def test_the_asserted_identity_is_shown_and_else_from(headers: list[str], outcome: Outcome) -> None:
    story = came(Story(), "INVITE", "1:x", "ue-b", *headers)
    assert shown_identity(story.events, exchange="1:x", allowed=["sip:a@x"], forged=["sip:ceo@x"]).outcome is outcome


def test_a_call_that_does_not_arrive_shows_nothing() -> None:
    assert shown_identity([], exchange="1:x", allowed=[], forged=[]).outcome is H
    assert planted_absent([], exchange="1:x", planted=[["P-A", "x"]]).outcome is H


def test_a_planted_header_counts_by_what_was_planted() -> None:
    planted = [["P-Charging-Vector", "planted"]]
    for value, outcome in (("icid-value=PLANTED", F), ("icid-value=own", H)):
        story = came(Story(), "INVITE", "1:x", "ue-b", f"P-Charging-Vector: {value}")
        assert planted_absent(story.events, exchange="1:x", planted=planted).outcome is outcome


@pytest.mark.parametrize(
    ("sender", "outcome"),
    [
        ('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', H),
        ("Anonymous <sip:anonymous@anonymous.invalid>;tag=1", H),
        ("<sip:anonymous@anonymous.invalid>;tag=1", F),
        ('"Anonymous" <sip:service@ims.example>;tag=1', F),
        ("<<<", F),
    ],
)
def test_the_anonymous_user_identity_has_name_and_address(sender: str, outcome: Outcome) -> None:
    story = came(Story(), "MESSAGE", "1:x", "ue-a", f"From: {sender}")
    assert anonymous_sender(story.events, actor="ue-a", method="MESSAGE").outcome is outcome
    assert anonymous_sender(story.events, actor="ue-a", method="INVITE").outcome is U


def test_requests_at_an_actor_are_counted() -> None:
    story = came(came(Story(), "INVITE"), "INVITE")
    assert hops_limited(story.events, actor="ue-b", method="INVITE", most=2).outcome is H
    assert hops_limited(story.events, actor="ue-b", method="INVITE", most=1).outcome is F


def test_a_request_that_may_not_be_spread_comes_to_one_contact() -> None:
    def judged(*actors: str, after: int = 0) -> Outcome:
        story = Story().add(Kind.SENT)
        for actor in actors:
            came(story, "INVITE", "9:in", actor)
        return one_at_a_time(story.events, actors=["ue-b", "ue-c"], method="INVITE", after=after).outcome

    assert (judged("ue-b"), judged("ue-b", "ue-b"), judged("ue-b", "ue-c")) == (H, H, F)
    assert (judged(), judged("ue-x"), judged("ue-b", "ue-c", after=2)) == (U, U, H)


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        (["Session-Expires: 1;refresher=uas"], F),
        (["x: 89"], F),
        (["Session-Expires: 90"], H),
        (["Session-Expires: soon"], H),
        ([], H),
    ],
)
def test_a_session_is_refreshed_no_more_often_than_is_bearable(headers: list[str], outcome: Outcome) -> None:
    story = came(Story(), "INVITE", "9:in", "ue-b", *headers)
    assert session_bearable(story.events, exchange="9:in", least=90).outcome is outcome
    assert session_bearable(story.events, exchange="8:in", least=90).outcome is U


def test_requests_that_one_made_are_counted_at_all_actors_together() -> None:
    story = came(Story(), "INVITE", "1:x", "ue-b")
    before = len(story.events)
    for number in range(3):
        came(story, "INVITE", f"{number}:y", "ue-b" if number else "ue-c")
    for most, outcome in ((3, H), (2, F)):
        found = not_multiplied(story.events, actors=["ue-b", "ue-c"], method="INVITE", after=before, most=most)
        assert found.outcome is outcome


def offered(story: Story, kind: Kind, exchange: str, actor: str, body: str, to: str = "<sip:b@x>;tag=1") -> Story:
    data = f"UPDATE sip:b@x SIP/2.0\r\nTo: {to}\r\n\r\n{body}".encode()
    story.add(kind, exchange=exchange, data=data, sip="request", method="UPDATE")
    story.events[-1] = replace(story.events[-1], actor=actor)
    return story


@pytest.mark.parametrize(
    ("body", "to", "outcome"),
    [
        ("", "<sip:b@x>;tag=1", H),
        ("v=before", "<sip:b@x>;tag=1", H),
        ("v=forged", "<sip:b@x>;tag=1", F),
        ("v=before", "<sip:b@x>", F),
    ],
)
def test_refreshes_of_the_network_within_a_call_do_not_count(body: str, to: str, outcome: Outcome) -> None:
    story = offered(Story(), Kind.RECEIVED, "0:in", "ue-b", "v=before")
    offered(story, Kind.SENT, "1:x", "attacker", "v=forged")
    offered(story, Kind.RECEIVED, "9:in", "ue-b", body, to)
    assert not_reached(story.events, exchange="1:x", actor="ue-b", methods=["UPDATE"]).outcome is outcome
