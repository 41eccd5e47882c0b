"""Two UEs that call each other, and a third party."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import subscriber

from imsproof.actors.parties import Elsewhere, Parties, Ringing, forge
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm


def ues(lab: Session, reference: Profile, *actors: str) -> list[Ue]:
    assert reference.gm
    made = [
        Ue(lab, reference.gm, who, actor=actor) for who, actor in zip(reference.gm.subscribers, actors, strict=False)
    ]
    for ue in made:
        assert ue.register().ok
    return made


def test_the_callee_takes_each_call_and_it_stands(lab: Session, reference: Profile) -> None:
    parties = Parties(lab, *ues(lab, reference, "ue-a", "ue-b"))
    call = parties.standing()
    arrived = parties.arrived(0)
    assert arrived
    assert arrived.message.method == "INVITE"
    assert parties.arrived(1) is None
    assert call.bye().ok


def test_a_call_that_does_not_come_up_is_no_ground_to_stand_on(lab: Session, reference: Profile) -> None:
    caller, callee = ues(lab, reference, "ue-a", "ue-b")
    parties = Parties(lab, caller, callee)
    callee.deregister()
    with pytest.raises(InconclusiveError, match="no call came up"):
        parties.standing()


def test_a_forged_request_comes_from_the_attackers_socket_and_is_marked(lab: Session, reference: Profile) -> None:
    caller, callee, third = ues(lab, reference, "ue-a", "ue-b", "ue-c")
    parties = Parties(lab, caller, callee)
    call = parties.standing()
    assert call.dialog
    answer = forge(third, call.dialog, "BYE", "BYE of the third")
    assert answer.status == 481
    sent = next(e for e in lab.record.events if e.exchange == answer.exchange and e.kind is Kind.SENT)
    assert (sent.actor, sent.local, sent.facts["injected"]) == ("ue-c", third.local, True)
    assert (call.dialog.call_id).encode() in sent.data
    guessed = forge(third, call.dialog, "BYE", "guess", tags=("x1", "x2"))
    sent = next(e for e in lab.record.events if e.exchange == guessed.exchange and e.kind is Kind.SENT)
    assert b";tag=x1" in sent.data
    assert b";tag=x2" in sent.data
    assert call.reinvite(parties.offer).ok


def test_a_call_rings_until_it_is_taken(lab: Session, reference: Profile) -> None:
    caller, callee = ues(lab, reference, "ue-a", "ue-b")
    ringing = Ringing(caller, callee, "INVITE")
    assert ringing.sent
    assert ringing.sent.get("Call-ID") == ringing.incoming.message.get("Call-ID")
    call = ringing.take()
    assert call.ok
    assert call.provisional[-1].status == 180


def test_what_comes_elsewhere_is_recorded(lab: Session, reference: Profile) -> None:
    elsewhere = Elsewhere.open(lab, "127.0.0.1")
    assert elsewhere.uri.startswith("sip:127.0.0.1:")
    assert elsewhere.uri.endswith(";lr")
    (ue,) = ues(lab, reference, "ue-a")
    assert elsewhere.record is ue.session.record
    assert not any(e.kind is Kind.RECEIVED for e in lab.record.events if e.exchange == elsewhere.exchange)
    message = sip.request(
        "OPTIONS", elsewhere.uri, [("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1"), ("To", "<sip:x@y>")]
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lost:
        lost.settimeout(10)
        lost.sendto(message.to_bytes(), elsewhere.udp.local)
        assert lost.recv(4096).startswith(b"SIP/2.0 480 ")
    assert any(e.kind is Kind.RECEIVED for e in lab.record.events if e.exchange == elsewhere.exchange)


def test_a_call_that_does_not_ring_says_why(session: Session, peer: SipPeer, gm: Gm) -> None:
    peer.handler = lambda message: [sip.response(message, 480, to_tag="t").to_bytes()]
    caller, callee = Ue(session, gm, subscriber()), Ue(session, gm, subscriber(name="b"), actor="ue-b")
    callee.challenge()
    with pytest.raises(InconclusiveError, match="answered 480"):
        Ringing(caller, callee, "INVITE")
