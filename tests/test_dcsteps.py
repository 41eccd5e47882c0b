"""The steps of data-channel testcases against the reference lab: right ones hold, and a lab that is wrong is caught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import lab, reference  # noqa: F401 - fixtures

from imsproof import dcsteps
from imsproof.actors.call import CallSignalling
from imsproof.actors.dcpeer import DataChannelPeer
from imsproof.actors.ue import Ue
from imsproof.engine.identity import make_identity
from imsproof.seams import Outcome, Role

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


@pytest.fixture
def peer(reference: Profile, lab: Session) -> DataChannelPeer:  # noqa: F811 - the fixtures above
    """A registered UE that calls the lab's far UE."""
    assert reference.gm is not None
    assert reference.far is not None
    ue = Ue(lab, reference.gm, reference.gm.subscribers[1])
    assert ue.register().ok
    return DataChannelPeer(lab, CallSignalling(ue, reference.far.uri))


def outcomes(session: Session) -> set[tuple[Role, Outcome]]:
    return {(one.role, one.outcome) for one in session.record.judgements}


def test_a_right_lab_passes_each_step(peer: DataChannelPeer, lab: Session) -> None:  # noqa: F811 - the fixture
    dcsteps.shaken(peer)
    dcsteps.connected(peer)
    dcsteps.associated_once(peer)
    dcsteps.refused(peer.open("another certificate"), "another certificate", make_identity())
    call, association = dcsteps.associated(peer, "data channel")
    dcsteps.lives(peer, call, association, "nothing")
    call, association = dcsteps.associated(peer, "data channel")
    dcsteps.spared(peer, call, association, "nothing")
    assert {outcome for _, outcome in outcomes(lab)} == {Outcome.HOLDS}
    assert {role for role, _ in outcomes(lab)} == set(Role)


def test_the_root_is_fetched(peer: DataChannelPeer) -> None:
    call = peer.open("data channel")
    assert dcsteps.root(call, call.connect("association"), "GET /").status == 200
    call.close()


def test_what_is_not_refused_fails(peer: DataChannelPeer, lab: Session) -> None:  # noqa: F811 - the fixture
    dcsteps.refused(peer.open("data channel"), "the right certificate after all")
    assert outcomes(lab) == {(Role.CLAIM, Outcome.FAILS), (Role.FORM, Outcome.FAILS)}
