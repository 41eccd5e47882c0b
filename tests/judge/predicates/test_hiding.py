"""Is a network's inside seen from outside?"""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.hiding import (
    hidden_afresh,
    hidden_as_constants,
    inner_hidden,
    inner_never_told,
    tells,
)
from imsproof.seams import Event, Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
INNER = ["192.0.2.1", "scscf.home.example"]


def invite(*headers: str, exchange: str = "1:x", body: str = "") -> list[Event]:
    text = "INVITE sip:b@far SIP/2.0\r\n" + "".join(f"{one}\r\n" for one in headers) + "\r\n" + body
    event = Story().add(Kind.RECEIVED, exchange, data=text.encode(), sip="request", method="INVITE").events[0]
    return [replace(event, actor="far")]


@pytest.mark.parametrize(
    "text",
    [
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        "<sip:SCSCF.home.example;lr>",
        "<sip:scscf%2Ehome%2Eexample;lr>",
        f"<sip:{base64.urlsafe_b64encode(b'<sip:192.0.2.1;lr>').decode().rstrip('=')}@hidden;lr>",
        f"x;token={base64.b64encode(b'sip:192.0.2.1:5060').decode()}",
        f"<sip:{b'<sip:192.0.2.1;lr>'.hex()}@hidden;lr>",
    ],
)
def test_an_inner_address_is_found_in_whatever_writing(text: str) -> None:
    assert tells(text, INNER)


@pytest.mark.parametrize("text", ["192.0.2.10", "1192.0.2.1", "192.0.2.1.example", "ascscf.home.example", ""])
def test_another_address_is_not_taken_for_an_inner_one(text: str) -> None:
    assert tells(text, INNER) == ""


def test_the_named_headers_are_read_and_others_are_not() -> None:
    def judge(events: list[Event]) -> Outcome:
        return inner_hidden(events, actor="far", names=["Via", "Record-Route"], hidden=INNER).outcome

    assert judge(invite("Via: SIP/2.0/UDP 192.0.2.1")) is F
    assert judge(invite("Via: SIP/2.0/UDP 192.0.2.9", "Subject: 192.0.2.1")) is H
    assert judge(invite("Subject: x")) is U
    assert judge([]) is U


def test_every_part_is_read() -> None:
    assert inner_never_told(invite("Subject: 192.0.2.1"), actor="far", hidden=INNER).outcome is F
    assert inner_never_told(invite(body="c=IN IP4 192.0.2.1"), actor="far", hidden=INNER).outcome is F
    assert inner_never_told(invite("Subject: x"), actor="far", hidden=INNER).outcome is H
    assert inner_never_told([], actor="far", hidden=INNER).outcome is U


def two(first: str, second: str) -> list[Event]:
    own = "Record-Route: <sip:ibcf;lr>"
    return [
        *invite(own, f"Record-Route: <sip:{first}@hidden;lr>"),
        *invite(own, f"Record-Route: <sip:{second}@hidden;lr>", exchange="2:x"),
    ]


def test_constants_are_the_same_and_tokens_are_not() -> None:
    names = {"exchange": "1:x", "other": "2:x"}
    assert hidden_as_constants(two("hop1", "hop1"), **names).outcome is H
    assert hidden_as_constants(two("a", "b"), **names).outcome is F
    assert hidden_afresh(two("a", "b"), **names).outcome is H
    assert hidden_afresh(two("a", "a"), **names).outcome is F
    assert hidden_afresh(invite("Record-Route: <sip:ibcf;lr>"), **names).outcome is U
