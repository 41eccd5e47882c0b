"""Captures: what is written is read again, by flow; what is no capture is said."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import pcap

A, B = ("192.0.2.1", 40000), ("192.0.2.2", 8080)
PIECES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5)


def capture(*packets: bytes, link: int = pcap.LINK_RAW) -> bytes:
    return pcap.header(link) + b"".join(pcap.packet(1.5, one) for one in packets)


@given(PIECES, PIECES)
def test_segments_come_back_as_flows(out: list[bytes], back: list[bytes]) -> None:
    packets = [pcap.tcp_segment(A, B, 0, one) for one in out] + [pcap.tcp_segment(B, A, 0, one) for one in back]
    assert pcap.flows(capture(*packets)) == [
        pcap.Flow("tcp", A, B, b"".join(out)),
        pcap.Flow("tcp", B, A, b"".join(back)),
    ]


def ipv6(kind: int, data: bytes) -> bytes:
    addresses = bytes(15) + b"\1" + bytes(15) + b"\2"
    return struct.pack("!IHBB", 6 << 28, len(data), kind, 64) + addresses + data


def test_other_links_and_protocols() -> None:
    udp = struct.pack("!HHHH", 1, 2, 12, 0) + b"data"
    flow = pcap.Flow("udp", ("::1", 1), ("::2", 2), b"data")
    assert pcap.flows(capture(bytes(14) + ipv6(17, udp), link=1)) == [flow]
    tagged = bytes(12) + b"\x81\x00" + bytes(4) + ipv6(17, udp)
    assert pcap.flows(capture(tagged, link=1)) == [flow]
    assert pcap.flows(capture(bytes(16) + ipv6(60, b"\x11\0" + bytes(6) + udp), link=113)) == [flow]
    assert pcap.flows(capture(ipv6(50, b"sealed"))) == [pcap.Flow("esp", ("::1", 0), ("::2", 0), b"sealed")]


def test_what_is_no_capture_is_said() -> None:
    for data in (b"", b"\x0a\x0d\x0d\x0a" + bytes(40), pcap.header(999)):
        with pytest.raises(pcap.PcapSyntaxError):
            pcap.flows(data)


@given(st.binary(max_size=200))
def test_whatever_stands_behind_the_header_is_read_or_left(data: bytes) -> None:
    pcap.flows(pcap.header() + data)
    pcap.flows(capture(data))


def test_a_packet_that_is_cut_off_is_left_out() -> None:
    whole = capture(pcap.tcp_segment(A, B, 0, b"first"), pcap.tcp_segment(A, B, 5, b"second"))
    assert [flow.data for flow in pcap.flows(whole[:-1])] == [b"first"]
