"""SDP: nothing is lost, attributes of media security are read and written."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import sdp

FINGERPRINT = sdp.Fingerprint("SHA-256", ":".join(["AB"] * 32))

LINES = st.sampled_from(
    [
        b"v=0",
        b"m=audio 1 RTP/AVP 0",
        b"m=application 9 UDP/DTLS/SCTP x",
        b"a=dcmap:0 x",
        b"a=",
        b"",
        b"junk",
        b"c=IN IP4 h",
    ]
)


@given(st.lists(st.tuples(st.one_of(LINES, st.binary(max_size=20)), st.sampled_from([b"\r\n", b"\n", b"\r"]))))
def test_parsed_and_written_again_is_the_same_bytes(lines: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(line + end for line, end in lines)
    description = sdp.Sdp.parse(data)
    assert description.to_bytes() == data
    for media in description.media:
        assert isinstance((media.kind, media.port, media.proto, media.formats, media.connection, media.dcmaps), tuple)


def test_a_data_channel_offer_has_the_lines_of_rfc_8841_and_8864() -> None:
    offer = sdp.data_channel_offer("192.0.2.1", 52718, fingerprints=[FINGERPRINT], tls_id="a" * 20, audio_port=4000)
    again = sdp.Sdp.parse(offer.to_bytes())
    audio, channel = again.media
    assert audio.kind == "audio"
    assert channel.is_data_channel
    assert (channel.port, channel.formats) == (52718, ["webrtc-datachannel"])
    assert again.address(channel) == "192.0.2.1"
    assert channel.attr("setup") == "actpass"
    assert sdp.Fingerprint.parse(channel.attr("fingerprint") or "") == FINGERPRINT
    assert channel.dcmaps == [sdp.BOOTSTRAP]
    assert again.data_channel() is channel
    assert again.first("audio") is audio


def test_own_attributes_go_before_those_of_the_session() -> None:
    text = (
        b"v=0\r\nc=IN IP6 2001:db8::1\r\na=setup:active\r\n"
        b"m=audio 1 RTP/AVP 0\r\na=setup:passive\r\nm=audio 2 RTP/AVP 0\r\n"
    )
    description = sdp.Sdp.parse(text)
    one, two = description.media
    assert sdp.effective(description, "setup", one) == "passive"
    assert sdp.effective(description, "setup", two) == "active"
    assert sdp.effective(description, "none", two) is None
    assert description.address(two) == "2001:db8::1"


def test_changes_touch_their_own_line_only() -> None:
    text = b"v=0\nm=audio 1/2 RTP/AVP 0 8\na=x\na=sendrecv \na=x:2\n"
    description = sdp.Sdp.parse(text)
    media = description.media[0]
    media.port = 7
    media.proto = "RTP/SAVP"
    media.set_attr("x", "3")
    media.connection = "192.0.2.9"
    assert description.to_bytes() == b"v=0\nm=audio 7 RTP/SAVP 0 8\r\nc=IN IP4 192.0.2.9\r\na=x:3\r\na=sendrecv \n"
    media.remove_attr("x")
    assert media.attrs("x") == []
    copy = description.copy()
    copy.media[0].port = 0
    assert media.port == 7


@pytest.mark.parametrize("line", ["audio", "audio x RTP/AVP 0", "audio 70000 RTP/AVP 0", "audio -1 RTP/AVP"])
def test_a_media_line_without_port_number_has_port_minus_one(line: str) -> None:
    assert sdp.Sdp.parse(f"m={line}\r\n".encode()).media[0].port == -1


def test_crypto_round_trip() -> None:
    text = "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32 UNENCRYPTED_SRTCP"
    crypto = sdp.Crypto.parse(text)
    assert (crypto.tag, crypto.suite, crypto.params) == (1, "AES_CM_128_HMAC_SHA1_80", "|2^20|1:32 UNENCRYPTED_SRTCP")
    assert str(crypto) == text


def test_a_crypto_line_that_cannot_be_read_does_not_show_its_key() -> None:
    with pytest.raises(sdp.SdpSyntaxError) as caught:
        sdp.Crypto.parse("x AES inline:SECRET")
    assert "SECRET" not in str(caught.value)


def test_dcmap_round_trip() -> None:
    text = '1000 label="a;b";subprotocol="http";ordered=true'
    dcmap = sdp.Dcmap.parse(text)
    assert dcmap == sdp.Dcmap(1000, {"label": "a;b", "subprotocol": "http", "ordered": "true"})
    assert str(dcmap) == text
    assert str(sdp.Dcmap(3)) == "3"


@pytest.mark.parametrize("text", ["", "x", "65536", "-1 label=x"])
def test_a_dcmap_without_stream_id_is_refused(text: str) -> None:
    with pytest.raises(sdp.SdpSyntaxError):
        sdp.Dcmap.parse(text)


@pytest.mark.parametrize("text", ["", "SHA-256", "SHA-256 A:BB", "SHA-256 AABB"])
def test_a_broken_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(sdp.SdpSyntaxError):
        sdp.Fingerprint.parse(text)


def test_fingerprint_octets_are_compared_in_upper_case() -> None:
    assert sdp.Fingerprint.parse("sha-256 ab:cd") == sdp.Fingerprint("sha-256", "AB:CD")


def test_audio_with_protection() -> None:
    crypto = sdp.Crypto(1, "AES_CM_128_HMAC_SHA1_80", "A" * 40)
    offer = sdp.audio_offer("2001:db8::1", 4000, proto="RTP/SAVP", crypto=[crypto])
    media = sdp.Sdp.parse(offer.to_bytes()).media[0]
    assert sdp.Crypto.parse(media.attr("crypto") or "") == crypto
    assert offer.session.connection == "2001:db8::1"


def test_a_crypto_line_may_hold_several_keys_each_with_an_mki() -> None:
    one, other = b"a" * 30, b"b" * 30
    text = [base64.b64encode(key).decode().rstrip("=") for key in (one, other)]
    line = sdp.Crypto.parse(f"1 AES_CM_128_HMAC_SHA1_80 inline:{text[0]}|2^20|1:1;inline:{text[1]}|258:2 WSH=128")
    assert line.master() == one
    assert line.masters() == [(one, b"\x01"), (other, b"\x01\x02")]
    assert sdp.Crypto.parse(f"1 X inline:{text[0]}|2^31").masters() == [(one, b"")]


@pytest.mark.parametrize("mki", ["256:1", "1:129", "1:0"])
def test_an_mki_that_does_not_fit_its_length_is_none(mki: str) -> None:
    with pytest.raises(sdp.SdpSyntaxError, match="no MKI"):
        sdp.Crypto.parse(f"1 X inline:{'A' * 40}|{mki}").masters()
