"""What a careless gateway takes and sends, each kind by itself and nothing more."""

from __future__ import annotations

import pytest

from imsproof.codec.rtp import Packets, RtpPacket
from imsproof.codec.srtp import Context, SrtpPacketError, suite
from imsproof.engine.srtp import SrtpContext
from imsproof.lab.media.srtpguard import CarelessReceiver, CarelessSender

NAME = "AES_CM_128_HMAC_SHA1_80"
CHOSEN = suite(NAME)
assert CHOSEN is not None
THEIRS, OURS, OTHER = (Context(CHOSEN, bytes([number] * 30)) for number in (1, 2, 3))
PACKET = RtpPacket(0, 1000, 160, 7, b"payload" * 10).to_bytes()
REPORT = bytes.fromhex("80c90001 00000007 80cc0003 00000007 54455354") + b"data"


def receiver() -> CarelessReceiver:
    others = [SrtpContext(NAME, OTHER.master)]
    found = CarelessReceiver(SrtpContext(NAME, THEIRS.master), SrtpContext(NAME, OURS.master), lambda: others)
    found.took(THEIRS.protect(PACKET))
    return found


def numbered(sequence: int) -> bytes:
    return RtpPacket(0, sequence, 160, 7, b"payload" * 10).to_bytes()


PROTECTED = THEIRS.protect(PACKET)


@pytest.mark.parametrize(
    ("kind", "packet"),
    [
        ("replay", PROTECTED),
        ("old-replay", THEIRS.protect(numbered(900))),
        ("own-key", OURS.protect(PACKET)),
        ("other-calls", OTHER.protect(PACKET)),
        ("tag", PROTECTED[:-10] + bytes(10)),
        ("tag-part", PROTECTED[:-1] + bytes((PROTECTED[-1] ^ 1,))),
        ("short-tag", PROTECTED[:-6]),
    ],
)
def test_a_packet_is_taken_by_who_does_not_mind_it(kind: str, packet: bytes) -> None:
    expected = numbered(900) if kind == "old-replay" else PACKET
    assert receiver().refused(Packets.RTP, packet, (kind,)) == expected
    assert receiver().refused(Packets.RTP, packet, ("something else",)) is None


@pytest.mark.parametrize(
    ("kind", "packet", "expected"),
    [
        ("report-replay", THEIRS.protect_rtcp(REPORT, 3), REPORT),
        ("report-tag", THEIRS.protect_rtcp(REPORT, 3)[:-10] + bytes(10), REPORT),
        ("plain-reports", REPORT, REPORT),
    ],
)
def test_a_report_is_taken_by_who_does_not_mind_it(kind: str, packet: bytes, expected: bytes) -> None:
    assert receiver().refused(Packets.RTCP, packet, (kind,)) == expected
    assert receiver().refused(Packets.RTCP, packet, ("something else",)) is None


def test_counters_are_kept_wrongly() -> None:
    ahead, forged = THEIRS.protect(numbered(5), 1), bytearray(THEIRS.protect(numbered(60000)))
    forged[-1] ^= 1
    lost = receiver()
    assert lost.by_itself(THEIRS.protect(numbered(65535)), ("roc-lost",)) is not None
    assert lost.by_itself(ahead, ("roc-lost",)) is None
    early = receiver()
    for number in (30000, 60000):
        forged = bytearray(THEIRS.protect(numbered(number)))
        forged[-1] ^= 1
        assert early.by_itself(bytes(forged), ("early-state",)) is None
    assert early.by_itself(THEIRS.protect(numbered(1001)), ("early-state",)) is None
    assert receiver().by_itself(THEIRS.protect(numbered(999)), ("reordered",)) is None
    assert receiver().by_itself(THEIRS.protect(numbered(1001)), ("reordered",)) == numbered(1001)


def test_what_is_sent_is_plain_or_wrong_or_under_a_used_keystream() -> None:
    def sender() -> CarelessSender:
        return CarelessSender(SrtpContext(NAME, OURS.master))

    assert sender().protect(PACKET, ("sends-plain",)) == PACKET
    with pytest.raises(SrtpPacketError):
        OURS.unprotect(sender().protect(PACKET, ("sends-bad-tags",)))
    again = sender()
    assert again.protect(PACKET, ("sends-again",)) == again.protect(PACKET, ("sends-again",)) == OURS.protect(PACKET)
    wrapped = sender()
    wrapped.protect(numbered(65535), ("sends-roc-0",))
    assert wrapped.protect(numbered(0), ("sends-roc-0",)) == OURS.protect(numbered(0), 0)
    assert sender().report(REPORT, ("sends-plain-reports",)) == REPORT
    assert OURS.unprotect_rtcp(sender().report(REPORT, ("sends-clear-reports",))) == (REPORT, 1, False)
