"""The UE: registration against a scripted network and the reference lab, incoming requests, raw bytes."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import OPC, K, SipPeer, subscriber
from tests.conftest import events, kinds

from imsproof.actors.ue import Ue
from imsproof.codec import aka, sip
from imsproof.codec.milenage import Milenage
from imsproof.profile.gm import Gm
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile

NETWORK = Milenage(K, opc=OPC)


def challenging(*sqns: int, autn: bytes | None = None) -> object:
    """A registrar that challenges with these sequence numbers in turn, then accepts."""
    left = list(sqns)

    def handle(message: sip.Message) -> list[bytes]:
        if not left:
            return [sip.response(message, 200, to_tag="t", headers=[("Service-Route", "<sip:s;lr>")]).to_bytes()]
        rand = bytes(16)
        vector = aka.make_vector(NETWORK, rand, left.pop(0), b"\x80\x00")
        header = f'Digest realm="r", nonce="{aka.encode_nonce(rand, autn or vector.autn)}", algorithm=AKAv1-MD5'
        return [sip.response(message, 401, to_tag="t", headers=[("WWW-Authenticate", header)]).to_bytes()]

    return handle


def test_the_first_register_names_the_subscriber_and_holds_no_response(session: Session, peer: SipPeer, gm: Gm) -> None:
    Ue(session, gm, subscriber()).challenge()
    _, params = sip.parse_credentials(peer.got[0].get("Authorization") or "")
    assert (params["username"], params["response"], params["nonce"]) == ("a@ims.example", "", "")


def test_a_network_that_accepts_without_a_challenge_is_seen_as_such(session: Session, peer: SipPeer, gm: Gm) -> None:
    registration = Ue(session, gm, subscriber()).register()
    assert (registration.status, registration.challenge, registration.autn) == (200, None, "")


def test_a_challenge_is_answered_and_autn_is_in_the_journal(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32)  # type: ignore[assignment]
    ue = Ue(session, gm, subscriber())
    registration = ue.register()
    assert (registration.status, registration.autn) == (200, "valid")
    assert ue.route_set()[-1] == "<sip:s;lr>"
    assert [message.get("CSeq") for message in peer.got] == ["1 REGISTER", "2 REGISTER"]
    notes = [event.facts for event in events(session, registration.exchange) if event.kind is Kind.NOTE]
    assert [facts["autn"] for facts in notes] == ["valid"]


def test_a_wrong_autn_is_answered_without_a_response(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32, autn=bytes(16))  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber()).register()
    assert registration.autn == "wrong-mac"
    assert sip.parse_credentials(peer.got[1].get("Authorization") or "")[1]["response"] == ""


def test_a_sequence_number_that_is_old_is_resynchronised_once(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32, 96)  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber(sqn="000000000040")).register()
    assert (registration.status, registration.resynchronised) == (200, True)
    assert "auts" in sip.parse_credentials(peer.got[1].get("Authorization") or "")[1]


def test_a_network_that_challenges_for_ever_is_not_followed(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(*range(32, 3200, 32))  # type: ignore[assignment]
    registration = Ue(session, gm, subscriber()).register()
    assert registration.status == 401
    assert len(peer.got) == 2


def test_a_challenge_can_be_answered_later_and_again(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = challenging(32)  # type: ignore[assignment]
    ue = Ue(session, gm, subscriber())
    first = ue.challenge()
    assert first.challenge is not None
    again = ue.respond(first.challenge, label="REGISTER again")
    assert (first.status, again.status) == (401, 200)
    assert again.exchange.endswith("REGISTER again")


def test_a_message_can_be_altered_or_replaced_and_is_marked(session: Session, peer: SipPeer, gm: Gm) -> None:
    ue = Ue(session, gm, subscriber())
    ue.register(alter=lambda message: message.set("Max-Forwards", "0"))
    ue.register(alter=lambda message: message.to_bytes().replace(b"Expires: 3600", b"Expires:    1"))
    assert peer.got[0].get("Max-Forwards") == "0"
    assert peer.got[1].get("Expires") == "1"
    sent = [event for event in events(session) if event.kind is Kind.SENT]
    assert all(event.facts["injected"] for event in sent)


def test_the_challenge_of_a_message_is_answered_once(session: Session, peer: SipPeer, gm: Gm) -> None:
    def proxy(message: sip.Message) -> list[bytes]:
        if message.get("Proxy-Authorization"):
            return [sip.response(message, 200, to_tag="t").to_bytes()]
        header = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'
        return [sip.response(message, 407, to_tag="t", headers=[("Proxy-Authenticate", header)]).to_bytes()]

    peer.handler = proxy
    answer = Ue(session, gm, subscriber(password="secret")).request("MESSAGE", "sip:b@ims.example")
    assert answer.status == 200
    assert [message.get("CSeq") for message in peer.got] == ["1 MESSAGE", "2 MESSAGE"]
    assert len({message.get("Via") for message in peer.got}) == 2
    _, params = sip.parse_credentials(peer.got[1].get("Proxy-Authorization") or "")
    assert (params["uri"], params["nc"]) == ("sip:b@ims.example", "00000001")


def test_raw_bytes_go_out_as_they_are_and_their_answer_is_found(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: [b"SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n"]
    answer = Ue(session, gm, subscriber()).send_raw(b"REGISTER  sip:x SIP/2.0\r\nBroken\r\n\r\n", "broken")
    assert answer.status == 400
    assert kinds(session, answer.exchange) == [Kind.OPENED, Kind.SENT, Kind.RECEIVED]


def test_silence_to_raw_bytes_is_a_timeout(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: []
    answer = Ue(session, gm, subscriber()).send_raw(b"REGISTER sip:x SIP/2.0\r\n\r\n", "broken", within=0.1)
    assert answer.failed
    assert kinds(session, answer.exchange)[-1] is Kind.TIMEOUT


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("NOTIFY", 200), ("BYE", 481), ("PUBLISH", 405)])
def test_requests_of_the_lab_are_answered(session: Session, peer: SipPeer, gm: Gm, method: str, status: int) -> None:
    Ue(session, gm, subscriber()).challenge()
    headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKx"), ("Call-ID", "lab"), ("CSeq", f"1 {method}")]
    peer.socket.sendto(sip.request(method, "sip:a@b", headers).to_bytes(), peer.source)
    answers = peer.wait_for(lambda message: not message.is_request)
    assert answers[0].status == status


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


def test_a_closed_tcp_port_is_a_registration_with_a_reason(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gm = Gm.model_validate({"domain": "ims.example", "tcp": f"127.0.0.1:{port}"})
    registration = Ue(session, gm, subscriber()).register()
    assert "refused" in registration.failed
    assert kinds(session, registration.exchange) == [Kind.REFUSED]


def test_a_transport_that_the_profile_lacks_is_named(session: Session, gm: Gm) -> None:
    with pytest.raises(HarnessError, match=r"gm\.tls"):
        Ue(session, gm, subscriber(), transport="tls")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_reference_lab_registers_a_subscriber(lab: Session, reference: Profile, transport: str) -> None:
    assert reference.gm
    ue = Ue(lab, reference.gm, reference.gm.subscribers[0], transport=transport)  # type: ignore[arg-type]
    registration = ue.register()
    assert (registration.status, registration.autn) == (200, "valid")
    assert registration.associated[0] == reference.gm.subscribers[0].impu
    assert ue.deregister().ok


def test_the_reference_lab_registers_digest_users(lab: Session, reference: Profile) -> None:
    assert reference.gm
    users = [one for one in reference.gm.subscribers if one.auth == "digest"]
    assert users
    for user in users:
        ue = Ue(lab, reference.gm, user)
        assert ue.register().status == 200
        ue.close()


def test_the_reference_lab_refuses_a_wrong_res(lab: Session, reference: Profile) -> None:
    assert reference.gm
    registration = Ue(lab, reference.gm, reference.gm.subscribers[0]).register(res=lambda res: bytes(len(res)))
    assert registration.status == 403


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
