"""Transactions: retransmission until an answer, ACK of refusals, strangers' answers left alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.conftest import kinds

from imsproof.actors import transactions as module
from imsproof.actors.siptransport import SipTransport
from imsproof.actors.transactions import Transactions, branch_of, new_branch
from imsproof.codec import sip
from imsproof.seams import Kind

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.actors.sipsubject import SipAnswer
    from imsproof.link.session import Session


def request(method: str = "OPTIONS") -> sip.Message:
    headers = [
        ("Via", f"SIP/2.0/UDP 127.0.0.1:5;branch={new_branch()};rport"),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:b@b>"),
        ("Call-ID", "c"),
        ("CSeq", f"1 {method}"),
    ]
    return sip.request(method, "sip:b@b", headers)


def ask(session: Session, peer: SipPeer, message: sip.Message, within: float = 3) -> SipAnswer:
    async def run() -> SipAnswer:
        transport = await SipTransport.open(session, "ue-a", "udp", peer.address, exchange="1:X")
        return await Transactions(transport).request(message, "2:Y", within)

    return session.run(run(), 10)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "T1", 0.02)


def test_a_request_is_repeated_until_it_is_answered(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: [sip.response(message, 200).to_bytes()] if len(peer.got) == 3 else []
    answer = ask(session, peer, request())
    assert (answer.status, len(peer.got)) == (200, 3)
    assert kinds(session, "2:Y") == [Kind.SENT, Kind.SENT, Kind.SENT, Kind.RECEIVED]


def test_an_invite_is_not_repeated_after_a_provisional_answer(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: [sip.response(message, 180).to_bytes()]
    answer = ask(session, peer, request("INVITE"), 0.3)
    assert "within 0.3 s" in answer.failed
    assert [message.status for message in answer.provisional] == [180]
    assert kinds(session, "2:Y").count(Kind.SENT) == 1


def test_who_says_100_is_waited_for_as_long_as_for_any_answer(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: [sip.response(message, 100).to_bytes()]
    answer = ask(session, peer, request("INVITE"), 1.0)
    assert [message.status for message in answer.provisional] == [100]
    assert answer.failed.startswith("no final answer to INVITE within ")
    assert "within 1.0 s" not in answer.failed


def test_a_refused_invite_is_acknowledged_in_its_transaction(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: [sip.response(message, 486, to_tag="t").to_bytes()]
    invite = request("INVITE")
    assert ask(session, peer, invite).status == 486
    ack = peer.wait_for(lambda message: message.method == "ACK")[0]
    assert branch_of(ack) == branch_of(invite)
    assert ack.get("To") == "<sip:b@b>;tag=t"
    assert ack.get("CSeq") == "1 ACK"


def test_an_answer_to_another_branch_is_not_taken(session: Session, peer: SipPeer) -> None:
    def lie(message: sip.Message) -> list[bytes]:
        other = sip.response(message, 200)
        other.set("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKother")
        return [other.to_bytes(), b"\xff\xfe garbage", b""]

    peer.handler = lie
    assert ask(session, peer, request(), 0.2).status == 0


def test_silence_is_a_timeout_event(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: []
    answer = ask(session, peer, request(), 0.1)
    assert answer.failed
    assert kinds(session, "2:Y")[-1] is Kind.TIMEOUT


def test_a_message_without_via_has_no_branch() -> None:
    assert branch_of(sip.Message.parse(b"SIP/2.0 200 OK\r\n\r\n")) == ""


def test_nobody_waits_for_an_answer_on_a_connection_that_ended(session: Session) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def run() -> SipAnswer:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        transport = await SipTransport.open(session, "ue-a", "tcp", (address[0], address[1]), exchange="1:X")
        try:
            return await Transactions(transport).request(request(), "2:Y", within=3600)
        finally:
            await transport.aclose()
            server.close()

    answer = session.run(run(), 60)
    assert answer.status == 0
    assert "ended" in answer.failed
