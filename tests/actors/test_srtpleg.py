"""The tester's end of a protected leg: what it sends, and what it sees in what comes."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.actors.srtpleg import ProtectedLeg, Source, changed, lying
from imsproof.codec.rtp import RtpPacket
from imsproof.codec.srtp import Context, suite
from imsproof.link.udp import open_pair
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session

CHOSEN = suite("AES_CM_128_HMAC_SHA1_80")
assert CHOSEN is not None
OWN, THEIRS = Context(CHOSEN, bytes(30)), Context(CHOSEN, bytes(range(30)))
HERE = ("127.0.0.1", 9)


@pytest.fixture
def leg(session: Session) -> ProtectedLeg:
    found = ProtectedLeg(
        session, *session.run(open_pair(session, "ue-a", "sockets", "127.0.0.1", quiet=True)), "ue-a", random.Random(1)
    )
    found.own, found.theirs = OWN, THEIRS
    return found


def seen(leg: ProtectedLeg) -> list[dict[str, Any]]:
    return [dict(event.facts) for event in leg.record.events if event.kind is Kind.RECEIVED]


def media(sequence: int, roc: int = 0) -> bytes:
    return THEIRS.protect(RtpPacket(0, sequence, 0, 7, b"voice").to_bytes(), roc)


def test_what_came_before_the_keys_is_opened_afterwards(leg: ProtectedLeg) -> None:
    leg.theirs = None
    plain = RtpPacket(0, 9, 0, 7, b"voice").to_bytes()
    for data in (media(8), plain, RtpPacket(0, 10, 0, 7, b"").to_bytes()):
        leg.take(data, HERE)
    leg.theirs = THEIRS
    leg.look_back()
    leg.look_back()
    notes = [event for event in leg.record.events if event.facts.get("early")]
    assert [(event.facts["seq"], event.facts["authentic"]) for event in notes] == [(8, True), (9, False)]


def test_packets_are_opened_and_counted_over_the_wrap(leg: ProtectedLeg) -> None:
    for data in (media(65534), media(65535), media(0, 1), media(1, 0)):
        leg.take(data, HERE)
    facts = seen(leg)
    assert [one["authentic"] for one in facts] == [True] * 4
    assert [one["index"] for one in facts] == [65534, 65535, 65536, 1]
    assert (facts[2]["roc"], facts[2]["expected_roc"]) == (1, 1)
    assert (facts[3]["roc"], facts[3]["expected_roc"]) == (0, 1)
    assert b"voice" in base64.b64decode(facts[0]["payload"])
    assert leg.wait_for(b"voice", 1)
    assert leg.wait_sound(4, 1)


def test_what_cannot_be_opened_is_not_authentic_and_without_keys_nothing_is_said(leg: ProtectedLeg) -> None:
    leg.take(changed(media(1), -1), HERE)
    leg.take(bytes.fromhex("80c90001 00000007"), HERE)
    leg.take(THEIRS.protect_rtcp(bytes.fromhex("80c90001 00000007"), 4), HERE)
    leg.take(b"\x16\xfe\xfd", HERE)
    leg.theirs = None
    leg.take(media(2), HERE)
    assert [one["authentic"] for one in seen(leg)] == [False, False, True, None]
    assert seen(leg)[2]["encrypted"] is True
    assert len(leg.udp.drain()) == 5
    assert not leg.wait_for(b"voice", 0.01)


def test_what_is_sent_stands_in_the_journal_as_it_crossed(leg: ProtectedLeg) -> None:
    leg.remote = leg.udp.local
    leg.send("SRTP", leg.protected(b"voice"), how="srtp", injected=True)
    [sent] = [event for event in leg.record.events if event.kind is Kind.SENT]
    assert sent.facts["protected"] == "srtp"
    assert sent.facts["injected"] is True
    assert b"voice" not in sent.data
    assert OWN.unprotect(sent.data).endswith(b"voice")


def test_without_keys_or_address_nothing_is_sent(leg: ProtectedLeg) -> None:
    with pytest.raises(InconclusiveError, match="no address"):
        leg.send("SRTP", b"x")
    leg.own = None
    with pytest.raises(InconclusiveError, match="agreed on none"):
        leg.protected(b"x")


def test_lying_packets_are_authentic_or_cut_short(leg: ProtectedLeg) -> None:
    packets = lying(leg, b"payload")
    assert len({*packets.values()}) == len(packets)
    assert OWN.unprotect(packets["no payload"])[12:] == b""
    assert OWN.unprotect(packets["15 CSRCs announced, none there"])[0] & 0x0F == 15


@given(st.binary(min_size=1, max_size=40), st.integers(-40, 39), st.integers(1, 255))
def test_one_octet_changes(packet: bytes, place: int, bit: int) -> None:
    other = changed(packet, place, bit)
    assert len(other) == len(packet)
    assert sum(a != b for a, b in zip(packet, other, strict=True)) == 1


def test_a_source_counts_packets_over_the_wrap_and_reports_by_themselves() -> None:
    source = Source(7, 65535, 0)
    first, second = source.next(b"a"), source.next(b"b")
    assert [(packet.sequence, roc) for packet, roc in (first, second)] == [(65535, 0), (0, 1)]
    report, index = source.report_with(b"mark")
    assert b"TESTmark" in report
    assert (index, source.report_with(b"", bye=True)[1]) == (1, 2)
