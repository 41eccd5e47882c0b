"""The torturer: cases go out as the corpus writes them, side by side, with good requests around them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import subscriber

from imsproof.actors.torturer import Torturer
from imsproof.codec import sip
from imsproof.codec.secagree import parse_mechanisms
from imsproof.codec.torture import framing, plain, rfc4475
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from tests.actors.conftest import SipPeer

    from imsproof.link.session import Session
    from imsproof.profile import Profile
    from imsproof.profile.gm import Gm


def test_good_requests_and_cases_are_answered_each_in_a_conversation(session: Session, gm: Gm, peer: SipPeer) -> None:
    torturer = Torturer(session, gm, random.Random(1))
    assert torturer.plain().data
    answers = torturer.send_all(rfc4475.named("badvers", "mismatch01", "trws"), "REGISTER")
    assert len({one.exchange for one in answers}) == 3
    assert {message.version for message in peer.got} == {"SIP/2.0", "SIP/7.0"}


def test_one_seed_sends_the_same_tokens(session: Session, gm: Gm) -> None:
    first, second = (Torturer(session, gm, random.Random(5)).aim() for _ in range(2))
    assert first == second


def test_a_lab_that_is_silent_here_is_asked_from_another_address(session: Session, gm: Gm, peer: SipPeer) -> None:
    usual = {"127.0.0.1"}
    peer.handler = lambda message: [] if peer.source[0] in usual else [sip.response(message, 401).to_bytes()]
    found = Torturer(session, gm, random.Random(1), sources=("127.0.0.1", "127.0.0.7")).well()
    assert [bool(one.data) for one in found] == [False, True]


def test_a_transport_that_the_profile_lacks_is_inconclusive(session: Session, gm: Gm) -> None:
    with pytest.raises(InconclusiveError, match=r"gm\.tcp"):
        Torturer(session, gm, random.Random(1), transport="tcp")


def test_streams_of_two_messages_are_answered_by_the_reference_lab(lab: Session, reference: Profile) -> None:
    assert reference.gm
    torturer = Torturer(lab, reference.gm, random.Random(1), transport="tcp")
    answer, call_ids = torturer.stream(framing.UNDERSTOOD[1], injected=False)
    assert all(any(call_id.encode() in data for data in answer.data) for call_id in call_ids)


def test_named_messages_go_out_side_by_side_each_under_its_name(session: Session, gm: Gm, peer: SipPeer) -> None:
    torturer = Torturer(session, gm, random.Random(1), transport="udp")
    torturer.send_named([(f"case {n}", plain("OPTIONS", torturer.aim("OPTIONS"))) for n in range(5)])
    assert len(peer.got) == 5
    assert {event.exchange.partition(":")[2] for event in session.record.events} == {f"case {n}" for n in range(5)}


def test_messages_in_order_arrive_in_order(session: Session, gm: Gm, peer: SipPeer) -> None:
    torturer = Torturer(session, gm, random.Random(1), transport="udp")
    torturer.send_in_order([(name, plain(name, torturer.aim(name))) for name in ("CANCEL", "BYE", "ACK")])
    assert [message.method for message in peer.got] == ["CANCEL", "BYE", "ACK"]


def test_where_an_agreement_is_required_a_register_offers_one(session: Session, gm: Gm, peer: SipPeer) -> None:
    required = gm.model_copy(update={"sec_agree_required": True, "subscribers": (subscriber(),)})
    torturer = Torturer(session, required, random.Random(1))
    torturer.plain()
    torturer.plain("OPTIONS")
    torturer.send(rfc4475.named("bext01")[0], "REGISTER")
    offered = [parse_mechanisms(one.get_all("Security-Client")) for one in peer.got]
    assert [[one.name for one in entries] for entries in offered] == [["ipsec-3gpp"] * 3, [], ["ipsec-3gpp"] * 3]
    assert [one.get_all("Require") for one in peer.got[:2]] == [["sec-agree"], []]
    assert "sec-agree" not in peer.got[2].get_all("Require")  # what a case says of itself stands
