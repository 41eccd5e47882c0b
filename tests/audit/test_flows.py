"""Streams in order whatever the order of their segments; tunnels opened; gaps told; nothing without bounds."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit import wire

from imsproof.audit import flows
from imsproof.audit.flows import Connections, Direction, Opener
from imsproof.evidence import packets, pcapng

if TYPE_CHECKING:
    from imsproof.seams import Address

TEXT = bytes(range(256)) * 4


@given(
    st.lists(st.integers(1, len(TEXT) - 1), max_size=8), st.randoms(use_true_random=False), st.integers(0, 2**32 - 1)
)
def test_a_stream_is_put_in_order_whatever_comes_twice_or_late(cuts: list[int], random: object, first: int) -> None:
    """Segments in any order, with overlaps and repetitions, over the end of the sequence numbers."""
    places = sorted({0, *cuts, len(TEXT)})
    pieces = [(a, TEXT[a : b + 3]) for a, b in pairwise(places)]
    pieces += pieces[:2]
    random.shuffle(pieces)  # type: ignore[attr-defined]
    direction = Direction()
    direction.begin((first - 1) & 0xFFFFFFFF)
    for at, data in pieces:
        direction.take((first + at) & 0xFFFFFFFF, data, at, at, 1 << 20)
    direction.end(1 << 20)
    assert bytes(direction.runs[0].data) == TEXT
    assert (len(direction.runs), direction.lost) == (1, 0)


def test_a_lost_segment_leaves_a_gap_and_what_follows_is_kept() -> None:
    direction = Direction()
    direction.begin(0)
    direction.take(1, b"before", 1, 1, 1 << 20)
    direction.take(101, b"behind", 2, 2, 1 << 20)
    direction.end(1 << 20)
    assert [bytes(run.data) for run in direction.runs] == [b"before", b"behind"]
    assert direction.lost == 1
    assert direction.runs[1].at(3).frame == 2


def test_a_stream_is_bounded_and_says_what_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "STREAM_LIMIT", 10)
    direction = Direction()
    for n in range(4):
        direction.take(n * 4, b"abcd", n, n, 1 << 20)
    assert bytes(direction.runs[0].data) == b"abcdabcd"
    assert direction.left == 8


def segment(source: Address, target: Address, seq: int, flags: int, data: bytes = b"") -> bytes:
    """A TCP segment."""
    return packets.tcp(source, target, seq, 0, flags, data)


def test_ports_that_are_used_again_are_another_connection() -> None:
    ends = (("10.0.0.1", 4000), ("10.9.0.1", 443))
    known, opener = Connections(), Opener()
    for n, (seq, flags, data) in enumerate(
        [(9, packets.SYN, b""), (10, packets.ACK, b"one"), (9000, packets.SYN, b""), (9001, packets.ACK, b"two")]
    ):
        seen = opener.open(n, pcapng.Packet(n, pcapng.LINK_RAW, segment(*ends, seq, flags, data)))
        assert seen is not None
        known.take(seen)
    assert [bytes(one.there.runs[0].data) for one in known.finish()] == [b"one", b"two"]


def test_who_answers_a_syn_is_the_server() -> None:
    ends = (("10.9.0.1", 443), ("10.0.0.1", 4000))
    seen = Opener().open(1, pcapng.Packet(1, pcapng.LINK_RAW, segment(*ends, 9, packets.SYN | packets.ACK)))
    known = Connections()
    assert seen is not None
    known.take(seen)
    assert known.all[0].client == ("10.0.0.1", 4000)


def gtp(inner: bytes, extended: bool) -> bytes:
    """A T-PDU of GTP-U, perhaps with a PDU session container."""
    more = b"\0\0\0\x85" + bytes((1, 0, 9, 0)) if extended else b""
    return struct.pack("!BBHI", 0x34 if extended else 0x30, 255, len(more) + len(inner), 7) + more + inner


@pytest.mark.parametrize("extended", [False, True])
def test_gtp_is_opened(extended: bool) -> None:
    inner = packets.udp(wire.UE, wire.EDGE, b"inside")
    outer = packets.udp(("192.0.2.1", 2152), ("192.0.2.2", 2152), gtp(inner, extended))
    seen = Opener().open(1, pcapng.Packet(1, pcapng.LINK_RAW, outer))
    assert seen is not None
    assert (seen.gram.source, seen.gram.payload) == (wire.UE, b"inside")


def test_ip_in_ip_is_opened() -> None:
    inner = packets.udp(wire.UE, wire.EDGE, b"inside")
    seen = Opener().open(1, pcapng.Packet(1, pcapng.LINK_RAW, packets.ip("2001:db8::1", "2001:db8::2", 4, inner)))
    assert seen is not None
    assert seen.gram.payload == b"inside"


@given(st.binary(max_size=120), st.sampled_from([0, 1, 101, 113, 276]))
def test_any_bytes_are_no_reason_to_stop(data: bytes, link: int) -> None:
    Opener().open(1, pcapng.Packet(1, link, data))
    outer = packets.udp(("192.0.2.1", 2152), ("192.0.2.2", 2152), b"\x34\xff\0\0\0\0\0\0" + data)
    Opener().open(1, pcapng.Packet(1, pcapng.LINK_RAW, outer))
