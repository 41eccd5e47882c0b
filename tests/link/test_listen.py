"""The trap: who connects is written down, and nothing else happens."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.conftest import events

from imsproof.link.listen import TrapListener
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session


def opened(session: Session) -> TrapListener:
    return session.run(TrapListener.open(session, "trap", "1:trap", ("127.0.0.1", 9)))


def test_nobody_came(session: Session) -> None:
    trap = opened(session)
    assert session.run(trap.wait(0.05)) is False
    assert [event.kind for event in events(session, "1:trap")] == [Kind.NOTE]


def test_an_arrival_is_written_down_with_what_it_said(session: Session) -> None:
    trap = opened(session)
    with socket.create_connection(trap.address) as visitor:
        visitor.sendall(b"GET /keys HTTP/1.1\r\n\r\n")
        assert session.run(trap.wait(2))
    arrival = events(session, "1:trap")[-1]
    assert (arrival.kind, arrival.data[:9]) == (Kind.RECEIVED, b"GET /keys")
    assert [flow.protocol for flow in session.flows] == ["tcp"]


def test_the_port_is_free_after_the_session(session: Session) -> None:
    trap = opened(session)
    session.close()
    with socket.socket() as other:
        other.bind(trap.address)
