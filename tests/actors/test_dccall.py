"""A call with a data channel against the reference lab: good, wrong on purpose, and from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.call import CallSignalling
from imsproof.actors.dccall import Handshake
from imsproof.actors.dcpeer import DataChannelPeer
from imsproof.actors.ue import Ue
from imsproof.engine.identity import make_identity
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


@pytest.fixture
def peer(reference: Profile, lab: Session) -> DataChannelPeer:
    """A registered UE that calls the lab's far UE."""
    assert reference.gm is not None
    assert reference.far is not None
    ue = Ue(lab, reference.gm, reference.gm.subscribers[0])
    assert ue.register().ok
    return DataChannelPeer(lab, CallSignalling(ue, reference.far.uri))


def test_the_list_is_fetched_over_the_bootstrap_channel(peer: DataChannelPeer) -> None:
    call = peer.open("data channel")
    association = call.connect("association")
    assert association.connected
    assert call.get(association, "/").ok
    assert call.get(association, "/", method="PUT").status == 405
    assert call.get(association, "/packages/none.zip").status == 404
    call.close()


def test_another_certificate_comes_to_nothing(peer: DataChannelPeer) -> None:
    call = peer.open("data channel")
    assert not call.connect("wrong", Handshake(identity=make_identity(), injected=True)).connected
    call.close()


def test_the_tester_can_be_the_server(peer: DataChannelPeer) -> None:
    call = peer.open("data channel", setup="passive")
    assert not call.is_client
    assert call.connect("association").connected
    call.close()


def test_a_stranger_is_counted_and_hears_nothing(peer: DataChannelPeer, lab: Session) -> None:
    call = peer.open("data channel", setup="active")
    answer = call.stranger("hello", call.hello())
    assert answer.data == ()
    [counted] = [event for event in lab.record.events if event.kind is Kind.COUNTED]
    assert counted.facts["received"] == 0
    assert counted.facts["sent_bytes"] > 100
    call.close()


def test_what_is_thrown_comes_from_the_port_of_the_offer(peer: DataChannelPeer) -> None:
    call = peer.open("data channel", setup="active")
    assert call.throw("hello", call.hello()).data
    call.close()


def test_without_a_data_channel_in_the_answer_there_is_nothing_to_connect_to(peer: DataChannelPeer) -> None:
    call = peer.open("no fingerprint", fingerprints=())
    assert call.peer is None
    with pytest.raises(InconclusiveError, match="no data channel"):
        call.connect("association")
    call.close()
