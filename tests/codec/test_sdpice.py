"""ICE in SDP: what one end writes the other one reads, and odd candidates are left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.sdp import Sdp, data_channel_offer
from imsproof.codec.sdpice import IceDescription, read_ice, write_ice

addresses = st.tuples(st.ip_addresses().filter(lambda one: not one.is_unspecified).map(str), st.integers(1, 65535))


def offer() -> Sdp:
    return data_channel_offer("127.0.0.1", 4000, fingerprints=[], setup="actpass", tls_id="x" * 20)


@given(st.lists(addresses, min_size=1, max_size=4).map(tuple), st.booleans())
def test_what_is_written_is_read(candidates: tuple[tuple[str, int], ...], lite: bool) -> None:
    sdp = offer()
    said = IceDescription("abcd", "p" * 22, lite, candidates)
    write_ice(sdp, sdp.media[0], said)
    again = Sdp.parse(sdp.to_bytes())
    assert read_ice(again, again.media[0]) == said


def test_without_credentials_there_is_no_ice() -> None:
    sdp = offer()
    sdp.media[0].add_attr("ice-ufrag", "abcd")
    assert read_ice(sdp, sdp.media[0]) is None


@pytest.mark.parametrize(
    ("candidate", "found"),
    [
        ("1 1 udp 1 0b1c.local 5000 typ host", ("127.0.0.1", 4000)),
        ("1 2 udp 1 127.0.0.9 5000 typ host", ("127.0.0.1", 4000)),
        ("1 1 tcp 1 127.0.0.9 9 typ host tcptype active", ("127.0.0.1", 4000)),
        ("1 1 UDP 2113937151 127.0.0.9 5000 typ host generation 0 network-cost 999", ("127.0.0.9", 5000)),
        ("nonsense", ("127.0.0.1", 4000)),
    ],
)
def test_only_candidates_that_can_be_used_are_read(candidate: str, found: tuple[str, int]) -> None:
    sdp = offer()
    sdp.session.add_attr("ice-ufrag", "abcd")
    sdp.session.add_attr("ice-pwd", "p" * 22)
    sdp.media[0].add_attr("candidate", candidate)
    read = read_ice(sdp, sdp.media[0])
    assert read is not None
    assert read.candidates == (found,)
