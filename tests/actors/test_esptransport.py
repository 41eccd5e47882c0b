"""The protected transport: what it seals, alters on purpose, and writes down for Wireshark."""

from __future__ import annotations

import dataclasses
import queue
import socket
from typing import TYPE_CHECKING

import pytest

from imsproof.actors.esptransport import Agreed, Altered, Ends, EspTransport, esp_sa
from imsproof.codec import esp, udp
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Session

UE, PCSCF = "127.0.0.1", "127.77.2.10"
REQUEST = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKb\r\n\r\n"
ANSWER = b"SIP/2.0 200 OK\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKb\r\n\r\n"


def agreed(alg: str = "hmac-sha-1-96", ealg: str = "aes-cbc") -> Agreed:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        one.bind((UE, 0))
        two.bind((UE, 0))
        ports = one.getsockname()[1], two.getsockname()[1]
    return Agreed(alg, ealg, Ends(1001, 1002, *ports), Ends(2001, 2002, 5064, 5066), bytes(16), bytes(range(16)))


@pytest.fixture
def network() -> Iterator[socket.socket]:
    """The network's raw socket, where this process may have one."""
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
    except PermissionError:
        pytest.skip("no right to raw sockets")
    raw.bind((PCSCF, 0))
    raw.settimeout(5)
    yield raw
    raw.close()


def of_kind(session: Session, kind: Kind) -> list[Event]:
    return [event for event in session.record.events if event.kind is kind]


def protect(session: Session, what: Agreed) -> EspTransport:
    return session.run(EspTransport.protect(session, "ue-a", (UE, PCSCF), what, "1:x"))


def test_a_message_goes_out_sealed_and_an_answer_comes_in_opened(session: Session, network: socket.socket) -> None:
    what = agreed()
    transport = protect(session, what)
    got: queue.Queue[bytes] = queue.Queue()
    transport.on_message = lambda data, _source, _exchange: got.put(data)
    session.run(transport.send(REQUEST, "1:x"))
    opened = what.association(2002).open(network.recv(4096)[20:])
    assert udp.parse(opened.payload) == (what.own.port_c, 5066, REQUEST)
    datagram = udp.build((PCSCF, 5064), (UE, what.own.port_s), ANSWER)
    network.sendto(what.association(1002).seal(1, datagram, bytes(16)), (UE, 0))
    assert got.get(timeout=5) == ANSWER
    received = of_kind(session, Kind.RECEIVED)[-1]
    assert (received.transport, received.local, received.remote) == ("esp", (UE, what.own.port_s), (PCSCF, 5064))
    assert received.facts["ealg"] == "aes-cbc"
    session.run(transport.aclose())


def test_requests_are_altered_and_answers_are_not(session: Session, network: socket.socket) -> None:
    what = agreed()
    transport = protect(session, what)
    transport.altering = Altered("a broken ICV", spoil=lambda packet: packet[:-1] + bytes((packet[-1] ^ 1,)))
    session.run(transport.send(REQUEST, "1:x"))
    with pytest.raises(esp.EspIntegrityError):
        what.association(2002).open(network.recv(4096)[20:])
    assert of_kind(session, Kind.SENT)[-1].facts["altered"] == "a broken ICV"
    session.run(transport.send(ANSWER, "1:x"))
    assert what.association(2002).open(network.recv(4096)[20:]).sequence == 2
    transport.altering = Altered("again", packet=transport.last[0])
    session.run(transport.send(REQUEST, "1:x"))
    assert network.recv(4096)[20:] == transport.last[0]
    transport.altering = Altered("no encryption", association=dataclasses.replace(transport.outgoing, ealg="null"))
    session.run(transport.send(REQUEST, "1:x"))
    assert REQUEST in network.recv(4096)
    session.run(transport.aclose())


def test_a_replayed_packet_is_written_down_and_not_handed_on(session: Session, network: socket.socket) -> None:
    what = agreed()
    transport = protect(session, what)
    got: queue.Queue[bytes] = queue.Queue()
    transport.on_message = lambda data, _source, _exchange: got.put(data)
    for sequence, data in ((1, ANSWER), (1, ANSWER), (2, REQUEST)):
        datagram = udp.build((PCSCF, 5064), (UE, what.own.port_s), data)
        network.sendto(what.association(1002).seal(sequence, datagram, bytes(16)), (UE, 0))
    assert [got.get(timeout=5), got.get(timeout=5)] == [ANSWER, REQUEST]
    assert [event.facts.get("replayed") for event in of_kind(session, Kind.RECEIVED)] == [None, True, None]
    session.run(transport.aclose())


@pytest.mark.parametrize(
    ("alg", "ealg", "names"),
    [
        ("hmac-sha-1-96", "aes-cbc", ("AES-CBC [RFC3602]", "HMAC-SHA-1-96 [RFC2404]")),
        ("null", "aes-gcm", ("AES-GCM with 16 octet ICV [RFC4106]", "NULL")),
        ("aes-gmac", "null", ("NULL", "ANY 128 bit authentication [no checking]")),
    ],
)
def test_wireshark_gets_a_line_for_each_association(alg: str, ealg: str, names: tuple[str, str]) -> None:
    lines = esp_sa((UE, PCSCF), agreed(alg, ealg)).decode().splitlines()
    assert [line.split(",")[3] for line in lines] == ['"0x000007d2"', '"0x000007d1"', '"0x000003ea"', '"0x000003e9"']
    assert all(f'"{name}"' in lines[0] for name in names)
