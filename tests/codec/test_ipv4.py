"""IPv4 packets written by hand."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import ipv4

ENDS = ("127.0.0.1", "127.77.1.10")


@given(st.binary(max_size=600))
def test_a_header_sums_up_to_nothing(payload: bytes) -> None:
    made = ipv4.packet(ENDS, ipv4.ESP, payload)
    assert ipv4.checksum(made[: ipv4.HEADER]) == 0
    assert struct.unpack("!H", made[2:4])[0] == len(made)
    assert (made[9], made[ipv4.HEADER :]) == (ipv4.ESP, payload)


@given(st.binary(min_size=1, max_size=900), st.integers(1, 40))
def test_the_pieces_are_the_whole(payload: bytes, units: int) -> None:
    whole = b""
    pieces = ipv4.fragments(ENDS, ipv4.ESP, payload, 8 * units, 77)
    for number, piece in enumerate(pieces):
        ident, flags = struct.unpack("!HH", piece[4:8])
        assert ident == 77
        assert (flags & 0x1FFF) * 8 == len(whole)
        assert bool(flags & ipv4.MORE) is (number < len(pieces) - 1)
        whole += piece[ipv4.HEADER :]
    assert whole == payload


@pytest.mark.parametrize("size", [0, 7, -8])
def test_pieces_of_another_size_cannot_be(size: int) -> None:
    with pytest.raises(ValueError, match="multiple"):
        ipv4.fragments(ENDS, ipv4.ESP, b"x", size, 1)


def test_an_icmp_error_quotes_the_packet() -> None:
    quoted = ipv4.packet(ENDS, ipv4.ESP, bytes(8))
    made = ipv4.unreachable(quoted, ipv4.PROHIBITED)
    assert ipv4.checksum(made) == 0
    assert (made[0], made[1], struct.unpack("!H", made[6:8])[0], made[8:]) == (3, 13, 0, quoted)
