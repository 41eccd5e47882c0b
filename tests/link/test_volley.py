"""Volleys: all is sent in order, answers are taken, refusals told, and only sums are journalled."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.conftest import events

from imsproof.link.volley import Volley
from imsproof.seams import Kind, OutOfScopeError

if TYPE_CHECKING:
    from imsproof.link.session import Session


@pytest.fixture
def echo() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(5)
    return made


def test_all_is_sent_in_order_and_sums_are_journalled(session: Session, echo: socket.socket) -> None:
    with echo, Volley(session, "fuzzer", "1:x", echo.getsockname()) as volley:
        volley.fire([b"%d" % number for number in range(100)], lambda _: False, 0)
        assert [echo.recv(10) for _ in range(100)] == [b"%d" % number for number in range(100)]
    assert [(one.kind, one.facts["sent"]) for one in events(session)] == [(Kind.COUNTED, 100)]


def test_it_ends_at_the_answer_that_is_waited_for(session: Session, echo: socket.socket) -> None:
    with echo, Volley(session, "fuzzer", "1:x", echo.getsockname(), journal=False) as volley:
        for answer in (b"other", b"wanted", b"late"):
            echo.sendto(answer, volley.local)
        assert volley.fire([], lambda data: data == b"wanted", 5) == [b"other", b"wanted"]
    assert events(session) == []


def test_a_closed_port_is_told(session: Session) -> None:
    with Volley(session, "fuzzer", "1:x", ("127.0.0.1", 9)) as volley:
        volley.fire([b"x"], lambda _: False, 1)
        assert volley.refused


def test_nothing_goes_out_of_scope(session: Session) -> None:
    with pytest.raises(OutOfScopeError):
        Volley(session, "fuzzer", "1:x", ("192.0.2.1", 9))


def test_a_refusal_of_an_earlier_datagram_is_told_and_the_next_is_sent_all_the_same(session: Session) -> None:
    with Volley(session, "fuzzer", "1:x", ("127.0.0.1", 9)) as volley:
        volley.fire([b"x"] * 40, lambda _: False, 0)
        assert volley.refused
        assert volley.sent == 40
