"""The plain server that nodes of the lab fetch from: it answers, writes down, and bears nonsense."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

from tests.conftest import events

from imsproof.link.webserver import Fetched, Served, WebServer
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session


def opened(session: Session) -> WebServer:
    def answer(fetched: Fetched) -> Served:
        return Served("text/plain", f"{fetched.method} {fetched.path} ".encode() + fetched.body)

    return session.run(WebServer.open(session, "web", "1:web", "127.0.0.1", answer))


def said(session: Session, octets: bytes) -> bytes:
    with socket.create_connection(opened(session).address, timeout=10) as visitor:
        visitor.sendall(octets)
        visitor.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: visitor.recv(4096), b""))


def test_requests_are_answered_and_written_down(session: Session) -> None:
    web = opened(session)
    with urllib.request.urlopen(f"{web.url}/a?b=1", timeout=10) as answer:
        assert (answer.headers["content-type"], answer.read()) == ("text/plain", b"GET /a?b=1 ")
    with urllib.request.urlopen(f"{web.url}/a", data=b"body", timeout=10) as answer:
        assert answer.read() == b"POST /a body"
    found = [event for event in events(session, "1:web") if event.kind in (Kind.RECEIVED, Kind.SENT)]
    assert [(event.kind, event.data) for event in found] == [
        (Kind.RECEIVED, b""),
        (Kind.SENT, b"GET /a?b=1 "),
        (Kind.RECEIVED, b"body"),
        (Kind.SENT, b"POST /a body"),
    ]


def test_who_waits_to_be_told_to_go_on_is_told(session: Session) -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok"
    answer = said(session, head)
    assert answer.startswith(b"HTTP/1.1 100")
    assert answer.endswith(b"POST / ok")


def test_half_a_request_ends_in_peace(session: Session) -> None:
    assert said(session, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf") == b""
    assert said(session, b"\x16\x03\x01\r\n\r\n") == b""
    closed = [event for event in events(session, "1:web") if event.kind is Kind.CLOSED]
    assert len(closed) == 2
