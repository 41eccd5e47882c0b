"""HTTP/1.1: bodies by length, chunks and close; bounds; garbage."""

from __future__ import annotations

import gzip
import socket
import struct
from typing import TYPE_CHECKING

import pytest
from tests.conftest import Serve, events

from imsproof.link import http1
from imsproof.link.http1 import fetch, split_url
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.link.session import Session
    from imsproof.link.subject import HttpAnswer


def answering(reply: bytes, *, forever: bytes = b"") -> Callable[[socket.socket], None]:
    def handle(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(reply)
        while forever:
            peer.sendall(forever)

    return handle


def get(session: Session, serve: Serve, handler: Callable[[socket.socket], None], **how: object) -> HttpAnswer:
    host, port = serve(handler)
    return session.run(fetch(session, "hook", "1:X", "POST", f"http://{host}:{port}/offer?x=1", **how), 15)  # type: ignore[arg-type]


def test_a_body_by_its_length(session: Session, serve: Serve) -> None:
    answer = get(session, serve, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nokmore"), body=b"v=0")
    assert (answer.status, answer.body, answer.header("x"), answer.failed) == (200, b"ok", "y", "")
    sent = next(event for event in events(session) if event.kind is Kind.SENT)
    assert (sent.transport, sent.facts["path"], sent.data) == ("http", "/offer?x=1", b"v=0")


def test_a_body_in_chunks(session: Session, serve: Serve) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n"
    assert get(session, serve, answering(reply)).body == b"abcde"


def test_a_body_that_ends_with_the_connection(session: Session, serve: Serve) -> None:
    assert get(session, serve, answering(b"HTTP/1.0 200 OK\r\n\r\nall of it")).body == b"all of it"


def test_an_interim_answer_is_passed_over(session: Session, serve: Serve) -> None:
    reply = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    assert get(session, serve, answering(reply)).status == 204


def test_a_compressed_body_is_never_unpacked(session: Session, serve: Serve) -> None:
    packed = gzip.compress(bytes(1_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    assert get(session, serve, answering(head + packed)).body == packed


@pytest.mark.parametrize(
    "head", [b"", b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n", b"Content-Length: 99999999999\r\n\r\n"]
)
def test_an_endless_body_is_cut(session: Session, serve: Serve, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(http1, "MAX_BODY", 100_000)
    reply = b"HTTP/1.1 200 OK\r\n" + (head or b"\r\n")
    answer = get(session, serve, answering(reply, forever=b"x" * 65536))
    assert (answer.truncated, len(answer.body)) == (True, 100_000)


def test_endless_headers_are_cut(session: Session, serve: Serve) -> None:
    answer = get(session, serve, answering(b"HTTP/1.1 200 OK\r\n", forever=b"X: " + b"y" * 1000 + b"\r\n"))
    assert answer.truncated


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x00\xff" * 100,
    ],
)
def test_garbage_and_half_an_answer_have_a_reason(session: Session, serve: Serve, reply: bytes) -> None:
    assert get(session, serve, answering(reply)).failed


def test_a_server_that_hangs_up_on_a_long_body_has_ended_the_connection(session: Session, serve: Serve) -> None:
    """What was on its way then need not have crossed, which verify asks."""

    def hang_up(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    answer = get(session, serve, hang_up, body=bytes(8_000_000))
    assert answer.failed
    ended = [event for event in events(session) if event.kind is Kind.CLOSED and event.transport == "http"]
    assert [event.facts["by"] for event in ended] == ["lab"]


def test_silence_is_a_timeout(session: Session, serve: Serve) -> None:
    def wait(peer: socket.socket) -> None:
        while peer.recv(65536):
            pass

    answer = get(session, serve, wait, within=0.1)
    assert "within 0.1 s" in answer.failed
    assert any(event.kind is Kind.TIMEOUT for event in events(session))


def test_a_closed_port_is_an_answer_with_a_reason(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = session.run(fetch(session, "hook", "1:X", "GET", f"http://127.0.0.1:{port}"))
    assert "refused" in answer.failed


def test_urls_are_taken_apart_or_refused_by_name() -> None:
    assert split_url("https://[::1]:8443/a?b=c") == ("https", ("::1", 8443), "/a?b=c")
    assert split_url("http://127.0.0.1") == ("http", ("127.0.0.1", 80), "/")
    for wrong in ("ftp://127.0.0.1/", "nonsense", "http://127.0.0.1:99999/"):
        with pytest.raises(HarnessError):
            split_url(wrong)
