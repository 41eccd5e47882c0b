"""Associations and payloads."""

from __future__ import annotations

import base64

from tests.judge.events import Story

from imsproof.judge.predicates.media import (
    association_up,
    gives_data_channel,
    no_association,
    no_data_channel,
    no_data_channel_offered,
    payload_arrived,
    payload_not_arrived,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
ANSWER = "SIP/2.0 200 OK\r\n\r\nv=0\r\nm=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\n"


def shaken(*transports: str) -> Story:
    story = Story().add(Kind.SENT, transport="dtls")
    for transport in transports:
        story.add(Kind.HANDSHAKE, transport=transport)
    return story


def test_the_association_counts_and_not_the_handshake_before_it() -> None:
    both, only_dtls = shaken("dtls", "sctp").events, shaken("dtls").events
    assert association_up(both, exchange="1:x").outcome is H
    assert association_up(only_dtls, exchange="1:x").outcome is F
    assert no_association(only_dtls, exchange="1:x").outcome is H
    assert no_association(both, exchange="1:x").outcome is F
    assert no_association([], exchange="1:x").outcome is U


def test_a_channel_is_refused_by_status_or_by_port_zero() -> None:
    def answered(port: int) -> Story:
        return (
            Story()
            .add(Kind.SENT)
            .add(Kind.RECEIVED, data=ANSWER.format(port=port).encode(), sip="response", status=200)
        )

    assert no_data_channel(answered(0).events, exchange="1:x").outcome is H
    assert no_data_channel(answered(9).events, exchange="1:x").outcome is F
    refused = Story().add(Kind.SENT).add(Kind.RECEIVED, status=488)
    assert no_data_channel(refused.events, exchange="1:x").outcome is H
    busy = Story().add(Kind.SENT).add(Kind.RECEIVED, status=486)
    assert no_data_channel(busy.events, exchange="1:x").outcome is U
    assert no_data_channel([], exchange="1:x").outcome is U


def test_a_payload_is_found_inside_a_packet_that_came_in() -> None:
    story = Story().add(Kind.RECEIVED, data=b"\x80header" + b"marker")
    wanted, other = (base64.b64encode(one).decode() for one in (b"marker", b"other"))
    assert payload_arrived(story.events, exchange="1:x", payload=wanted).outcome is H
    assert payload_not_arrived(story.events, exchange="1:x", payload=wanted).outcome is F
    assert payload_arrived(story.events, exchange="1:x", payload=other).outcome is F
    assert payload_not_arrived(story.events, exchange="1:x", payload=other).outcome is H


def test_a_data_channel_that_is_given_is_the_opposite_of_one_that_is_not() -> None:
    def answered(port: int) -> Outcome:
        data = ANSWER.format(port=port).encode()
        story = Story().add(Kind.SENT, transport="udp", data=b"INVITE")
        story.add(Kind.RECEIVED, transport="udp", data=data, sip="response", status=200)
        return gives_data_channel(story.events, exchange="1:x").outcome

    assert answered(9) is H
    assert answered(0) is F


def test_what_is_offered_to_the_other_end_counts_after_it_was_sent() -> None:
    offered = b"v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    story = Story().add(Kind.RECEIVED, "1:before", "udp", data=offered).add(Kind.SENT, "2:offer", "udp", data=offered)
    assert no_data_channel_offered(story.events, sent="2:offer", actor="tester").outcome is H
    story.add(Kind.RECEIVED, "3:in", "udp", data=offered)
    assert no_data_channel_offered(story.events, sent="2:offer", actor="tester").outcome is F
    assert no_data_channel_offered(story.events, sent="2:offer", actor="ue-b").outcome is H
    assert no_data_channel_offered([], sent="2:offer", actor="ue-b").outcome is U
