"""What was agreed on media and what crossed then, right and wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.audit import wire

from imsproof.codec import sctp
from imsproof.codec.rtp import RtpPacket
from imsproof.evidence import packets
from imsproof.judge.predicates import seen_media
from imsproof.seams import Outcome, TapPacket

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.seams import Address, Event

TYPE = ("Content-Type", "application/sdp")
MEDIA, MINE = ("10.9.0.9", 5000), ("10.0.0.1", 4000)
PRINT = "a=fingerprint:sha-256 AA:BB\r\n"


def session(offer: str, taken: str, media: Address = MEDIA) -> list[bytes]:
    """A registration and a call, with these media parts."""
    mine = f"v=0\r\nc=IN IP4 {MINE[0]}\r\n{offer}".encode()
    yours = f"v=0\r\nc=IN IP4 {media[0]}\r\n{taken}".encode()
    invite = wire.message("INVITE sip:b@x SIP/2.0", "Content-Type: application/sdp", body=mine, call="i")
    return wire.dialogue(
        (wire.UE, wire.EDGE, wire.register()),
        (wire.UE, wire.EDGE, invite),
        (wire.EDGE, wire.UE, wire.answer(invite, 200, TYPE, body=yours)),
    )


def line(kind: str, proto: str, *more: str, port: int = 0) -> tuple[str, str]:
    """The same media line from both sides."""
    return tuple(f"m={kind} {one} {proto} 0\r\n{''.join(more)}" for one in (MINE[1], port or MEDIA[1]))  # type: ignore[return-value]


def rtp(size: int, count: int = 6, repeated: bool = False) -> list[bytes]:
    """A flow to the network's media address."""
    said = [RtpPacket(0, n, 0, 7, bytes([n]) * size).to_bytes() for n in range(count)]
    if repeated:
        said.append(RtpPacket(0, 2, 0, 7, b"other" * (size // 5)).to_bytes())
    return wire.dialogue(*((MINE, MEDIA, one) for one in said))


def events(folder: Path, frames: list[bytes]) -> list[Event]:
    """The journal."""
    return wire.reading(folder, frames).events


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ((PRINT,), Outcome.HOLDS),
        ((), Outcome.FAILS),
        (("a=fingerprint:md5 AA:BB\r\n",), Outcome.FAILS),
        (("a=fingerprint:sha-1 AA:BB\r\n",), Outcome.UNKNOWN),
        (("a=fingerprint:md5 AA:BB\r\n", PRINT), Outcome.HOLDS),
    ],
)
def test_a_fingerprint_that_is_not_broken_is_agreed(tmp_path: Path, more: tuple[str, ...], outcome: Outcome) -> None:
    frames = session(*line("application", "UDP/DTLS/SCTP", *more))
    assert seen_media.seen_fingerprint_hash(events(tmp_path, frames)).outcome is outcome


@pytest.mark.parametrize(("proto", "outcome"), [("UDP/DTLS/SCTP", Outcome.HOLDS), ("UDP/SCTP", Outcome.FAILS)])
def test_data_channels_are_agreed_over_dtls(tmp_path: Path, proto: str, outcome: Outcome) -> None:
    assert seen_media.seen_data_channel(events(tmp_path, session(*line("application", proto)))).outcome is outcome


def test_a_line_that_was_refused_is_no_occasion(tmp_path: Path) -> None:
    frames = session(line("application", "UDP/SCTP")[0], "m=application 0 UDP/SCTP 0\r\n")
    assert seen_media.seen_data_channel(events(tmp_path, frames)).events == ()


@pytest.mark.parametrize(
    ("size", "outcome"), [(160, Outcome.FAILS), (170, Outcome.HOLDS), (164, Outcome.HOLDS), (176, Outcome.HOLDS)]
)
def test_plain_rtp_is_told_by_its_length(tmp_path: Path, size: int, outcome: Outcome) -> None:
    frames = session(*line("audio", "RTP/SAVP")) + rtp(size)
    assert seen_media.seen_srtp(events(tmp_path, frames)).outcome is outcome


def test_plain_rtp_that_was_agreed_is_no_occasion(tmp_path: Path) -> None:
    assert seen_media.seen_srtp(events(tmp_path, session(*line("audio", "RTP/AVP")) + rtp(160))).events == ()


@pytest.mark.parametrize(("repeated", "outcome"), [(False, Outcome.HOLDS), (True, Outcome.FAILS)])
def test_an_index_stands_for_one_content(tmp_path: Path, repeated: bool, outcome: Outcome) -> None:
    frames = session(*line("audio", "RTP/SAVP")) + rtp(170, repeated=repeated)
    assert seen_media.seen_index_once(events(tmp_path, frames)).outcome is outcome


@pytest.mark.parametrize(("both", "outcome"), [(False, Outcome.HOLDS), (True, Outcome.FAILS)])
def test_sctp_in_clear_counts_when_it_is_answered(tmp_path: Path, both: bool, outcome: Outcome) -> None:
    bare = sctp.Packet(5000, 5000, 1, (sctp.init_chunk(1, 1),)).to_bytes()
    said = [(MINE, MEDIA, bare), *([(MEDIA, MINE, bare)] if both else [])]
    frames = session(*line("application", "UDP/DTLS/SCTP", PRINT)) + wire.dialogue(*said)
    assert seen_media.seen_sctp_clear(events(tmp_path, frames)).outcome is outcome


@pytest.mark.parametrize(
    ("proto", "outcome"), [("TCP/TLS/MSRP", Outcome.FAILS), ("TCP/MSRP", Outcome.UNKNOWN), ("", Outcome.UNKNOWN)]
)
def test_msrp_in_clear_is_wrong_where_tls_was_agreed(tmp_path: Path, proto: str, outcome: Outcome) -> None:
    text = b"MSRP a786 SEND\r\nTo-Path: msrp://x:1/a;tcp\r\n\r\nHi\r\n-------a786$\r\n"
    taps = [
        TapPacket(1, "tcp", ("10.0.0.1", 999), MEDIA, b"", "open"),
        TapPacket(2, "tcp", ("10.0.0.1", 999), MEDIA, text),
    ]
    frames = [packet.data for packet in packets.Fabric().wrap(taps)]
    if proto:
        frames = session(*line("message", proto, PRINT)) + frames
    assert seen_media.seen_msrp_clear(events(tmp_path, frames)).outcome is outcome


def key(text: str) -> str:
    """A crypto attribute."""
    return f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{text}\r\n"


def test_sdes_keys_in_clear_are_seen_on_the_leg_of_a_ue(tmp_path: Path) -> None:
    frames = session(line("audio", "RTP/SAVP", key("AAAA"))[0], line("audio", "RTP/SAVP", key("BBBB"))[1])
    journal = events(tmp_path, frames)
    assert seen_media.seen_sdes_clear(journal).outcome is Outcome.FAILS
    assert seen_media.seen_sdes_own(journal).outcome is Outcome.HOLDS


def test_one_sdes_key_for_both_directions_is_wrong(tmp_path: Path) -> None:
    frames = session(*line("audio", "RTP/SAVP", key("AAAA")))
    assert seen_media.seen_sdes_own(events(tmp_path, frames)).outcome is Outcome.FAILS
