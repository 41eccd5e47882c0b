"""The far side of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.farleg import FarLeg, describe_rtp
from imsproof.codec.sdp import audio_section, description
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session

REPORT = bytes.fromhex("80c90001 00000007")
PACKET = bytes.fromhex("80000001 00000000 00000007") + b"voice"


def test_what_is_not_rtp_has_no_facts() -> None:
    assert describe_rtp(b"\x80") == ("", {})
    assert describe_rtp(bytes(12))[1]["seq"] == 0


def test_it_answers_from_where_it_was_sent_to_and_offers_one_port_only_where_that_is_offered(session: Session) -> None:
    far = FarLeg(session, "127.0.0.1")
    mux = description("127.0.0.1", [audio_section(4000, attributes=("rtcp-mux",))])
    named = description("peer.invalid", [audio_section(4000)])
    answers = [far.sdp(named).first("audio"), far.sdp(mux).first("audio")]
    assert [one.attr("rtcp-mux") if one else "none" for one in answers] == [None, ""]
    assert far.remote == ("127.0.0.1", 4000)


def test_without_an_offer_or_a_packet_it_is_not_known_where_to_send(session: Session) -> None:
    far = FarLeg(session, "127.0.0.1")
    far.sdp()
    for send in (far.send, far.report):
        with pytest.raises(InconclusiveError, match="came to the far side"):
            send("too early", b"x")


def test_media_and_reports_go_back_to_where_each_came_from(session: Session) -> None:
    far = FarLeg(session, "127.0.0.1")
    lab = session.run(UdpEndpoint.open(session, "lab", "lab", local=("127.0.0.1", 0)))
    session.run(lab.send(PACKET, far.where))
    session.run(lab.send(REPORT, (far.where[0], far.where[1] + 1)))
    assert far.wait_for(b"voice", 5)
    assert far.wait_for(REPORT, 5)
    assert len(far.drain()) == 2
    assert not far.wait_for(b"voice", 0.01)
    far.send("media", b"back", index=65535)
    far.report("report", b"mark")
    sources = {}
    for _ in range(2):
        got = session.run(lab.receive(5))
        assert got is not None
        sources[got[0][1] & 0x7F] = got[1][1]
    assert sources == {0: far.where[1], 201 & 0x7F: far.where[1] + 1}
    sent = [
        event.facts.get("seq") for event in session.record.events if event.kind is Kind.SENT and event.actor == "far"
    ]
    assert sent == [65535, None]
