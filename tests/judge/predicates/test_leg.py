"""Whether a tapped leg is protected."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.judge.predicates.leg import leg_protected
from imsproof.seams import Kind, Outcome

LIST = b'{"applications": ["whiteboard", "games"]}'


def outcome(*flows: tuple[str, bytes]) -> Outcome:
    story = Story().add(Kind.RECEIVED, "1:GET", "http", data=LIST, status=200)
    for protocol, data in flows:
        story.add(Kind.RECEIVED, "2:leg", "", data=data, flow=protocol, text=f"{protocol} flow")
    story.add(Kind.COUNTED, "2:leg", "", flows=len(flows))
    return leg_protected(story.events, exchange="2:leg", answer="1:GET").outcome


def test_tls_dtls_and_esp_are_protected() -> None:
    for flow in (("tcp", b"\x16\x03\x01\x02"), ("tcp", b"\x17\x03\x03"), ("udp", b"\x16\xfe\xff"), ("esp", b"x")):
        assert outcome(flow) is outcome(flow, ("tcp", b"something else")) is Outcome.HOLDS


def test_http_and_what_was_answered_are_not() -> None:
    sealed = ("tcp", b"\x17\x03\x03")
    assert outcome(sealed, ("tcp", b"GET /apps/ HTTP/1.1\r\n")) is Outcome.FAILS
    assert outcome(sealed, ("tcp", b"HTTP/1.1 200 OK\r\n")) is Outcome.FAILS
    assert outcome(sealed, ("udp", b"framed: " + LIST)) is Outcome.FAILS


def test_a_tap_that_sees_nothing_decides_nothing() -> None:
    assert outcome() is outcome(("tcp", b"something else")) is Outcome.UNKNOWN
