"""The flooder: requests that differ, and a legitimate user who tries while the flood goes on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.conftest import events

from imsproof.actors.flooder import Flooder
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.seams import Kind, Subject

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session
    from imsproof.profile.gm import Gm


def flooder(session: Session, peer: SipPeer) -> Flooder:
    return Flooder(session, peer.address, "ims.example", random.Random(7))


def test_every_request_is_well_formed_and_its_own(session: Session, peer: SipPeer) -> None:
    messages = [sip.Message.parse(data) for data in flooder(session, peer).requests("REGISTER", 50)]
    assert {message.method for message in messages} == {"REGISTER"}
    assert len({message.get("Call-ID") for message in messages}) == 50
    assert all(message.get("Max-Forwards") for message in messages)


def test_requests_are_the_same_for_the_same_seed(session: Session, peer: SipPeer) -> None:
    assert flooder(session, peer).requests("INVITE", 5) == flooder(session, peer).requests("INVITE", 5)


def test_users_can_be_named(session: Session, peer: SipPeer) -> None:
    messages = flooder(session, peer).requests("REGISTER", 2, ["sip:a@x", "sip:b@x"])
    assert [b"<sip:a@x>" in messages[0], b"<sip:b@x>" in messages[1]] == [True, True]


def test_a_legitimate_user_tries_beside_the_flood(session: Session, peer: SipPeer, gm: Gm) -> None:
    from tests.actors.conftest import subscriber  # noqa: PLC0415 - beside its only use

    ue = Ue(session, gm, subscriber())
    flood = flooder(session, peer).flood("OPTIONS", rate=2000, count=200, beside=ue.aregister, attempts=3)
    assert isinstance(flood, Subject)
    assert flood.burst.sent == 200
    assert flood.burst.statuses == {"200": 200}
    assert len(flood.attempts) == 3
    assert flood.exchanges == [attempt.exchange for attempt in flood.attempts]
    counted = [event.facts["sent"] for event in events(session, flood.exchange) if event.kind is Kind.COUNTED]
    assert sum(counted) == 200


def test_the_limits_bound_a_flood(session: Session, peer: SipPeer) -> None:
    peer.handler = lambda message: []
    flood = flooder(session, peer).flood("OPTIONS", rate=1e9, count=10**9)
    assert flood.burst.sent == session.link.limits.flood_packets
