"""UDP: events and tap for what crosses, silence, refusals, and the guard before each datagram."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.conftest import events, kinds

from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.udp import UdpEndpoint, is_free
from imsproof.seams import HarnessError, Kind, OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """A UDP socket of a lab."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(3)
        yield far


def test_a_datagram_and_its_answer_are_in_journal_and_tap(session: Session, far: socket.socket) -> None:
    endpoint = session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=far.getsockname()))
    session.run(endpoint.send(b"ping", facts={"injected": True}))
    data, source = far.recvfrom(100)
    far.sendto(b"pong", source)
    assert session.run(endpoint.receive(2)) == (b"pong", far.getsockname())
    assert data == b"ping"
    assert kinds(session) == [Kind.OPENED, Kind.SENT, Kind.RECEIVED]
    sent, received = events(session)[1:]
    assert (sent.data, sent.facts, sent.local) == (b"ping", {"injected": True}, source)
    assert (received.data, received.remote) == (b"pong", far.getsockname())
    assert [(p.source, p.target, p.data) for p in session.packets] == [
        (source, far.getsockname(), b"ping"),
        (far.getsockname(), source, b"pong"),
    ]


def test_silence_is_none(session: Session, far: socket.socket) -> None:
    endpoint = session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=far.getsockname()))
    assert session.run(endpoint.receive(0.05)) is None


def test_a_closed_port_is_a_refusal(session: Session, far: socket.socket) -> None:
    address = far.getsockname()
    far.close()
    endpoint = session.run(UdpEndpoint.open(session, "outsider", "1:X", remote=address))
    session.run(endpoint.send(b"ping"))
    assert session.run(endpoint.receive(2)) is None
    assert "refused" in endpoint.refused
    assert kinds(session)[-1] is Kind.REFUSED


def test_an_unconnected_socket_names_its_own_address_and_takes_any_peer(session: Session, far: socket.socket) -> None:
    endpoint = session.run(UdpEndpoint.open(session, "ue-a", "1:X", toward=far.getsockname()))
    assert endpoint.local[0] == "127.0.0.1"
    far.sendto(b"hello", endpoint.local)
    assert session.run(endpoint.receive(2)) == (b"hello", far.getsockname())


def test_facts_and_exchange_of_what_is_received_come_from_describe(session: Session, far: socket.socket) -> None:
    endpoint = session.run(
        UdpEndpoint.open(
            session, "ue-a", "1:X", toward=far.getsockname(), describe=lambda data: ("7:Y", {"size": len(data)})
        )
    )
    far.sendto(b"hello", endpoint.local)
    session.run(endpoint.receive(2))
    assert (events(session)[-1].exchange, events(session)[-1].facts) == ("7:Y", {"size": 5})


def test_a_quiet_socket_is_tapped_but_writes_no_events(session: Session, far: socket.socket) -> None:
    endpoint = session.run(UdpEndpoint.open(session, "peer", "1:X", remote=far.getsockname(), quiet=True))
    session.run(endpoint.send(b"ping"))
    assert session.record.events == []
    assert [packet.data for packet in session.packets] == [b"ping"]


def test_an_unconnected_socket_sends_nothing_out_of_scope(session: Session) -> None:
    endpoint = session.run(UdpEndpoint.open(session, "ue-a", "1:X", toward=("127.0.0.1", 9)))
    with pytest.raises(OutOfScopeError):
        session.run(endpoint.send(b"x", ("192.0.2.1", 5060)))
    assert session.packets == []


def test_an_address_in_use_is_named(session: Session, far: socket.socket) -> None:
    with pytest.raises(HarnessError, match="cannot be opened"):
        session.run(UdpEndpoint.open(session, "ue-a", "1:X", local=far.getsockname()))


def test_sending_on_a_closed_socket_is_an_error_with_a_name(session: Session, far: socket.socket) -> None:
    endpoint = session.run(UdpEndpoint.open(session, "ue-a", "1:X", remote=far.getsockname()))
    session.run(endpoint.aclose())
    with pytest.raises(ConnectionFailedError):
        session.run(endpoint.send(b"x"))


def test_ipv6_works(session: Session) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as far:
        try:
            far.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        far.settimeout(3)
        remote = far.getsockname()[:2]
        endpoint = session.run(UdpEndpoint.open(session, "ue-a", "1:X", toward=remote))
        session.run(endpoint.send(b"six", remote))
        assert far.recvfrom(10)[0] == b"six"
        assert endpoint.local[0] == "::1"


def test_an_address_is_free_when_no_udp_or_tcp_socket_has_it(far: socket.socket) -> None:
    taken = far.getsockname()
    assert not is_free(taken)
    far.close()
    assert is_free(taken)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname())
