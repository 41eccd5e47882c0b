"""UDP datagrams, held against scapy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from imsproof.codec import udp


@given(st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=200))
def test_what_is_built_is_parsed_again(source: int, target: int, data: bytes) -> None:
    assert udp.parse(udp.build(("127.0.0.1", source), ("127.0.0.2", target), data)) == (source, target, data)


@pytest.mark.parametrize("data", [b"", b"a", b"hello"])
def test_the_checksum_is_scapy_s(data: bytes) -> None:
    packet = IP(src="127.0.0.1", dst="127.0.0.2") / UDP(sport=1, dport=2) / data
    assert udp.build(("127.0.0.1", 1), ("127.0.0.2", 2), data) == bytes(packet)[20:]
    longer = IPv6(src="::1", dst="::2") / UDP(sport=1, dport=2) / data
    assert udp.build(("::1", 1), ("::2", 2), data) == bytes(longer)[40:]


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0\1\0\2\0\4\0\0", b"\0\1\0\2\0\x09\0\0"])
def test_what_does_not_fit_is_an_error(data: bytes) -> None:
    with pytest.raises(udp.UdpError):
        udp.parse(data)


@given(st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=200))
def test_a_whole_packet_is_read_again(source: int, target: int, data: bytes) -> None:
    packet = udp.tunnel(("127.0.0.1", source), ("127.0.0.2", target), data)
    assert udp.untunnel(packet) == (source, target, data)
    shown = IP(packet)
    assert (shown.src, shown.dst, shown[UDP].sport) == ("127.0.0.1", "127.0.0.2", source)
    assert bytes(IP(src="127.0.0.1", dst="127.0.0.2", id=0, flags="DF") / shown.payload) == packet


@pytest.mark.parametrize("data", [b"", b"\x45" * 19, b"\x60" + bytes(60), b"\x45" + bytes(40)])
def test_what_holds_no_datagram_is_an_error(data: bytes) -> None:
    with pytest.raises(udp.UdpError):
        udp.untunnel(data)
    with pytest.raises(udp.UdpError, match="IPv4"):
        udp.tunnel(("::1", 1), ("::2", 2), b"")
