"""The UE: what comes in, and how it ends."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import SipPeer, subscriber

from imsproof.actors.ue import Ue
from imsproof.codec import sip

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("NOTIFY", 200), ("BYE", 481), ("PUBLISH", 405)])
def test_requests_of_the_lab_are_answered(session: Session, peer: SipPeer, gm: Gm, method: str, status: int) -> None:
    Ue(session, gm, subscriber()).challenge()
    headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKx"), ("Call-ID", "lab"), ("CSeq", f"1 {method}")]
    peer.socket.sendto(sip.request(method, "sip:a@b", headers).to_bytes(), peer.source)
    answers = peer.wait_for(lambda message: not message.is_request)
    assert answers[0].status == status


def test_an_invite_within_a_call_that_is_over_begins_none(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).challenge()
    headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKx"), ("Call-ID", "lab"), ("CSeq", "2 INVITE")]
    data = sip.request("INVITE", "sip:a@b", [*headers, ("To", "<sip:a@b>;tag=old")]).to_bytes()
    peer.socket.sendto(data, peer.source)
    assert [one.status for one in peer.wait_for(lambda message: not message.is_request)] == [481]


def test_a_repeated_request_of_the_lab_gets_the_same_answer(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).challenge()
    headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKx"), ("Call-ID", "lab"), ("CSeq", "1 OPTIONS")]
    data = sip.request("OPTIONS", "sip:a@b", [*headers, ("To", "<sip:a@b>")]).to_bytes()
    for count in (1, 2):
        peer.socket.sendto(data, peer.source)
        peer.wait_for(lambda message: not message.is_request, count)
    first, second = peer.wait_for(lambda message: not message.is_request, 2)
    assert first.to_bytes() == second.to_bytes()


def test_an_invite_that_nobody_takes_can_be_cancelled(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).challenge()
    for method in ("INVITE", "CANCEL"):
        headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKi"), ("Call-ID", "lab"), ("CSeq", f"1 {method}")]
        peer.socket.sendto(sip.request(method, "sip:a@b", headers).to_bytes(), peer.source)
        peer.wait_for(lambda message: not message.is_request)
    found = peer.wait_for(lambda message: not message.is_request, 3)
    assert sorted(message.status for message in found) == [100, 200, 487]


def test_the_end_of_the_session_ends_the_registration(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).register()
    session.close()
    assert [message.get("Expires") for message in peer.got] == ["3600", "0"]


def test_a_lab_that_is_gone_does_not_hold_up_the_end(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).register()
    peer.handler = lambda message: []
    session.close()
    assert session.closed


def test_the_stop_switch_ends_a_wait_for_a_call(session: Session, peer: SipPeer, gm: Gm) -> None:
    from imsproof.seams import StoppedError  # noqa: PLC0415 - the only test that needs it

    ue = Ue(session, gm, subscriber())
    ue.challenge()
    threading.Timer(0.1, session.link.stop.set).start()
    with pytest.raises(StoppedError):
        ue.wait_invite(30)


def test_a_request_that_came_is_handed_out_once(lab: Session, reference: Profile) -> None:
    assert reference.gm
    caller, callee = (Ue(lab, reference.gm, one) for one in reference.gm.subscribers[:2])
    for one in (caller, callee):
        assert one.register().ok
    assert caller.request("MESSAGE", callee.impu, body=b"x").ok
    assert callee.wait_request("MESSAGE")
    assert callee.wait_request("MESSAGE", within=0.05) is None


def test_an_answer_goes_to_the_port_in_via_too(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).challenge()
    host, port = peer.address
    for number, rport in ((1, ""), (2, ";rport")):
        headers = [("Via", f"SIP/2.0/UDP core.invalid:{port};branch=z9hG4bK{number}{rport}")]
        data = sip.request(
            "OPTIONS", "sip:a@b", [*headers, ("Call-ID", "lab"), ("CSeq", f"{number} OPTIONS")]
        ).to_bytes()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((host, 0))
            sender.settimeout(5)
            sender.sendto(data, peer.source)
            assert sip.Message.parse(sender.recv(65536)).status == 200
    peer.socket.sendto(data.replace(b"z9hG4bK2", b"z9hG4bK3").replace(b"2 OPTIONS", b"3 OPTIONS"), peer.source)
    answers = peer.wait_for(lambda message: not message.is_request, 2)
    assert [one.get("CSeq") for one in answers] == ["1 OPTIONS", "3 OPTIONS"]


@pytest.mark.parametrize(("method", "body", "answered"), [("UPDATE", b"", False), ("UPDATE", b"v=0\r\n", True)])
def test_a_refresh_without_an_offer_is_answered_without_sdp(
    session: Session, peer: SipPeer, gm: Gm, method: str, body: bytes, *, answered: bool
) -> None:
    ue = Ue(session, gm, subscriber())
    call = ue.invite("sip:b@ims.example", b"v=0\r\ns=own\r\n")
    assert call.dialog is not None
    who = [("From", call.dialog.remote), ("To", call.dialog.local), ("Call-ID", call.dialog.call_id)]
    headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKx;rport"), *who, ("CSeq", f"1 {method}")]
    peer.socket.sendto(sip.request(method, "sip:a@b", headers, body).to_bytes(), peer.source)
    (answer,) = peer.wait_for(lambda message: not message.is_request)
    assert (answer.status, answer.body) == (200, b"v=0\r\ns=own\r\n" if answered else b"")


def test_a_busy_network_is_asked_again_after_its_pause(session: Session, peer: SipPeer, gm: Gm) -> None:
    def handle(message: sip.Message) -> list[bytes]:
        first = message.method == "INVITE" and sum(one.method == "INVITE" for one in peer.got) == 1
        headers = [("Retry-After", "1 (busy);duration=9")] if first else []
        return [sip.response(message, 503 if first else 200, to_tag="t", headers=headers).to_bytes()]

    peer.handler = handle
    assert Ue(session, gm, subscriber()).invite("sip:b@ims.example", b"v=0\r\n").ok
