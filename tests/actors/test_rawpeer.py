"""An association in the tester's own hands, against the reference lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.call import CallSignalling
from imsproof.actors.dcpeer import DataChannelPeer
from imsproof.actors.forge import PACKETS, RECORDS
from imsproof.actors.ue import Ue
from imsproof.codec.tlshello import APPLICATION_DATA, HANDSHAKE
from imsproof.judge.predicates.datachannel import (
    heartbeat_answered,
    heartbeat_answered_once,
    heartbeat_not_answered,
    message_answered,
    no_chunk,
)
from imsproof.judge.predicates.recordnumbers import records_numbered_once
from imsproof.seams import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.link.session import Session
    from imsproof.profile import Profile

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def call(reference: Profile, lab: Session) -> Iterator[DataChannelCall]:
    """A call with a data channel."""
    assert reference.gm is not None
    assert reference.far is not None
    ue = Ue(lab, reference.gm, reference.gm.subscribers[1])
    assert ue.register().ok
    made = DataChannelPeer(lab, CallSignalling(ue, reference.far.uri)).open("data channel")
    yield made
    made.close()


def test_it_comes_up_answers_and_carries_messages(call: DataChannelCall, lab: Session) -> None:
    association = call.raw("association")
    assert association.connected
    beat = association.heartbeat("heartbeat")
    assert heartbeat_answered(lab.record.events, exchange=beat.exchange).outcome is Outcome.HOLDS
    asked = association.message("GET", 0, 51, GET)
    assert message_answered(lab.record.events, exchange=asked.exchange).outcome is Outcome.HOLDS


def test_whatever_is_forged_the_lab_lives(call: DataChannelCall, lab: Session) -> None:
    association = call.raw("association")
    for kind in RECORDS:
        association.forge(kind)
    for kind in sorted(set(PACKETS) - {"data-huge"}):
        association.inject(kind)
    beat = association.heartbeat("heartbeat afterwards")
    assert heartbeat_answered(lab.record.events, exchange=beat.exchange).outcome is Outcome.HOLDS


def test_heartbeats_that_are_not_right_are_not_answered(call: DataChannelCall, lab: Session) -> None:
    association = call.raw("association")
    odd = association.odd_heartbeat("wrong tag", tag=1)
    clear = association.clear_heartbeat("in clear")
    replayed = association.replayed_heartbeat("replayed")
    assert heartbeat_not_answered(lab.record.events, exchange=odd.exchange).outcome is Outcome.HOLDS
    assert heartbeat_not_answered(lab.record.events, exchange=clear.exchange).outcome is Outcome.HOLDS
    assert heartbeat_answered_once(lab.record.events, exchange=replayed.exchange).outcome is Outcome.HOLDS


def test_the_numbers_of_all_protected_records_are_noted(call: DataChannelCall, lab: Session) -> None:
    association = call.raw("association")
    many = association.many_heartbeats("heartbeats", 20)
    assert records_numbered_once(lab.record.events, exchange=many.exchange).outcome is Outcome.HOLDS


def test_the_cookie_decides_whether_there_is_an_association(call: DataChannelCall, lab: Session) -> None:
    association = call.raw("held", passive=True, hold_cookie=True)
    cookie = association.cookie()
    wrong = association.echo_cookie("changed", bytes((*cookie[:-1], cookie[-1] ^ 1)))
    assert no_chunk(lab.record.events, exchange=wrong.exchange, chunks=["COOKIE_ACK"]).outcome is Outcome.HOLDS
    right = association.echo_cookie("as it came", cookie)
    assert no_chunk(lab.record.events, exchange=right.exchange, chunks=["COOKIE_ACK"]).outcome is Outcome.FAILS


def test_genuine_datagrams_are_kept(call: DataChannelCall) -> None:
    association = call.raw("association")
    assert association.genuine(APPLICATION_DATA)[0] == APPLICATION_DATA
    assert association.genuine(HANDSHAKE, first=True)[0] == HANDSHAKE
    kept = association.withheld_heartbeat("kept")
    assert [one[0] for one in kept] == [APPLICATION_DATA]
