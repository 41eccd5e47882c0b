"""Which ends are UEs, which answer belongs to which request, which offers were taken: told by the messages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.audit import wire

from imsproof.codec.sip import Message
from imsproof.judge.passive import Legs, Look, answered, by_address, description, sessions, tally, transaction
from imsproof.seams import Outcome

if TYPE_CHECKING:
    from pathlib import Path

SDP = b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:AAAA\r\nm=video 0 RTP/AVP 31\r\n"
SDP_TYPE = ("Content-Type", "application/sdp")
INVITE = wire.message("INVITE sip:b@ims.example SIP/2.0", "Content-Type: application/sdp", body=SDP, call="i")


def test_a_ue_is_who_registers_without_a_proxy_before_it(tmp_path: Path) -> None:
    core = wire.message("REGISTER sip:ims.example SIP/2.0", "Path: <sip:p>", vias=2, call="r")
    legs = Legs(
        wire.reading(
            tmp_path, wire.dialogue((wire.UE, wire.EDGE, wire.register()), (wire.EDGE, wire.CORE, core))
        ).events
    )
    assert [legs.is_ue(one) for one in (wire.UE, wire.EDGE, wire.CORE, None)] == [True, False, False, False]


def test_a_transaction_is_that_of_one_hop() -> None:
    one, other = (wire.message("INVITE sip:b SIP/2.0", vias=n) for n in (1, 2))
    assert transaction(Message.parse(one)) != transaction(Message.parse(other))
    assert transaction(Message.parse(one)) == transaction(Message.parse(wire.answer(one, 200)))


def test_only_offers_that_were_taken_are_sessions(tmp_path: Path) -> None:
    said = [(wire.UE, wire.EDGE, wire.register()), (wire.UE, wire.EDGE, INVITE)]
    refused = wire.reading(tmp_path, wire.dialogue(*said, (wire.EDGE, wire.UE, wire.answer(INVITE, 488)))).events
    assert sessions(refused) == []
    taken = wire.answer(INVITE, 200, SDP_TYPE, body=SDP)
    events = wire.reading(tmp_path, wire.dialogue(*said, (wire.EDGE, wire.UE, taken))).events
    (session,) = sessions(events)
    assert [line.kind for _, _, line in session.sides()] == ["audio", "audio"]
    assert set(by_address([session])) == {("10.0.0.1", 4000)}
    assert len(answered(events)) == 1


def test_a_description_is_found_in_a_multipart_body() -> None:
    body = (
        b"--b\r\nContent-Type: application/sdp\r\n\r\n"
        + SDP
        + b"\r\n--b\r\nContent-Type: x/y\r\n\r\nm=nothing\r\n--b--"
    )
    found = description(
        Message.parse(wire.message("INVITE sip:b SIP/2.0", "Content-Type: multipart/mixed;boundary=b", body=body))
    )
    assert found is not None
    assert len(found.media) == 2


def test_the_wrong_occasions_decide_then_the_doubtful_ones(tmp_path: Path) -> None:
    event = wire.reading(tmp_path, wire.dialogue((wire.UE, wire.EDGE, wire.register()))).events[0]
    good, doubtful, wrong = Look(event), Look(event, doubt="perhaps"), Look(event, "bad")
    assert tally([], "things").events == ()
    assert tally([good, doubtful, wrong], "things").sentence == "1 of 3 things: bad"
    assert tally([good, doubtful], "things").outcome is Outcome.UNKNOWN
    assert tally([good, good], "things").outcome is Outcome.HOLDS
