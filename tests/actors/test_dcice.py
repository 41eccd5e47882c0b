"""Checks around a call with ICE, against the reference MF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.call import CallSignalling
from imsproof.actors.dcice import Checks, broken_stun
from imsproof.actors.dcpeer import DataChannelPeer, Ice
from imsproof.actors.ue import Ue
from imsproof.codec import stun
from imsproof.engine.ice import Credentials, IceAgent
from imsproof.judge.predicates.ice import check_answered, check_refused, no_dtls
from imsproof.seams import InconclusiveError, Outcome

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def peer(reference: Profile, lab: Session, ice: Ice) -> DataChannelPeer:
    """A registered UE that calls the lab's far UE."""
    assert reference.gm is not None
    assert reference.far is not None
    ue = Ue(lab, reference.gm, reference.gm.subscribers[0])
    assert ue.register().ok
    return DataChannelPeer(lab, CallSignalling(ue, reference.far.uri), ice=ice)


@pytest.mark.parametrize(("ice", "setup"), [("full", "actpass"), ("full", "passive"), ("lite", "actpass")])
def test_an_association_comes_up_with_ice(reference: Profile, lab: Session, ice: Ice, setup: str) -> None:
    call = peer(reference, lab, ice).open("data channel", setup=setup)
    assert call.ice is not None
    association = call.connect("association")
    assert association.connected
    assert call.get(association, "/").ok
    call.close()


def test_checks_right_and_wrong(reference: Profile, lab: Session) -> None:
    call = peer(reference, lab, "full").open("data channel")
    checks = Checks(call)
    right, wrong = checks.send("check"), checks.send("wrong", password="a guess")
    assert check_answered(lab.record.events, exchange=right.exchange).outcome is Outcome.HOLDS
    assert check_refused(lab.record.events, exchange=wrong.exchange).outcome is Outcome.HOLDS
    call.close()


def test_what_is_early_gets_nothing_until_ice_begins(reference: Profile, lab: Session) -> None:
    call = peer(reference, lab, "full").open("data channel", setup="active", hold_ice=True)
    checks = Checks(call)
    early = checks.early("hello", call.hello())
    assert no_dtls(lab.record.events, exchange=early.exchange).outcome is Outcome.HOLDS
    checks.release()
    assert call.handshake("DTLS").connected
    call.close()


def test_without_ice_there_is_nothing_to_check(reference: Profile, lab: Session) -> None:
    call = peer(reference, lab, "none").open("data channel")
    with pytest.raises(InconclusiveError, match="ice-ufrag"):
        Checks(call)
    call.close()


def test_broken_stun_is_refused_or_believed_by_nobody() -> None:
    ue, mf = Credentials.make(), Credentials.make()
    lite = IceAgent(mf, ue, controlling=False, lite=True)
    for datagram in broken_stun(IceAgent(ue, mf, controlling=True)):
        lite.receive(datagram, ("127.0.0.1", 1))
        assert all(stun.Message.parse(answer).class_ == "error" for answer, _ in lite.outgoing())
    assert lite.selected is None
