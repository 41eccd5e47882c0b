"""SIP is found in datagrams and streams, in every link layer; what stays closed or unknown is told."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audit import wire

from imsproof.audit.dissect import read
from imsproof.codec import sctp
from imsproof.evidence import packets, pcapng
from imsproof.seams import TapPacket

if TYPE_CHECKING:
    from pathlib import Path

REGISTER = wire.register()
SAID = wire.dialogue((wire.UE, wire.EDGE, REGISTER))[0]
LINKS = {
    pcapng.LINK_ETHERNET: bytes(12) + b"\x08\x00",
    pcapng.LINK_NULL: bytes(4),
    pcapng.LINK_RAW: b"",
    pcapng.LINK_SLL: bytes(16),
    pcapng.LINK_SLL2: bytes(20),
    12: b"",
}


@pytest.mark.parametrize("link", LINKS)
def test_sip_is_found_behind_every_link_layer(tmp_path: Path, link: int) -> None:
    found = wire.reading(tmp_path, [LINKS[link] + SAID], link)
    assert [event.facts["method"] for event in found.events] == ["REGISTER"]
    assert found.events[0].data == REGISTER


def test_sip_is_found_behind_vlan_tags_and_over_ipv6(tmp_path: Path) -> None:
    ue, edge = ("2001:db8::1", 5060), ("2001:db8::2", 5060)
    frame = bytes(12) + b"\x81\x00\x00\x05\x86\xdd" + packets.udp(ue, edge, REGISTER)
    found = wire.reading(tmp_path, [frame], pcapng.LINK_ETHERNET)
    assert [(event.local, event.remote) for event in found.events] == [(ue, edge)]


def segments(*pieces: tuple[int, bytes]) -> list[bytes]:
    """TCP segments of the UE after a handshake, at these places of its stream."""
    syn = packets.tcp(wire.UE, wire.EDGE, 99, 0, packets.SYN)
    return [syn, *(packets.tcp(wire.UE, wire.EDGE, 100 + at, 0, packets.ACK, data) for at, data in pieces)]


def test_sip_in_a_stream_is_found_whatever_the_order_of_its_segments(tmp_path: Path) -> None:
    both = REGISTER + wire.register(cseq=2)
    pieces = [(at, both[at : at + 50]) for at in range(0, len(both), 50)]
    found = wire.reading(tmp_path, segments(*reversed(pieces)))
    assert [event.data for event in found.events] == [REGISTER, wire.register(cseq=2)]
    assert not found.notes


def test_sip_behind_a_gap_is_found_and_the_gap_is_told(tmp_path: Path) -> None:
    both = REGISTER + wire.register(cseq=2) + wire.register(cseq=3)
    half = len(REGISTER) + 30
    found = wire.reading(tmp_path, segments((0, both[: half - 40]), (half, both[half:])))
    assert found.events[-1].data == wire.register(cseq=3)
    assert any("gap" in note for note in found.notes)


def test_what_is_out_of_scope_is_counted_only(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(wire.pcap([SAID]))
    found = read(path, (), lambda host: host == "192.0.2.1")
    assert (found.events, found.counts["out of scope"]) == ([], 1)


def test_sctp_in_clear_is_told_from_other_datagrams_by_its_checksum(tmp_path: Path) -> None:
    whole = sctp.Packet(5000, 5000, 1, (sctp.init_chunk(1, 1),)).to_bytes()
    said = wire.dialogue((wire.UE, wire.FAR, whole), (wire.UE, wire.FAR, b"\x13\x88" + bytes(30)))
    found = wire.reading(tmp_path, said)
    assert [(event.transport, event.facts["chunks"]) for event in found.events] == [("sctp", ["INIT"])]


def test_msrp_in_clear_is_found(tmp_path: Path) -> None:
    text = b"MSRP a786hjs2 SEND\r\nTo-Path: msrp://x:1/a;tcp\r\n\r\nHi\r\n-------a786hjs2$\r\n"
    taps = [TapPacket(1, "tcp", wire.UE, wire.FAR, b"", "open"), TapPacket(2, "tcp", wire.UE, wire.FAR, text)]
    frames = [packet.data for packet in packets.Fabric().wrap(taps)]
    assert [event.transport for event in wire.reading(tmp_path, frames).events] == ["msrp"]


def test_a_capture_with_esp_and_no_keys_says_what_stayed_closed(tmp_path: Path) -> None:
    packet = packets.ip(wire.UE[0], wire.EDGE[0], packets.ESP, struct.pack("!II", 7, 1) + bytes(40))
    assert any(
        "ESP packets stayed closed" in note or "tshark" in note for note in wire.reading(tmp_path, [packet]).notes
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=60), max_size=4), st.sampled_from([b"", b"\x16\xfe\xfd", b"\x80\x00", b"SIP/2.0 200 "])
)
def test_any_datagrams_give_a_reading(tmp_path: Path, noise: list[bytes], start: bytes) -> None:
    frames = wire.dialogue(*((wire.UE, wire.EDGE, start + one) for one in noise))
    frames += segments(*((n * 9, start + one) for n, one in enumerate(noise)))
    frames += [frame[: len(frame) // 2] for frame in frames]
    wire.reading(tmp_path, frames)


def test_a_stream_of_nothing_but_beginnings_is_given_up(tmp_path: Path) -> None:
    bogus = b"INVITE sip:x SIP/2.0\r\nContent-Length: nonsense\r\n\r\n" * 20_000
    pieces = [(at, bogus[at : at + 1400]) for at in range(0, len(bogus), 1400)]
    found = wire.reading(tmp_path, segments(*pieces))
    assert found.events == []
    assert any("cannot be read" in note for note in found.notes)


def test_a_long_stream_of_sip_is_read_to_its_end(tmp_path: Path) -> None:
    whole = b"".join(wire.register(cseq=n) for n in range(4000))
    pieces = [(at, whole[at : at + 1400]) for at in range(0, len(whole), 1400)]
    assert len(wire.reading(tmp_path, segments(*pieces)).events) == 4000
