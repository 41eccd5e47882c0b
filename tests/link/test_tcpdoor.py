"""A door for the lab's connections, also where one of the tester's begins."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from tests.conftest import Serve, events

from imsproof.link import tcpdoor
from imsproof.link.tcp import TcpStream
from imsproof.link.tcpdoor import TcpDoor
from imsproof.seams import Kind

if TYPE_CHECKING:
    import pytest

    from imsproof.link.session import Session


def hold(peer: socket.socket) -> None:
    """Keep a connection until the other end closes it."""
    peer.recv(1)


def opened(session: Session, serve: Serve) -> tuple[TcpStream, TcpDoor, asyncio.Queue[TcpStream]]:
    """A connection of the tester, and a door at its own end."""
    taken: asyncio.Queue[TcpStream] = asyncio.Queue()
    own = session.run(TcpStream.open(session, "ue-a", "own", serve(hold), quiet=True))
    door = session.run(TcpDoor.open(session, "ue-a", "own", own.local, taken.put_nowait))
    return own, door, taken


def test_the_lab_may_connect_to_where_a_connection_of_the_tester_begins(session: Session, serve: Serve) -> None:
    own, door, taken = opened(session, serve)
    with socket.create_connection(own.local, timeout=5) as peer:
        stream = session.run(taken.get())
        assert stream.remote == peer.getsockname()
        peer.sendall(b"hello")
        assert session.run(stream.receive(5)) == b"hello"
        session.run(stream.send(b"well"))
        assert peer.recv(10) == b"well"
    assert session.run(stream.receive(5)) == b""
    door.close()
    told = [event.facts["reason"] for event in events(session) if event.kind in (Kind.OPENED, Kind.CLOSED)]
    assert told == ["TCP connection opened", "TCP connection taken", "closed by the lab"]


def test_no_more_are_taken_than_the_door_allows(
    session: Session, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcpdoor, "MAX_TAKEN", 1)
    own, door, taken = opened(session, serve)
    with socket.create_connection(own.local, timeout=5), socket.create_connection(own.local, timeout=5) as second:
        assert second.recv(1) == b""
    session.run(taken.get())
    assert taken.empty()
    ends = [event.facts["by"] for event in events(session) if event.kind is Kind.CLOSED]
    assert ends[0] == "tester"
    door.close()
