"""Calls: dialogs, calls through the reference lab, and a call as signalling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.actors.conftest import subscriber
from tests.conftest import ShortTimers

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling, Dialog, parse_sdp, sdp_in
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.codec.sdp import Sdp, audio_section, description

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm

OFFER = description("127.0.0.1", [audio_section(40000)]).to_bytes()


def gm_of(profile: Profile) -> Gm:
    assert profile.gm
    return profile.gm


def pair(lab: Session, profile: Profile) -> tuple[Ue, Ue]:
    gm = gm_of(profile)
    ues = tuple(Ue(lab, gm, one, actor=f"ue-{one.name}") for one in gm.subscribers[:2])
    for ue in ues:
        assert ue.register().ok
    return ues[0], ues[1]


def test_a_dialog_of_the_caller_turns_the_route_around() -> None:
    request = sip.request("INVITE", "sip:b@b", [("From", "<sip:a@b>;tag=1"), ("Call-ID", "c"), ("CSeq", "4 INVITE")])
    response = sip.Message.parse(
        b"SIP/2.0 200 OK\r\nTo: <sip:b@b>;tag=2\r\nRecord-Route: <sip:1;lr>, <sip:2;lr>\r\nContact: <sip:c@d>\r\n\r\n"
    )
    dialog = Dialog.of_caller(request, response)
    assert (dialog.target, dialog.routes, dialog.cseq) == ("sip:c@d", ("<sip:2;lr>", "<sip:1;lr>"), 4)


def test_a_body_that_is_no_sdp_is_none() -> None:
    assert parse_sdp(b"") is None
    assert parse_sdp(OFFER) is not None


def test_the_far_end_of_the_lab_takes_a_call(lab: Session, reference: Profile) -> None:
    gm = gm_of(reference)
    ue = Ue(lab, gm, gm.subscribers[0])
    ue.register()
    assert gm.far_end
    call = ue.invite(gm.far_end.uri, OFFER)
    assert call.ok
    assert call.sdp
    assert call.bye().ok
    assert call.ended_by == "tester"


def test_a_challenge_within_the_dialog_is_answered_and_counted(session: Session, peer: SipPeer, gm: Gm) -> None:
    """As a proxy that asks for credentials with each INVITE does."""
    challenge = ("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5')

    def proxy(message: sip.Message) -> list[bytes]:
        if message.method != "INVITE" or message.get("Proxy-Authorization"):
            return [sip.response(message, 200, to_tag="t", headers=[("Contact", "<sip:b@b>")]).to_bytes()]
        return [sip.response(message, 407, to_tag="t", headers=[challenge]).to_bytes()]

    peer.handler = proxy
    user = subscriber(password="secret")
    call = Ue(session, gm, user).invite("sip:b@b", OFFER)
    assert call.ok
    again = call.reinvite(OFFER)
    assert again.status == 200
    assert call.bye().ok
    numbers = [message.get("CSeq") for message in peer.got if message.method != "ACK"]
    assert numbers == ["1 INVITE", "2 INVITE", "3 INVITE", "4 INVITE", "5 BYE"]


def test_a_call_between_two_ues_is_answered_and_ended_by_the_callee(lab: Session, reference: Profile) -> None:
    caller, callee = pair(lab, reference)
    calls = Answering(callee, lambda _offer: Sdp.parse(OFFER))
    call = caller.invite(callee.impu, OFFER)
    arrived = calls.wait()
    assert call.ok
    assert arrived
    assert arrived.sdp
    assert arrived.message.get("P-Asserted-Identity")
    mine = next(iter(callee.calls.values()))
    assert mine.bye().ok
    assert call.wait_end(2)
    assert call.ended_by == "lab"


def test_media_can_be_offered_anew_within_a_call(lab: Session, reference: Profile) -> None:
    caller, callee = pair(lab, reference)
    Answering(callee, lambda _offer: Sdp.parse(OFFER))
    call = caller.invite(callee.impu, OFFER)
    assert call.reinvite(OFFER.replace(b"40000", b"40002")).ok
    assert call.bye().ok


def test_a_call_can_be_refused(lab: Session, reference: Profile) -> None:
    caller, callee = pair(lab, reference)
    Answering(callee, lambda _offer: 603)
    call = caller.invite(callee.impu, OFFER)
    assert (call.status, call.dialog) == (603, None)
    assert call.bye().failed


def test_a_200_that_is_not_acknowledged_is_told(session: Session, peer: SipPeer, gm: Gm) -> None:
    session.link.timers = ShortTimers(answer=0.7)
    ue = Ue(session, gm, subscriber())
    ue.challenge()
    headers = [("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bKi"), ("Call-ID", "lab"), ("CSeq", "1 INVITE")]
    peer.socket.sendto(sip.request("INVITE", "sip:a@b", headers, OFFER).to_bytes(), peer.source)
    arrived = ue.wait_invite()
    assert arrived
    call = arrived.answer(OFFER)
    assert "not acknowledged" in call.failed


def test_a_call_hands_an_offer_over(lab: Session, reference: Profile) -> None:
    gm = gm_of(reference)
    ue = Ue(lab, gm, gm.subscribers[0])
    ue.register()
    assert gm.far_end
    signalling = CallSignalling(ue, gm.far_end.uri)
    answered = signalling.offer(Sdp.parse(OFFER), "INVITE")
    assert answered.described("audio")
    assert signalling.local_address == "127.0.0.1"
    signalling.end()


def test_an_offer_to_nobody_has_a_reason(lab: Session, reference: Profile) -> None:
    gm = gm_of(reference)
    ue = Ue(lab, gm, gm.subscribers[0])
    ue.register()
    answered = CallSignalling(ue, "sip:nobody@ims.example").offer(Sdp.parse(OFFER), "INVITE")
    assert answered.sdp is None
    assert answered.failed


def test_a_request_with_other_tags_than_the_calls_does_not_end_it(lab: Session, reference: Profile) -> None:
    caller, callee = pair(lab, reference)
    Answering(callee, lambda _offer: Sdp.parse(OFFER))
    call = caller.invite(callee.impu, OFFER)
    assert call.dialog
    mine = next(iter(callee.calls.values()))
    assert mine.dialog
    right = sip.request("BYE", "sip:x", call.dialog.headers("BYE", 9))
    assert mine.owns(right)
    for name in ("From", "To"):
        wrong = right.copy()
        wrong.set(name, (right.get(name) or "").partition(";tag=")[0] + ";tag=guess")
        assert not mine.owns(wrong)


def test_sdp_is_found_among_several_bodies() -> None:
    kind = ("Content-Type", 'multipart/mixed;boundary="x y"')
    parts = (b"Content-Type: a/b\r\n\r\nnone", b"Content-Type: application/SDP\r\n\r\nv=0\r\n")
    body = b"".join(b"--x y\r\n" + part + b"\r\n" for part in parts) + b"--x y--\r\n"
    assert sdp_in(sip.request("INVITE", "sip:a@b", [kind], body)) == b"v=0\r\n"
    assert sdp_in(sip.request("INVITE", "sip:a@b", [kind], b"nothing")) == b""
    assert sdp_in(sip.request("INVITE", "sip:a@b", [("Content-Type", "application/sdp")], b"v=0\r\n")) == b"v=0\r\n"
