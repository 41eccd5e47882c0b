"""What messages tell whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.privacy import (
    answers_alike,
    errors_tell_nothing,
    headers_never_told,
    never_told,
    no_product_told,
    no_version_told,
    not_named_in,
    reginfo_ids_opaque,
)
from imsproof.seams import Event, Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def answer(status: int, *headers: str, body: str = "", exchange: str = "1:x", reason: str = "x") -> list[Event]:
    text = f"SIP/2.0 {status} {reason}\r\n" + "".join(f"{one}\r\n" for one in headers) + "\r\n" + body
    return Story().add(Kind.RECEIVED, exchange, data=text.encode(), sip="response", status=status).events


def request(*headers: str, body: str = "", actor: str = "ue-b", method: str = "INVITE") -> list[Event]:
    text = f"{method} sip:b@x SIP/2.0\r\n" + "".join(f"{one}\r\n" for one in headers) + "\r\n" + body
    event = Story().add(Kind.RECEIVED, data=text.encode(), sip="request", method=method).events[0]
    return [replace(event, actor=actor)]


@pytest.mark.parametrize(
    ("banner", "version", "product"),
    [
        ("Server: kamailio (5.6.3 (x86_64/linux))", F, F),
        ("Server: Acme/4", F, F),
        ("User-Agent: Acme SBC v10.2", F, F),
        ("Server: kamailio", H, F),
        ("Subject: x", H, H),
    ],
)
def test_a_version_is_worse_than_a_name(banner: str, version: Outcome, product: Outcome) -> None:
    events = answer(200, banner)
    assert no_version_told(events, exchanges=["1:x"]).outcome is version
    assert no_product_told(events, exchanges=["1:x"]).outcome is product


def test_without_an_answer_no_version_can_be_told() -> None:
    assert no_version_told([], exchanges=["1:x"]).outcome is U


@pytest.mark.parametrize(
    "events",
    [
        answer(500, 'Warning: 399 a "Traceback (most recent call last)"'),
        answer(500, "Reason: failed in parser.c:120"),
        answer(404, reason="java.lang.NullPointerException"),
        answer(500, body="SELECT impi FROM users"),
        answer(400, 'Warning: 392 10.0.0.1:5060 "Noisy feedback tells: pid=12"'),
        answer(500, body="/opt/ims/conf/route.cfg"),
    ],
)
def test_an_error_that_tells_of_the_inside_fails(events: list[Event]) -> None:
    assert errors_tell_nothing(events, exchanges=["1:x"]).outcome is F


@pytest.mark.parametrize(
    "events",
    [
        answer(403, reason="Forbidden"),
        answer(404, reason="User Not Found"),
        answer(400, 'Warning: 307 isi.edu "Session parameter foo not understood"'),
        answer(488, "Reason: SIP;cause=488"),
        answer(420, "Unsupported: a/b"),
    ],
)
def test_an_ordinary_error_tells_nothing(events: list[Event]) -> None:
    assert errors_tell_nothing(events, exchanges=["1:x"]).outcome is H


def test_errors_are_needed_to_read_them() -> None:
    assert errors_tell_nothing(answer(200), exchanges=["1:x"]).outcome is U


def test_a_text_is_found_in_whatever_part_of_a_message() -> None:
    texts = {"the location": "cell-42"}
    assert never_told(request("P-Access-Network-Info: x; c=CELL-42"), actor="ue-b", texts=texts).outcome is F
    assert never_told(request(body="cell-42"), actor="ue-b", texts=texts).outcome is F
    assert never_told(request(), actor="ue-b", texts=texts).outcome is H
    assert never_told(request("X: cell-42"), actor="ue-a", texts=texts).outcome is U


def test_headers_of_the_network_are_found() -> None:
    names = ["P-Charging-Vector"]
    assert headers_never_told(request("P-Charging-Vector: x"), actor="ue-b", names=names).outcome is F
    assert headers_never_told(request(), actor="ue-b", names=names).outcome is H
    assert headers_never_told([], actor="ue-b", names=names).outcome is U


def test_an_identity_is_found_in_the_named_headers_only() -> None:
    asked = {"exchange": "1:x", "method": "INVITE", "names": ["From"], "texts": {"identity": "sip:a@x"}}
    assert not_named_in(request("From: <sip:A@x>"), **asked).outcome is F
    assert not_named_in(request("Contact: <sip:a@x>"), **asked).outcome is H
    assert not_named_in([], **asked).outcome is U


CHALLENGE = 'WWW-Authenticate: Digest realm="{0}", nonce="{1}", algorithm=MD5, qop="auth"'


@pytest.mark.parametrize(
    ("other", "outcome"),
    [
        (answer(401, CHALLENGE.format("x", "bbbb"), exchange="2:x"), H),
        (answer(404, exchange="2:x"), F),
        (answer(401, CHALLENGE.format("x", "longer"), exchange="2:x"), F),
        (answer(401, CHALLENGE.format("y", "bbbb"), exchange="2:x"), F),
        (answer(401, CHALLENGE.format("x", "bbbb"), "Server: x", exchange="2:x"), F),
        (answer(401, exchange="2:x"), F),
        ([], U),
    ],
)
def test_answers_are_compared_by_their_form(other: list[Event], outcome: Outcome) -> None:
    known = answer(401, CHALLENGE.format("x", "aaaa"))
    assert answers_alike([*known, *other], exchange="1:x", other="2:x").outcome is outcome


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ('<registration aor="sip:+49301@x" id="a7f3"><contact id="b1"/></registration>', H),
        ('<registration aor="sip:+49301@x" id="00101@x"/>', F),
        ('<registration aor="sip:+49301@x" id="r-49301"/>', F),
        ('<registration aor="sip:+49301@x" id="a7f3" impi="00101@x"/>', F),
        ("", U),
    ],
)
def test_ids_of_registration_states_are_opaque(document: str, outcome: Outcome) -> None:
    events = request(body=document, method="NOTIFY")
    found = reginfo_ids_opaque(events, exchange="1:x", identities=["00101@x", "sip:+49301@x"])
    assert found.outcome is outcome


def test_a_version_within_a_warning_is_told_too() -> None:
    told = no_version_told(answer(403, 'Warning: 399 x "Odd-Core/3.1.4 dislikes it"'), exchanges=["1:x"])
    assert (told.outcome, told.sentence) == (F, "1:x: Warning tells Odd-Core/3.1.4")
    assert no_version_told(answer(403, 'Warning: 399 x "SIP/2.0 alone"'), exchanges=["1:x"]).outcome is H
