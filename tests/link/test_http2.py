"""HTTP/2: answers, resets, GOAWAY, and that a hostile server costs no more than the bounds."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
from tests.conftest import Serve, events

from imsproof.link.http2 import Http2Connection
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.seams import Kind, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.link.subject import HttpAnswer
    from imsproof.seams import Address

    Reply = Callable[[h2.connection.H2Connection, h2.events.Event], None]

PREFACE_ANSWER = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def h2_server(reply: Reply) -> Callable[[socket.socket], None]:
    """A server over plain TCP that calls ``reply`` with each event."""

    def handle(peer: socket.socket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        peer.sendall(connection.data_to_send())
        while data := peer.recv(65536):
            for event in connection.receive_data(data):
                reply(connection, event)
            peer.sendall(connection.data_to_send())
            if connection.state_machine.state is h2.connection.ConnectionState.CLOSED:
                break
        while peer.recv(65536):  # after a GOAWAY of its own it only reads: h2 calls whatever comes then an error
            pass

    return handle


def raw_server(reply: bytes, *, forever: bool = False) -> Callable[[socket.socket], None]:
    """A server that answers any request with these bytes."""

    def handle(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(reply)
        while forever:
            peer.sendall(reply)
        while peer.recv(65536):
            pass

    return handle


def get(session: Session, address: Address, **how: object) -> HttpAnswer:
    async def run() -> HttpAnswer:
        connection = await Http2Connection.open(session, "nf", "1:X", address, None, max_body=100_000)
        return await connection.request("GET", "/a", scheme="http", **how)  # type: ignore[arg-type]

    return session.run(run(), 10)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def test_a_request_and_its_answer_are_in_the_journal(session: Session, serve: Serve) -> None:
    def reply(connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            connection.send_headers(event.stream_id, [(":status", "201"), ("Location".lower(), "/x")])
            connection.send_data(event.stream_id, b"{}", end_stream=True)

    answer = get(session, serve(h2_server(reply)), headers=[("x-a", "b")], facts={"injected": True})
    assert (answer.status, answer.header("Location"), answer.body, answer.failed) == (201, "/x", b"{}", "")
    sent = next(event for event in events(session) if event.kind is Kind.SENT)
    received = next(event for event in events(session) if event.kind is Kind.RECEIVED)
    assert (sent.facts["method"], sent.facts["path"], sent.facts["injected"]) == ("GET", "/a", True)
    assert ["x-a", "b"] in sent.facts["headers"]
    assert (received.facts["status"], received.facts["stream"], received.data) == (201, 1, b"{}")


def test_a_body_larger_than_the_window_is_sent_whole(session: Session, serve: Serve) -> None:
    received = bytearray()

    def reply(connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.DataReceived):
            received.extend(event.data)
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if isinstance(event, h2.events.StreamEnded):
            connection.send_headers(event.stream_id, [(":status", "204")], end_stream=True)

    answer = get(session, serve(h2_server(reply)), body=b"y" * 300_000)
    assert answer.status == 204
    assert len(received) == 300_000


def test_a_reset_stream_is_told_with_its_code(session: Session, serve: Serve) -> None:
    def reply(connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            connection.reset_stream(event.stream_id, 11)

    answer = get(session, serve(h2_server(reply)))
    assert answer.reset == 11
    assert events(session)[-1].facts["reset"] == 11


def test_goaway_is_told_with_its_code(session: Session, serve: Serve) -> None:
    def reply(connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            connection.close_connection(13)

    answer = get(session, serve(h2_server(reply)))
    assert answer.goaway == 13
    assert answer.failed


def test_an_endless_body_is_cut_at_the_bound(session: Session, serve: Serve) -> None:
    def reply(connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            connection.send_headers(event.stream_id, [(":status", "200"), ("content-encoding", "gzip")])
        if isinstance(event, h2.events.RequestReceived | h2.events.WindowUpdated):
            try:
                while connection.local_flow_control_window(1) >= 16384:
                    connection.send_data(1, b"z" * 16384)
            except h2.exceptions.ProtocolError:
                return  # the tester reset the stream: that is what it should do

    answer = get(session, serve(h2_server(reply)))
    assert (answer.status, answer.truncated, len(answer.body)) == (200, True, 100_000)


def test_ten_megabytes_of_headers_end_the_connection(session: Session, serve: Serve) -> None:
    literal = b"\x00\x05x-big\x7f\x80\x7f" + b"a" * 16383  # one literal header of 16 383 bytes
    headers = frame(1, 0, 1, literal[:16000])
    more = b"".join(frame(9, 0, 1, b"a" * 16000) for _ in range(700))
    answer = get(session, serve(raw_server(PREFACE_ANSWER + headers + more)))
    assert answer.failed
    assert answer.status == 0


def test_a_header_bomb_is_refused(session: Session, serve: Serve) -> None:
    """HPACK: one large entry in the dynamic table, then thousands of one-byte references to it."""
    entry = b"\x40\x01x\x7f\x81\x1e" + b"b" * 4000
    bomb = b"\x88" + entry + b"\xbe" * 8000
    answer = get(session, serve(raw_server(PREFACE_ANSWER + frame(1, 4, 1, bomb))))
    assert "cannot be read" in answer.failed


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 500,
        PREFACE_ANSWER + frame(0, 1, 2, b"even stream"),
        PREFACE_ANSWER + frame(4, 0, 0, b"\x00" * 5),
        PREFACE_ANSWER + frame(1, 5, 1, b"\xff\xff\xff\xff"),
        PREFACE_ANSWER + frame(5, 4, 1, b"\x00\x00\x00\x02\x88"),
    ],
)
def test_garbage_is_an_answer_with_a_reason(session: Session, serve: Serve, reply: bytes) -> None:
    answer = get(session, serve(raw_server(reply)))
    assert answer.failed
    assert answer.status == 0
    assert any(event.kind is Kind.CLOSED for event in events(session))


def test_endless_garbage_ends(session: Session, serve: Serve) -> None:
    assert get(session, serve(raw_server(b"\xff" * 65536, forever=True))).failed


def test_silence_is_a_timeout(session: Session, serve: Serve) -> None:
    answer = get(session, serve(raw_server(PREFACE_ANSWER)), within=0.1)
    assert "within 0.1 s" in answer.failed
    assert events(session)[-1].kind is Kind.TIMEOUT


def test_a_server_that_closes_is_told(session: Session, serve: Serve) -> None:
    def close(peer: socket.socket) -> None:
        peer.recv(10)

    answer = get(session, serve(close))
    assert answer.failed
    assert any(event.kind is Kind.CLOSED and event.facts["by"] == "lab" for event in events(session))


def test_headers_that_the_library_would_refuse_can_be_sent(session: Session, serve: Serve) -> None:
    seen = bytearray()

    def handle(peer: socket.socket) -> None:
        peer.sendall(PREFACE_ANSWER)
        while data := peer.recv(65536):
            seen.extend(data)
            if b"Connection" in bytes(seen) or len(seen) > 100:
                peer.sendall(frame(7, 0, 0, b"\x00" * 4 + (1).to_bytes(4, "big")))

    answer = get(session, serve(handle), headers=[("Connection", "close"), ("UPPER", "x")])
    assert answer.goaway == 1


def test_a_closed_port_is_a_failed_connection(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionFailedError):
        get(session, address)


def test_nothing_is_sent_after_the_stop_switch(session: Session, serve: Serve) -> None:
    address = serve(raw_server(PREFACE_ANSWER))
    session.link.stop.set()
    with pytest.raises(StoppedError):
        get(session, address)


def test_an_answer_that_follows_a_goaway_in_peace_is_taken(session: Session, serve: Serve) -> None:
    goaway = frame(7, 0, 0, (1).to_bytes(4, "big") + bytes(4))
    answered = frame(1, 5, 1, b"\x88")  # HEADERS with END_HEADERS and END_STREAM, :status 200
    answer = get(session, serve(raw_server(PREFACE_ANSWER + goaway + answered)))
    assert (answer.status, answer.goaway, answer.failed) == (200, 0, "")
