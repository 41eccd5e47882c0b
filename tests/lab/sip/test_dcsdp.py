"""Data channels in SDP as the IMS AS handles them."""

from __future__ import annotations

import pytest

from imsproof.codec import sdp
from imsproof.lab.dctypes import DcEndpoint
from imsproof.lab.sip import dcsdp
from imsproof.lab.sip.policy import SipPolicy

PRINT = sdp.Fingerprint("SHA-256", ":".join(["AB"] * 32))
LOCAL = DcEndpoint("192.0.2.50", 7000, str(PRINT), "passive", "t" * 20, 5000, 1024)


def channel(*streams: int) -> sdp.MediaSection:
    return sdp.data_channel_section(5000, fingerprints=[PRINT], dcmaps=[sdp.Dcmap(stream) for stream in streams])


def ports(description: sdp.Sdp) -> list[int]:
    return [section.port for section in sdp.Sdp.parse(description.to_bytes()).media]


@pytest.mark.parametrize(
    ("streams", "bootstrap"), [((0,), True), ((), True), ((100, 1000), True), ((1000, 1002), False)]
)
def test_bootstrap_streams_are_below_1000(streams: tuple[int, ...], bootstrap: bool) -> None:
    assert dcsdp.is_bootstrap(channel(*streams)) is bootstrap
    assert not dcsdp.is_bootstrap(sdp.audio_section(1))


def test_hidden_lines_come_back_in_their_places() -> None:
    offer = sdp.description("192.0.2.1", [sdp.audio_section(1), channel(0), sdp.audio_section(3), channel(10)])
    hidden = {1: dcsdp.Hidden(offer.media[1], LOCAL), 3: dcsdp.Hidden(offer.media[3])}
    assert ports(dcsdp.without(offer, hidden)) == [1, 3]
    answer = sdp.description("192.0.2.2", [sdp.audio_section(11), sdp.audio_section(13)])
    assert ports(dcsdp.with_hidden(answer, hidden)) == [11, 7000, 13, 0]


def test_when_nothing_else_is_left_the_line_stays_with_port_0() -> None:
    offer = sdp.description("192.0.2.1", [channel(0)])
    hidden = {0: dcsdp.Hidden(offer.media[0], LOCAL)}
    towards = dcsdp.without(offer, hidden)
    assert ports(towards) == [0]
    assert ports(dcsdp.with_hidden(towards, hidden)) == [7000]


def test_session_level_attributes_count_for_an_offer() -> None:
    section = channel(0)
    for name in ("fingerprint", "setup"):
        section.remove_attr(name)
    offer = sdp.description("192.0.2.1", [section])
    with pytest.raises(sdp.SdpSyntaxError):
        dcsdp.read_offer(offer, section, SipPolicy())
    offer.session.add_attr("fingerprint", str(PRINT))
    offer.session.add_attr("setup", "active")
    read = dcsdp.read_offer(offer, section, SipPolicy())
    assert (read.address, read.port, read.fingerprint, read.setup) == ("192.0.2.1", 5000, str(PRINT), "active")


@pytest.mark.parametrize(
    ("name", "value"), [("sctp-port", "x"), ("sctp-port", "70000"), ("max-message-size", "-1"), ("setup", "holdconn")]
)
def test_numbers_and_roles_that_are_none_are_refused(name: str, value: str) -> None:
    section = channel(0)
    section.set_attr(name, value)
    with pytest.raises(sdp.SdpSyntaxError):
        dcsdp.read_offer(sdp.description("192.0.2.1", [section]), section, SipPolicy())


def test_rewriting_touches_data_channels_only() -> None:
    audio = sdp.audio_section(1, proto="UDP/TLS/RTP/SAVP", fingerprints=[PRINT])
    changed = dcsdp.rewrite_fingerprints(sdp.description("192.0.2.1", [audio, channel(1000)]), "SHA-256 00")
    assert [section.attr("fingerprint") for section in changed.media] == [str(PRINT), "SHA-256 00"]


def announced(*fingerprints: str, session: tuple[str, ...] = ()) -> tuple[sdp.Sdp, sdp.MediaSection]:
    section = sdp.data_channel_section(9, fingerprints=())
    for value in fingerprints:
        section.add_attr("fingerprint", value)
    description = sdp.description("192.0.2.1", [section])
    for value in session:
        description.session.add_attr("fingerprint", value)
    return description, section


def test_the_strongest_fingerprint_of_the_media_level_counts() -> None:
    sha1, sha256, other = "sha-1 " + ":".join(["11"] * 20), "SHA-256 " + ":".join(["22"] * 32), "sha-256 33"
    assert dcsdp.fingerprint_of(*announced(sha1, sha256, other), SipPolicy()) == sha256
    assert dcsdp.fingerprint_of(*announced(session=(sha256,)), SipPolicy()) == sha256
    assert dcsdp.fingerprint_of(*announced(sha1, session=(sha256,)), SipPolicy()) == sha1
    assert dcsdp.fingerprint_of(*announced(sha1, sha256), SipPolicy(fingerprint_choice="weakest")) == sha1


@pytest.mark.parametrize(
    ("value", "kind"),
    [("", "empty"), ("SHA-256 ZZ", "malformed"), ("SHA-256 AA:BB", "truncated"), ("sha-257 AA", "unknown-hash")],
)
def test_a_fingerprint_that_proves_nothing_is_refused_unless_a_fault_tolerates_it(value: str, kind: str) -> None:
    with pytest.raises(sdp.SdpSyntaxError, match=kind):
        dcsdp.fingerprint_of(*announced(value), SipPolicy())
    assert dcsdp.fingerprint_of(*announced(value), SipPolicy(tolerates_fingerprints=(kind,))).startswith("SHA-256 00:")
