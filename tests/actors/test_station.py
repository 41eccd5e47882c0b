"""What a station sends: requests, altered and challenged, and raw bytes."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import SipPeer, subscriber
from tests.conftest import events, kinds

from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.profile.gm import Gm
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session


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
