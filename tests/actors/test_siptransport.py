"""SIP transports: which conversation a message belongs to, and streams that stop being SIP."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from tests.conftest import Serve, events

from imsproof.actors.siptransport import Labels, SipTransport, first_declared
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.seams import Address

OPTIONS = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n"
ANSWER = b"SIP/2.0 200 OK\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\nContent-Length: 2\r\n\r\nok"


def test_answers_belong_to_their_request(session: Session) -> None:
    labels = Labels(session, "1:default")
    labels.bind("c", 7, "5:OPTIONS")
    assert labels.describe(ANSWER)[0] == "5:OPTIONS"
    assert labels.describe(ANSWER.replace(b"7", b"8"))[0] == "1:default"
    assert labels.describe(b"garbage") == ("1:default", {})


def test_a_request_of_the_lab_begins_a_conversation_and_its_ack_joins_it(session: Session) -> None:
    labels = Labels(session, "1:default")
    invite = OPTIONS.replace(b"OPTIONS", b"INVITE")
    first = labels.describe(invite)[0]
    assert first.endswith("INVITE received")
    assert labels.describe(invite.replace(b"INVITE", b"ACK"))[0] == first
    assert labels.describe(invite.replace(b"7", b"8"))[0] != first


def test_the_first_declared_transport_is_udp_before_tcp_before_tls() -> None:
    assert first_declared({"tls": ("127.0.0.1", 1), "tcp": ("127.0.0.1", 2)}) == "tcp"
    assert first_declared({}) is None


def test_messages_on_a_stream_are_cut_and_journalled_one_by_one(session: Session, serve: Serve) -> None:
    arrived = threading.Event()
    got: list[bytes] = []

    def handle(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(ANSWER + ANSWER[:20])
        peer.sendall(ANSWER[20:])
        peer.recv(1000)

    async def run(transport: SipTransport) -> None:
        await transport.send(OPTIONS, "2:OPTIONS")

    def take(data: bytes, *_: object) -> None:
        got.append(data)
        if len(got) == 2:
            arrived.set()

    transport = session.run(SipTransport.open(session, "ue-a", "tcp", serve(handle)))
    transport.on_message = take
    session.run(run(transport))
    assert arrived.wait(3)
    assert got == [ANSWER, ANSWER]
    received = [event for event in events(session) if event.kind is Kind.RECEIVED]
    assert [event.facts["status"] for event in received] == [200, 200]


def test_a_stream_that_is_not_sip_ends_with_a_reason(session: Session, serve: Serve) -> None:
    done = threading.Event()

    def handle(peer: socket.socket) -> None:
        peer.sendall(b"SIP/2.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        done.wait(3)

    transport = session.run(SipTransport.open(session, "ue-a", "tcp", serve(handle)))

    async def wait() -> None:
        assert transport._reader
        await transport._reader

    session.run(wait(), 3)
    done.set()
    assert "not SIP" in transport.failed
    assert "unreadable" in events(session)[-1].facts


def hold(peer: socket.socket) -> None:
    """Keep a connection until the other end closes it."""
    peer.recv(1)


def test_the_lab_may_open_a_connection_to_the_contact_and_is_answered_there(session: Session, serve: Serve) -> None:
    came: list[Address] = []
    arrived = threading.Event()

    def take(_data: bytes, source: Address, _exchange: str) -> None:
        came.append(source)
        arrived.set()

    transport = session.run(SipTransport.open(session, "ue-a", "tcp", serve(hold)))
    session.run(transport.take_connections())
    transport.on_message = take
    with socket.create_connection(transport.local, timeout=5) as peer:
        peer.sendall(OPTIONS)
        assert arrived.wait(5)
        assert came == [peer.getsockname()]
        session.run(transport.send(ANSWER, "2:OPTIONS", to=came[0]))
        assert peer.recv(1000) == ANSWER
        session.run(transport.aclose())
        assert peer.recv(1) == b""
    (sent,) = [event for event in events(session) if event.kind is Kind.SENT]
    assert (sent.local, sent.remote) == (transport.local, came[0])
