"""A call with a data channel against the reference lab: good, wrong on purpose, and from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.dchandshake import Handshake
from imsproof.engine.identity import make_identity
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.link.session import Session


def test_the_list_is_fetched_over_the_bootstrap_channel(caller: DataChannelPeer) -> None:
    call = caller.open("data channel")
    association = call.connect("association")
    assert association.connected
    assert call.get(association, "/").ok
    assert call.get(association, "/", method="PUT").status == 405
    assert call.get(association, "/packages/none.zip").status == 404
    call.close()


def test_what_wireshark_needs_to_see_sctp_goes_with_the_evidence(caller: DataChannelPeer, lab: Session) -> None:
    caller.open("data channel").connect("association")
    assert b'"dtls.port"' in lab.extra_files["sctp_over_dtls.lua"]
    assert any("CLIENT_RANDOM" in line for line in lab.keys)


def test_another_certificate_comes_to_nothing(caller: DataChannelPeer) -> None:
    call = caller.open("data channel")
    assert not call.connect("wrong", Handshake(identity=make_identity(), injected=True)).connected
    call.close()


def test_the_tester_can_be_the_server(caller: DataChannelPeer) -> None:
    call = caller.open("data channel", setup="passive")
    assert not call.is_client
    assert call.connect("association").connected
    call.close()


def test_without_a_data_channel_in_the_answer_there_is_nothing_to_connect_to(caller: DataChannelPeer) -> None:
    call = caller.open("no fingerprint", fingerprints=())
    assert call.peer is None
    with pytest.raises(InconclusiveError, match="no data channel"):
        call.connect("association")
    call.close()


def test_another_handshake_beside_an_association_leaves_it_its_socket(caller: DataChannelPeer, lab: Session) -> None:
    call = caller.open("data channel", setup="active")
    association = call.raw("association")
    assert not call.beside("another one", make_identity()).connected
    beat = association.heartbeat("heartbeat afterwards")
    kinds = [event.kind for event in lab.record.events if event.exchange == beat.exchange]
    assert kinds == [Kind.SENT, Kind.RECEIVED]
    call.close()


def test_strangers_come_from_ports_of_their_own(caller: DataChannelPeer, lab: Session) -> None:
    call = caller.open("data channel", setup="active")
    answer = call.strangers("three hellos", 3)
    sent = [one for one in lab.record.events if one.exchange == answer.exchange and one.kind is Kind.SENT]
    assert len({event.local for event in sent}) == 3
    assert answer.data == ()
    call.close()


def test_a_request_without_end_is_refused(caller: DataChannelPeer) -> None:
    call = caller.open("data channel")
    association = call.connect("association")
    assert call.ask(association, "a head without end", b"GET / HTTP/1.1\r\nX: " + b"A" * 40_000).status == 431
    call.close()
