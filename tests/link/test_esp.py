"""The raw socket for ESP, on loopback."""

from __future__ import annotations

import queue
import socket
from typing import TYPE_CHECKING

import pytest

from imsproof.codec import ipv4
from imsproof.link.esp import PROTOCOL, EncapsulatedEsp, EspSocket, raw_sockets
from imsproof.seams import InconclusiveError, OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Session

UE, PCSCF = "127.0.0.1", "127.77.1.10"


def packet(spi: int) -> bytes:
    return spi.to_bytes(4, "big") + bytes(12)


@pytest.fixture
def network() -> Iterator[socket.socket]:
    """The other end, where this process may have one."""
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    except PermissionError:
        pytest.skip("no right to raw sockets")
    raw.bind((PCSCF, 0))
    raw.settimeout(5)
    yield raw
    raw.close()


def test_it_is_told_when_icmp_says_that_nobody_takes_esp(session: Session, network: socket.socket) -> None:
    """And the socket serves on: anybody may have sent that."""

    async def open_one() -> EspSocket:
        return await EspSocket.open(session, "ue-a", UE, PCSCF)

    esp = session.run(open_one())
    told: queue.Queue[bool] = queue.Queue()
    esp.on_unreachable = lambda: told.put(True)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as stranger:
        stranger.bind((PCSCF, 0))
        for _ in range(2):
            session.run(esp.send(packet(9), "1:x"))
            quoted = network.recv(100)
            stranger.sendto(ipv4.unreachable(quoted, ipv4.PROTOCOL_UNREACHABLE), (UE, 0))
            assert told.get(timeout=5)
    session.run(esp.aclose())


def test_packets_of_known_spis_come_in_and_all_pass_the_tap(session: Session, network: socket.socket) -> None:
    async def open_one() -> EspSocket:
        made = await EspSocket.open(session, "ue-a", UE, PCSCF)
        made.know(incoming=[7], outgoing=[9])
        return made

    esp = session.run(open_one())
    got: queue.Queue[bytes] = queue.Queue()
    esp.on_packet = got.put
    session.run(esp.send(packet(9), "1:x"))
    data, peer = network.recvfrom(100)
    assert (data[20:], peer[0]) == (packet(9), UE)
    network.sendto(packet(8), (UE, 0))
    network.sendto(packet(7), (UE, 0))
    assert got.get(timeout=5) == packet(7)
    assert [(one.protocol, one.data) for one in session.packets] == [("esp", packet(9)), ("esp", packet(7))]
    assert {flow.local[1] for flow in session.flows} == {7, 9}
    session.run(esp.send(packet(11), "1:x"))
    assert {flow.local[1] for flow in session.flows} == {7, 9, 11}, "an unknown SPI belongs to the purpose, too"
    session.run(esp.aclose())
    assert all(flow.closed_ns for flow in session.flows)


def test_without_the_right_it_is_inconclusive(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr("imsproof.link.esp.socket.socket", denied)
    with pytest.raises(InconclusiveError, match="CAP_NET_RAW"):
        session.run(EspSocket.open(session, "ue-a", UE, PCSCF))


def test_a_peer_out_of_scope_is_refused(session: Session) -> None:
    with pytest.raises(OutOfScopeError):
        session.run(EspSocket.open(session, "ue-a", UE, "192.0.2.1"))


def test_in_udp_no_raw_socket_is_needed(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as network:
        network.bind((UE, 0))
        network.settimeout(5)
        where = network.getsockname()

        async def open_one() -> EncapsulatedEsp:
            made = await EncapsulatedEsp.open(session, "ue-a", "1:x", UE, where)
            made.know(incoming=[7], outgoing=[9])
            return made

        esp = session.run(open_one())
        got: queue.Queue[bytes] = queue.Queue()
        esp.on_packet = got.put
        session.run(esp.send(packet(9), "1:x"))
        data, peer = network.recvfrom(100)
        assert data == packet(9)
        network.sendto(packet(8), peer)
        network.sendto(packet(7), peer)
        assert got.get(timeout=5) == packet(7)
        session.run(esp.aclose())


def test_the_right_to_raw_sockets_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr("imsproof.link.esp.socket.socket", denied)
    assert not raw_sockets()
