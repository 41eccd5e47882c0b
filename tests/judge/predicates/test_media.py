"""Associations and payloads."""

from __future__ import annotations

import base64

from tests.judge.events import Story

from imsproof.judge.predicates.media import (
    association_up,
    no_association,
    no_data_channel,
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
    assert no_data_channel([], exchange="1:x").outcome is U


def test_a_payload_is_found_inside_a_packet_that_came_in() -> None:
    story = Story().add(Kind.RECEIVED, data=b"\x80header" + b"marker")
    wanted, other = (base64.b64encode(one).decode() for one in (b"marker", b"other"))
    assert payload_arrived(story.events, exchange="1:x", payload=wanted).outcome is H
    assert payload_not_arrived(story.events, exchange="1:x", payload=wanted).outcome is F
    assert payload_arrived(story.events, exchange="1:x", payload=other).outcome is F
    assert payload_not_arrived(story.events, exchange="1:x", payload=other).outcome is H
