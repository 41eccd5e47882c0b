"""Headers: those made up are right in tshark's eyes, and those read give the addresses back."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import samples

from imsproof.evidence import packets, pcapng
from imsproof.seams import TapPacket

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = st.tuples(st.ip_addresses().map(str), st.integers(1, 65535))
FOUR = st.tuples(st.ip_addresses(v=4).map(str), st.integers(1, 65535))


def wrap(*taps: TapPacket) -> list[pcapng.Packet]:
    """Wrap tap packets."""
    return list(packets.Fabric().wrap(taps))


@given(FOUR, FOUR, st.binary(max_size=200))
def test_a_datagram_is_taken_apart_as_it_was_built(
    source: tuple[str, int], target: tuple[str, int], data: bytes
) -> None:
    """parse(udp(...)) gives addresses and payload back, and the checksums add up."""
    built = packets.udp(source, target, data)
    gram = packets.parse(pcapng.LINK_RAW, built)
    assert gram == packets.Datagram(packets.UDP, source, target, data)
    assert packets.checksum(built[:20]) in {0, 0xFFFF}


@given(st.binary(max_size=80), st.sampled_from([0, 1, 101, 113, 276, 9999]))
def test_garbage_is_taken_apart_without_an_error(data: bytes, link: int) -> None:
    """No captured bytes make the parser fail."""
    packets.parse(link, data)


@given(st.binary(max_size=64))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    """The sum folded word by word is the same (0 and 0xffff are one value in one's complement)."""
    total = sum(int.from_bytes(data[n : n + 2].ljust(2, b"\0"), "big") for n in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert packets.checksum(data) % 0xFFFF == (0xFFFF - total) % 0xFFFF


def test_a_connection_has_consistent_numbers() -> None:
    """Open, data both ways, close: each segment begins where the one before it ended."""
    a, b = samples.NF, samples.MF
    wrapped = wrap(
        TapPacket(1, "tcp", a, b, b"", "open"),
        TapPacket(2, "tcp", a, b, b"x" * 40_000),
        TapPacket(3, "tcp", b, a, b"y" * 10),
        TapPacket(4, "tcp", a, b, b"", "close"),
        TapPacket(5, "tcp", b, a, b"", "close"),
        TapPacket(6, "tcp", a, b, b"", "open"),
        TapPacket(7, "tcp", b, a, b"", "reset"),
    )
    grams = [gram for item in wrapped if (gram := packets.parse(item.link, item.data))]
    following: dict[tuple[str, int], int] = {}
    for gram in grams:
        if gram.flags & packets.SYN:
            following[gram.source] = 0
        assert gram.seq == following[gram.source]
        following[gram.source] += len(gram.payload) + bool(gram.flags & (packets.SYN | packets.FIN))
    assert sum(len(gram.payload) for gram in grams if gram.source == a) == 40_000
    assert grams[-1].flags & packets.RST


def test_a_refused_connect_is_a_syn_and_its_reset() -> None:
    """A reset without a connection is the lab's answer to a SYN."""
    grams = [packets.parse(i.link, i.data) for i in wrap(TapPacket(1, "tcp", samples.MF, samples.NF, b"", "reset"))]
    assert [gram.flags for gram in grams if gram] == [packets.SYN, packets.RST | packets.ACK]
    assert [gram.source for gram in grams if gram] == [samples.NF, samples.MF]


def test_what_never_crossed_is_left_out() -> None:
    """A datagram that no system sends is not made up."""
    assert wrap(TapPacket(1, "udp", samples.UE, samples.PCSCF, bytes(70_000))) == []


def test_an_icmp_error_belongs_to_the_datagram_that_it_quotes() -> None:
    """Port unreachable gives the addresses of the refused datagram."""
    quoted = packets.udp(samples.UE, samples.PCSCF, b"x")
    error = packets.ip(samples.PCSCF[0], samples.UE[0], packets.ICMP, b"\x03\x03\0\0\0\0\0\0" + quoted[:28])
    gram = packets.parse(pcapng.LINK_RAW, error)
    assert gram == packets.Datagram(packets.ICMP, samples.UE, samples.PCSCF, b"")


def fragments(source: tuple[str, int], target: tuple[str, int], data: bytes, ident: int) -> list[bytes]:
    """Cut a UDP datagram over IPv4 into fragments of 800 bytes."""
    whole = packets.udp(source, target, data)
    pieces = []
    for at in range(0, len(whole) - 20, 800):
        body = whole[20 + at : 820 + at]
        more = 0x2000 if at + 820 < len(whole) else 0
        head = struct.pack("!BBHHH", 0x45, 0, 20 + len(body), ident, more | at // 8) + whole[8:20]
        pieces.append(head + body)
    return pieces


@given(st.permutations(range(4)), st.binary(min_size=2500, max_size=3100))
def test_fragments_are_joined_in_any_order(order: list[int], data: bytes) -> None:
    """Only the last one to come gives the datagram."""
    joining = packets.Reassembly()
    cut = fragments(samples.UE, samples.PCSCF, data, 7)
    grams = [joining.parse(pcapng.LINK_RAW, cut[n]) for n in order]
    assert grams[:-1] == [None] * 3
    assert grams[-1] is not None
    assert grams[-1].payload == data


def test_ethernet_with_vlan_tags_and_linux_cooked() -> None:
    """The link layers that a kernel captures with are passed over."""
    inner = packets.udp(samples.UE, samples.PCSCF, b"x")
    for link, head in (
        (pcapng.LINK_ETHERNET, bytes(12) + b"\x08\x00"),
        (pcapng.LINK_ETHERNET, bytes(12) + b"\x81\x00\x00\x05\x08\x00"),
        (pcapng.LINK_SLL, bytes(16)),
        (pcapng.LINK_SLL2, bytes(20)),
        (pcapng.LINK_NULL, bytes(4)),
    ):
        gram = packets.parse(link, head + inner)
        assert gram is not None
        assert gram.payload == b"x"


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_no_fault_in_the_headers(tmp_path: Path) -> None:
    """IPv4 and IPv6, UDP, TCP and ESP: every checksum good, no segment out of order, SIP dissected."""
    six = ("::1", 5060), ("::2", 5060)
    taps = [
        *samples.register_packets(),
        TapPacket(3, "udp", *six, samples.REGISTER),
        TapPacket(4, "tcp", *six, b"", "open"),
        TapPacket(5, "tcp", *six, samples.REGISTER * 100),
        TapPacket(6, "tcp", six[1], six[0], samples.UNAUTHORIZED),
        TapPacket(7, "tcp", *six, b"", "close"),
        TapPacket(8, "tcp", six[1], six[0], b"", "close"),
        TapPacket(9, "esp", (samples.UE[0], 0), (samples.PCSCF[0], 0), b"\0\0\x10\x01" + bytes(40)),
    ]
    file = io.BytesIO()
    pcapng.write(file, wrap(*taps))
    path = tmp_path / "x.pcapng"
    path.write_bytes(file.getvalue())
    checks = [f"-o{name}.check_checksum:TRUE" for name in ("ip", "udp", "tcp")]
    command = ["tshark", "-r", str(path), *checks, "-T", "json", "-J", "ip udp tcp sip esp _ws.expert"]
    shown: list[Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    text = json.dumps(shown)
    for name in ("ip", "udp", "tcp"):
        statuses = {v for k, v in _pairs(shown) if k == f"{name}.checksum.status"}
        assert statuses == {"1"}, name
    assert "tcp.analysis.retransmission" not in text
    assert "tcp.analysis.lost_segment" not in text
    assert "tcp.analysis.out_of_order" not in text
    assert sum(1 for packet in shown if "sip" in packet["_source"]["layers"]) >= 5
    assert any("esp" in packet["_source"]["layers"] for packet in shown)


def _pairs(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in [(key, item), *_pairs(item)]]
    return [pair for item in value for pair in _pairs(item)] if isinstance(value, list) else []
