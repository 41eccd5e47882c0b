"""TCP segments inside ESP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from imsproof.codec.tcp import HEADER, Flag, Segment, TcpError, build, parse

numbers = st.integers(0, 2**32 - 1)
segments = st.builds(Segment, numbers, numbers, st.integers(0, 31).map(Flag), st.binary(max_size=50))


@given(segments, st.integers(1, 65535), st.integers(1, 65535))
def test_what_was_written_is_read_again(segment: Segment, source: int, target: int) -> None:
    assert parse(build(("127.0.0.1", source), ("127.0.0.2", target), segment)) == (source, target, segment)


@pytest.mark.parametrize("ends", [("127.0.0.1", "127.0.0.2"), ("::1", "fd00::2")])
@given(segments)
def test_the_checksum_is_the_one_that_another_implementation_computes(ends: tuple[str, str], segment: Segment) -> None:
    written = build((ends[0], 5060), (ends[1], 5061), segment)
    layer = IPv6(src=ends[0], dst=ends[1]) if ":" in ends[0] else IP(src=ends[0], dst=ends[1])
    rebuilt = TCP(written)
    del rebuilt.chksum
    assert bytes(layer / rebuilt)[-len(written) :][16:18] == written[16:18]


def test_options_are_read_over_and_what_is_cut_off_is_refused() -> None:
    plain = build(("127.0.0.1", 1), ("127.0.0.2", 2), Segment(1, 2, Flag.SYN, b"data"))
    longer = plain[:12] + bytes((6 << 4,)) + plain[13:HEADER] + b"\2\4\5\xb4" + plain[HEADER:]
    assert parse(longer) == (1, 2, Segment(1, 2, Flag.SYN, b"data"))
    for broken in (b"", plain[:19], plain[:12] + b"\x10" + plain[13:], plain[:12] + b"\xf0" + plain[13:]):
        with pytest.raises(TcpError):
            parse(broken)


def test_syn_and_fin_take_a_number_each() -> None:
    assert Segment(0, 0, Flag.SYN | Flag.FIN, b"ab").length == 4
