"""What must not be passed on, and what a proxy may leave as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.torture import Aim
from imsproof.codec.torture.draft import Draft, line
from imsproof.fuzzing.forward import headers_of, wrongly_passed_on

OWN = "192.0.2.1:5060"


def request(hops: str = "70", *more: str) -> bytes:
    draft = Draft("MESSAGE", Aim(token="0" * 16, sent_by=OWN))
    draft.lines[draft.find("Max-Forwards")] = f"Max-Forwards: {hops}"
    for one in more:
        line(one)(draft)
    return draft.to_bytes()


def passed(data: bytes, hops: str = "69") -> bytes:
    """Do what a proxy does: a Via on top, one hop less."""
    first, _, rest = data.partition(b"\r\n")
    via = b"\r\nVia: SIP/2.0/UDP p.example;branch=z9hG4bKa\r\n"
    head, _, tail = rest.partition(b"Max-Forwards: ")
    return first + via + head + f"Max-Forwards: {hops}\r\n".encode() + tail.partition(b"\r\n")[2]


def test_a_right_proxy_is_never_blamed() -> None:
    assert wrongly_passed_on(request(), passed(request()), OWN) == ""
    odd = request("70", "Broken header without a colon", "To: twice", 'Subject: "unclosed')
    assert wrongly_passed_on(odd, passed(odd), OWN) == ""
    absent = request().replace(b"Max-Forwards: 70\r\n", b"")
    assert wrongly_passed_on(absent, passed(request(), "70"), OWN) == ""


@pytest.mark.parametrize(
    ("sent", "received", "why"),
    [
        (request("0"), passed(request("0"), "0"), "no hops left"),
        (request("70"), passed(request("70"), "70"), "not counted"),
        (
            request("70", "Proxy-Require: nobody-knows"),
            passed(request("70", "Proxy-Require: nobody-knows")),
            "extension",
        ),
        (request(), passed(request()).replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1), "first line"),
        (request(), passed(request()).replace(b"Via: SIP/2.0/UDP p", b"Via: p", 1), "topmost Via"),
        (request(), passed(request()).replace(b"Content-Length: 0", b"Content-Length: 9"), "longer than"),
    ],
)
def test_what_a_proxy_has_to_look_at_is_judged(sent: bytes, received: bytes, why: str) -> None:
    assert why in wrongly_passed_on(sent, received, OWN)


def test_a_request_that_somebody_in_between_made_is_his_own() -> None:
    sent = request("0", "Proxy-Require: nobody-knows")
    received = passed(sent, "70").replace(OWN.encode(), b"b2bua.example")
    assert wrongly_passed_on(sent, received, OWN) == ""


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_anything_can_be_asked_about(sent: bytes, received: bytes) -> None:
    assert isinstance(wrongly_passed_on(sent, received, OWN), str)


def test_headers_are_read_by_line_ends_and_folds() -> None:
    assert headers_of(b"A b c\r\nX: 1\r\n  2\r\ny\r\n\r\nbody") == (b"A b c", [("x", "1 2"), ("y", "")], b"body")
