"""Reliable provisional answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.actors.conftest import SipPeer, subscriber

from imsproof.actors.ue import Ue
from imsproof.codec import sip

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile.gm import Gm

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
CONTACT = ("Contact", "<sip:b@127.0.0.1>")


class Demanding:
    """A network that wants 100rel, rings reliably, twice, and answers once that was acknowledged."""

    def __init__(self) -> None:
        self.invite: sip.Message | None = None

    def __call__(self, message: sip.Message) -> list[bytes]:
        if message.method == "INVITE" and message.get("Supported") != "100rel":
            return [sip.response(message, 421, to_tag="t", headers=[("Require", "100rel")]).to_bytes()]
        if message.method == "INVITE":
            self.invite = message
            headers = [CONTACT, ("Require", "100rel"), ("RSeq", "17"), ("Content-Type", "application/sdp")]
            return [sip.response(message, 183, to_tag="t", headers=headers, body=SDP).to_bytes()] * 2
        answers = [sip.response(message, 200, to_tag="t").to_bytes()]
        if message.method == "PRACK" and self.invite is not None:
            answers.append(sip.response(self.invite, 200, to_tag="t", headers=[CONTACT]).to_bytes())
        return answers


def test_a_network_that_wants_reliable_answers_gets_its_prack(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = Demanding()
    ue = Ue(session, gm, subscriber())
    call = ue.invite("sip:b@ims.example", SDP)
    call.bye()
    pracks = [one for one in peer.got if one.method == "PRACK"]
    assert [(one.get("RAck"), one.get("CSeq"), one.uri) for one in pracks] == [
        ("17 1 INVITE", "2 PRACK", "sip:b@127.0.0.1")
    ]
    assert [one.get("CSeq") for one in peer.got if one.method in ("ACK", "BYE")] == ["1 ACK", "1 ACK", "3 BYE"]
    assert call.remote_sdp == SDP  # it came early


def test_what_was_wanted_once_is_offered_at_once_afterwards(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = Demanding()
    ue = Ue(session, gm, subscriber())
    for _ in range(2):
        ue.invite("sip:b@ims.example", SDP).bye()
    asked = [one.get("Supported") for one in peer.got if one.method == "INVITE"]
    assert asked == [None, "100rel", "100rel"]


def test_an_ordinary_provisional_answer_is_not_acknowledged(session: Session, peer: SipPeer, gm: Gm) -> None:
    def rings(message: sip.Message) -> list[bytes]:
        statuses = (180, 486) if message.method == "INVITE" else (200,)
        return [sip.response(message, status, to_tag="t").to_bytes() for status in statuses]

    peer.handler = rings
    assert Ue(session, gm, subscriber()).invite("sip:b@ims.example", SDP).status == 486
    assert "PRACK" not in [one.method for one in peer.got]
