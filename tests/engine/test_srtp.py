"""SRTP contexts."""

from __future__ import annotations

import pytest

from imsproof.codec.rtp import RtpPacket
from imsproof.engine.srtp import SUITES, SrtpContext, SrtpError, format_inline, inline_master, suite

PACKET = RtpPacket(0, 1, 160, 0x1234, bytes(160)).to_bytes()


@pytest.mark.parametrize("name", [s.sdes for s in SUITES] + [s.dtls for s in SUITES])
def test_what_one_end_protects_the_other_unprotects(name: str) -> None:
    chosen = suite(name)
    master = bytes(range(chosen.key_size + chosen.salt_size))
    protected = SrtpContext(name, master).protect(PACKET)
    assert protected[:12] == PACKET[:12]
    assert protected != PACKET
    assert SrtpContext(name, master).unprotect(protected) == PACKET


def test_plain_tampered_and_replayed_packets_are_refused() -> None:
    sender, receiver = SrtpContext("AEAD_AES_128_GCM", bytes(28)), SrtpContext("AEAD_AES_128_GCM", bytes(28))
    protected = sender.protect(PACKET)
    for wrong in (PACKET, protected[:-1] + bytes((protected[-1] ^ 1,)), b"", b"\x80", bytes(2000)):
        with pytest.raises(SrtpError):
            receiver.unprotect(wrong)
    assert receiver.unprotect(protected) == PACKET
    with pytest.raises(SrtpError, match="replay"):
        receiver.unprotect(protected)


def test_rtcp_round_trip() -> None:
    report = bytes.fromhex("80c90001 00001234")
    master = bytes(30)
    protected = SrtpContext("AES_CM_128_HMAC_SHA1_80", master).protect_rtcp(report)
    assert SrtpContext("AES_CM_128_HMAC_SHA1_80", master).unprotect_rtcp(protected) == report


def test_inline_keys_are_read_with_lifetime_and_mki() -> None:
    chosen = suite("AES_CM_128_HMAC_SHA1_80")
    master = bytes(range(30))
    assert inline_master(chosen, format_inline(master)) == master
    assert inline_master(chosen, format_inline(master) + "|2^20|1:4") == master


@pytest.mark.parametrize("text", ["inline:AAAA", "inline:***", ""])
def test_inline_keys_of_wrong_length_or_form_are_refused(text: str) -> None:
    with pytest.raises(SrtpError):
        inline_master(suite("AEAD_AES_128_GCM"), text)


def test_unknown_suites_and_short_keys_are_named() -> None:
    with pytest.raises(SrtpError, match="'NULL' is not one of"):
        suite("NULL")
    with pytest.raises(SrtpError, match="do not fit"):
        SrtpContext("AEAD_AES_256_GCM", bytes(10)).protect(PACKET)
