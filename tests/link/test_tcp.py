"""TCP: what a hostile or dying server does ends in an event and a clear error, never in a hang."""

from __future__ import annotations

import socket
import struct

import pytest
from tests.conftest import Serve, events, kinds

from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.tcp import TcpStream
from imsproof.seams import Address, HarnessError, Kind, OutOfScopeError


def connect(session: Session, address: Address) -> TcpStream:
    return session.run(TcpStream.open(session, "outsider", "1:X", address))


def test_bytes_both_ways_are_in_journal_and_tap(session: Session, serve: Serve) -> None:
    stream = connect(session, serve(lambda peer: peer.sendall(peer.recv(100).upper())))
    session.run(stream.send(b"hello"))
    assert session.run(stream.receive(2)) == b"HELLO"
    assert session.run(stream.receive(2)) == b""
    session.run(stream.aclose())
    assert kinds(session) == [Kind.OPENED, Kind.SENT, Kind.RECEIVED, Kind.CLOSED]
    assert events(session)[-1].facts == {"reason": "closed by the lab", "by": "lab"}
    assert [packet.flags for packet in session.packets] == ["open", "", "", "close"]
    assert session.flows[0].closed_ns is not None


def test_a_closed_port_is_refused_and_has_its_flow(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionFailedError, match="refused"):
        connect(session, address)
    assert kinds(session) == [Kind.REFUSED]
    assert session.flows[0].local[1] > 0
    assert session.flows[0].closed_ns is not None


def test_a_reset_is_told_from_a_close(session: Session, serve: Serve) -> None:
    def reset(peer: socket.socket) -> None:
        peer.recv(10)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    stream = connect(session, serve(reset))
    session.run(stream.send(b"x"))
    assert session.run(stream.receive(2)) == b""
    assert stream.ended == "reset by the lab"
    assert session.packets[-1].flags == "reset"
    with pytest.raises(ConnectionFailedError):
        session.run(stream.send(b"y"))


def test_nothing_is_none_in_time(session: Session, serve: Serve) -> None:
    def wait(peer: socket.socket) -> None:
        peer.recv(10)

    stream = connect(session, serve(wait))
    assert session.run(stream.receive(0.05)) is None


def test_an_endless_body_holds_no_more_memory_than_the_bound(session: Session, serve: Serve) -> None:
    def flood(peer: socket.socket) -> None:
        while True:
            peer.sendall(b"x" * 65536)

    stream = connect(session, serve(flood))
    for _ in range(20):
        assert session.run(stream.receive(2, limit=1000))
    assert len(stream._buffer) < 2 * 1024 * 1024


def test_a_large_message_arrives_whole(session: Session, serve: Serve) -> None:
    def count(peer: socket.socket) -> None:
        size = 0
        while size < 3_000_000:
            size += len(peer.recv(65536))
        peer.sendall(str(size).encode())

    stream = connect(session, serve(count))
    session.run(stream.send(b"x" * 3_000_000))
    assert session.run(stream.receive(5)) == b"3000000"


def test_the_tester_can_reset(session: Session, serve: Serve) -> None:
    seen: list[str] = []

    def wait(peer: socket.socket) -> None:
        try:
            peer.recv(10)
            seen.append("closed")
        except ConnectionResetError:
            seen.append("reset")
        peer.close()

    address = serve(wait)
    stream = connect(session, address)
    session.run(stream.reset())
    assert events(session)[-1].facts == {"reason": "reset by the tester", "by": "tester"}


def test_an_address_out_of_scope_is_never_connected_to(session: Session) -> None:
    with pytest.raises(OutOfScopeError):
        connect(session, ("192.0.2.1", 80))
    assert session.flows == []


def test_a_local_address_that_is_not_ours_is_named(session: Session) -> None:
    with pytest.raises(HarnessError, match=r"192\.0\.2\.9"):
        session.run(TcpStream.open(session, "x", "1:X", ("127.0.0.1", 9), local=("192.0.2.9", 0)))
