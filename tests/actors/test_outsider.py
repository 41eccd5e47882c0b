"""The outsider: what comes back over UDP, TCP and TLS, and when nothing does."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING

import pytest
from tests.conftest import Serve, events, kinds

from imsproof.actors.outsider import Outsider
from imsproof.codec import sip
from imsproof.seams import Kind, OutOfScopeError

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session
    from imsproof.profile import Profile

OPTIONS = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"


def test_all_answers_to_a_datagram_are_kept(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: [sip.response(message, status).to_bytes() for status in (100, 200)]
    answer = Outsider(session).send(OPTIONS, peer.address, "OPTIONS")
    assert [sip.Message.parse(data).status for data in answer.data] == [100, 200]
    assert [event.facts.get("status") for event in events(session) if event.kind is Kind.RECEIVED] == [100, 200]
    assert events(session)[1].facts["injected"] is True


def test_a_provisional_answer_is_not_the_last_one(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: [sip.response(message, status).to_bytes() for status in (100, 403)]
    answer = Outsider(session).send(OPTIONS, peer.address, "OPTIONS", linger=0.0)
    assert [sip.Message.parse(data).status for data in answer.data] == [100, 403]


def test_answers_over_tcp_are_told_apart(session: Session, serve: Serve) -> None:
    both = b"SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\nSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    answer = Outsider(session).send(
        OPTIONS, serve(lambda peer: peer.sendall(both if peer.recv(1000) else b"")), "OPTIONS", transport="tcp"
    )
    assert [data.split(b" ")[1] for data in answer.data] == [b"100", b"200"]


def test_each_answer_that_a_stream_is_to_have_has_as_long_as_the_first(session: Session, serve: Serve) -> None:
    """A pong stands before the first answer; the second one comes when silence has long been over."""

    def slowly(peer: socket.socket) -> None:
        left = 2 * len(OPTIONS)
        while left:
            left -= len(peer.recv(left))
        peer.sendall(b"\r\nSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
        peer.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            peer.recv(1)
        peer.sendall(b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")

    asking = Outsider(session).asend(
        [OPTIONS, OPTIONS], serve(slowly), "two", transport="tcp", within=20, linger=0.0, finals=2
    )
    assert len(session.run(asking).data) == 2


def test_silence_is_a_timeout(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: []
    answer = Outsider(session).send(OPTIONS, peer.address, "OPTIONS", within=0.1)
    assert answer.failed
    assert kinds(session)[-1] is Kind.TIMEOUT


def test_a_closed_port_is_a_refusal(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    answer = Outsider(session).send(b"x", address, "closed")
    assert "refused" in answer.failed
    assert Kind.TIMEOUT not in kinds(session)


def test_an_answer_over_tcp(session: Session, serve: Serve) -> None:
    answer = Outsider(session).send(
        OPTIONS, serve(lambda peer: peer.sendall(peer.recv(1000)[:7])), "OPTIONS", transport="tcp"
    )
    assert answer.data == (b"OPTIONS",)


def test_a_reset_over_tcp_is_told(session: Session, serve: Serve) -> None:
    def reset(peer: socket.socket) -> None:
        peer.recv(10)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    answer = Outsider(session).send(b"\x00" * 10, serve(reset), "binary", transport="tcp")
    assert answer.failed == "reset by the lab"


def test_garbage_in_place_of_tls_is_told(session: Session, serve: Serve) -> None:
    answer = Outsider(session).send(b"x", serve(lambda peer: peer.sendall(b"nonsense")), "tls", transport="tls")
    assert answer.failed


def test_nothing_goes_out_of_scope(session: Session) -> None:
    with pytest.raises(OutOfScopeError):
        Outsider(session).send(b"x", ("192.0.2.1", 5060), "elsewhere")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_reference_lab_answers_over_every_transport(lab: Session, reference: Profile, transport: str) -> None:
    assert reference.gm
    headers = [
        ("Via", f"SIP/2.0/{transport.upper()} x.invalid;branch=z9hG4bK1;rport"),
        ("Max-Forwards", "70"),
        ("From", "<sip:x@ims.example>;tag=1"),
        ("To", "<sip:ims.example>"),
        ("Call-ID", f"c-{transport}"),
        ("CSeq", "1 OPTIONS"),
    ]
    data = sip.request("OPTIONS", "sip:ims.example", headers).to_bytes()
    target = reference.gm.transports()[transport]
    answer = Outsider(lab).send(data, target, "OPTIONS", transport=transport, within=2)  # type: ignore[arg-type]
    assert answer.data[0].startswith(b"SIP/2.0 ")
