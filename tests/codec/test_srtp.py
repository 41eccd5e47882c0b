"""SRTP by hand: the RFCs' vectors, the same bytes as the library's, and what is wrong on purpose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import srtp
from imsproof.codec.rtp import RtpPacket
from imsproof.codec.srtp import SUITES, Context, SrtpPacketError, guess_roc, header_size, suite
from imsproof.engine import srtp as library

CM, CM_32, GCM = SUITES[0], SUITES[1], SUITES[4]
REPORT = bytes.fromhex("80c90001 0000abcd 80cc0003 0000abcd 54455354") + b"data"
payloads = st.binary(max_size=300)
both = pytest.mark.parametrize("chosen", library.SUITES, ids=lambda one: one.sdes)


def test_session_keys_are_those_of_rfc_3711_appendix_b3() -> None:
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")
    keys = Context(CM, master)._rtp
    assert keys.cipher == bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087")
    assert keys.salt == bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1")
    assert keys.auth == bytes.fromhex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")


def test_the_keystream_is_that_of_rfc_3711_appendix_b2() -> None:
    key, start = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")
    stream = srtp._counter_mode(key, start, bytes(32))
    assert stream == bytes.fromhex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB")


@both
@given(payload=payloads, ssrc=st.integers(0, 2**32 - 1), sequence=st.integers(0, 65535))
def test_packets_are_the_librarys(chosen: srtp.Suite, payload: bytes, ssrc: int, sequence: int) -> None:
    master = bytes(range(chosen.master_size))
    packet = RtpPacket(0, sequence, 160, ssrc, payload, csrcs=(1, 2), extension=(9, b"abcd")).to_bytes()
    by_hand = Context(chosen, master)
    protected = by_hand.protect(packet)
    assert protected == library.SrtpContext(chosen.sdes, master).protect(packet)
    assert by_hand.unprotect(protected) == packet


@both
@given(rest=st.binary(max_size=200).map(lambda some: some[: len(some) // 4 * 4]), index=st.integers(1, 2**31 - 1))
def test_reports_are_the_librarys(chosen: srtp.Suite, rest: bytes, index: int) -> None:
    master = bytes(range(chosen.master_size))
    by_hand = Context(chosen, master)
    assert by_hand.protect_rtcp(REPORT, 1) == library.SrtpContext(chosen.sdes, master).protect_rtcp(REPORT)
    for clear in (False, True):
        protected = by_hand.protect_rtcp(REPORT + rest, index, clear=clear)
        assert (rest in protected) is (clear or not rest) or len(rest) < 8
        assert by_hand.unprotect_rtcp(protected) == (REPORT + rest, index, not clear)


@pytest.mark.parametrize("chosen", SUITES, ids=lambda one: one.sdes)
@given(payload=st.binary(min_size=1, max_size=80), place=st.integers(0), roc=st.integers(0, 2**32 - 1))
def test_a_changed_bit_is_noticed_wherever_it_is(chosen: srtp.Suite, payload: bytes, place: int, roc: int) -> None:
    context = Context(chosen, bytes(chosen.master_size))
    packet = RtpPacket(0, 1, 160, 7, payload).to_bytes()
    changed = bytearray(context.protect(packet, roc))
    changed[1 + place % (len(changed) - 1)] ^= 1  # the first octet says where the header ends
    with pytest.raises(SrtpPacketError):
        context.unprotect(bytes(changed), roc)
    report = bytearray(context.protect_rtcp(REPORT, 5))
    report[place % len(report)] ^= 1
    with pytest.raises(SrtpPacketError):
        context.unprotect_rtcp(bytes(report))


def test_another_rollover_counter_is_another_packet() -> None:
    context = Context(CM, bytes(30))
    packet = RtpPacket(0, 1, 160, 7, b"payload").to_bytes()
    assert context.unprotect(context.protect(packet, 3), 3) == packet
    for wrong in (context.protect(packet, 3), context.protect(packet, 0, auth_roc=3)):
        with pytest.raises(SrtpPacketError):
            context.unprotect(wrong, 0)


def test_an_identifier_of_the_master_key_stands_before_the_tag() -> None:
    packet = RtpPacket(0, 1, 160, 7, b"payload").to_bytes()
    plain, marked = Context(CM, bytes(30)), Context(CM, bytes(30), mki=b"\0\0\0\1")
    protected = marked.protect(packet)
    assert protected == plain.protect(packet)[:-10] + b"\0\0\0\1" + plain.protect(packet)[-10:]
    assert marked.unprotect(protected) == packet
    assert marked.unprotect_rtcp(marked.protect_rtcp(REPORT, 1)) == (REPORT, 1, True)


def test_a_short_tag_is_the_other_suites() -> None:
    packet = RtpPacket(0, 1, 160, 7, b"payload").to_bytes()
    assert Context(CM_32, bytes(30)).protect(packet) == Context(CM, bytes(30)).protect(packet)[:-6]


@pytest.mark.parametrize("chosen", [CM, GCM], ids=lambda one: one.sdes)
def test_a_clear_payload_is_authentic(chosen: srtp.Suite) -> None:
    packet = RtpPacket(0, 1, 160, 7, b"payload").to_bytes()
    context = Context(chosen, bytes(chosen.master_size))
    assert context.protect(packet, clear=True).startswith(packet)
    if not chosen.aead:
        assert context.unprotect(context.protect(packet, clear=True)) != packet


def test_what_is_too_short_is_no_packet_and_a_master_of_other_length_no_key() -> None:
    for short in (b"", bytes(12), bytes(21)):
        with pytest.raises(SrtpPacketError, match="bytes are no"):
            Context(CM, bytes(30)).unprotect(short)
        with pytest.raises(SrtpPacketError, match="bytes are no"):
            Context(CM, bytes(30)).unprotect_rtcp(short)
    with pytest.raises(ValueError, match="asks for 30 bytes"):
        Context(CM, bytes(28))


def test_a_suite_is_found_by_either_name_and_no_name_is_none() -> None:
    assert suite("AEAD_AES_128_GCM") == suite("SRTP_AEAD_AES_128_GCM") == GCM
    assert suite("") is None
    assert suite("NULL") is None


@given(st.integers(1, 2**32 - 2), st.integers(0, 65535), st.integers(-(2**15) + 1, 2**15 - 1))
def test_the_rollover_counter_of_a_near_packet_is_guessed(roc: int, highest: int, step: int) -> None:
    index = (roc << 16) + highest + step
    assert guess_roc(roc, highest, index & 0xFFFF) == index >> 16


@given(st.binary(max_size=60))
def test_a_header_is_never_longer_than_its_packet(data: bytes) -> None:
    assert header_size(data) <= len(data)
