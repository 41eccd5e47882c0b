"""The MF's look at SCTP packets: what is hostile, what is dropped, what a careless stack makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.actors.forge import PACKETS
from imsproof.codec import sctp
from imsproof.codec.dcep import PPID_DCEP, PPID_STRING, Open
from imsproof.engine.rawsctp import RawSctp
from imsproof.lab.media.sctpguard import DROPPED, KINDS, Known, SctpGuard, opened_stream, parameters, whole

KNOWN = Known(
    tag=7,
    local_port=5000,
    remote_port=5000,
    established=True,
    next_tsn=1000,
    streams=frozenset({0, 1000}),
    max_message=65536,
)


def look(*chunks: sctp.Chunk, known: Known = KNOWN, **parts: int) -> set[str]:
    fields: dict[str, Any] = {"source_port": 5000, "target_port": 5000, "tag": 7} | parts
    return SctpGuard().look(sctp.Packet(**fields, chunks=chunks).to_bytes(), known)


def data(payload: bytes = b"x", *, stream: int = 0, ppid: int = PPID_STRING, flags: int = sctp.WHOLE) -> sctp.Chunk:
    return sctp.Data(1, stream, 0, ppid, payload, flags).chunk()


def test_what_a_good_peer_sends_is_not_hostile() -> None:
    new = replace(KNOWN, established=False)
    assert look(data(), data(stream=1000)) == set()
    assert look(sctp.Chunk(sctp.HEARTBEAT, b"\0\1\0\10abcd"), sctp.Chunk(sctp.ABORT)) == set()
    assert look(sctp.init_chunk(1, 2), tag=0, known=new) == set()
    assert look(sctp.Chunk(sctp.SACK, (999).to_bytes(4, "big") + bytes(8))) == set()
    assert look(data(Open(b"label", b"http").to_bytes(), stream=2, ppid=PPID_DCEP)) == set()
    assert look(sctp.Chunk(sctp.RE_CONFIG, b"\0\x0d\0\x10" + bytes(12))) == set()


@pytest.mark.parametrize(
    ("chunk", "parts", "kind"),
    [
        (data(), {"tag": 8}, "wrong-tag"),
        (sctp.Chunk(sctp.ABORT), {"tag": 8}, "forged-abort"),
        (sctp.Chunk(sctp.SHUTDOWN, bytes(4)), {"tag": 8}, "forged-shutdown"),
        (data(), {"target_port": 4999}, "wrong-port"),
        (data(), {"checksum": 1}, "wrong-checksum"),
        (sctp.init_chunk(1, 2), {"tag": 0}, "init-again"),
        (sctp.init_chunk(0, 2), {"tag": 0}, "init-empty"),
        (sctp.Chunk(sctp.COOKIE_ECHO, b"other"), {}, "cookie-tampered"),
        (sctp.Chunk(sctp.HEARTBEAT, bytes(4), length=0), {}, "zero-length-chunk"),
        (sctp.Chunk(sctp.HEARTBEAT, bytes(4), length=999), {}, "overlong-chunk"),
        (sctp.Chunk(0x3E), {}, "unknown-chunk"),
        (sctp.Chunk(sctp.FORWARD_TSN, bytes(4)), {}, "forward-tsn"),
        (sctp.Chunk(sctp.RE_CONFIG, b"\0\x0d\0\0" + bytes(4)), {}, "re-config-malformed"),
        (sctp.Chunk(sctp.SACK, (1000).to_bytes(4, "big") + bytes(8)), {}, "sack-ahead"),
        (sctp.Chunk(sctp.DATA, bytes(12)), {}, "data-empty"),
        (data(stream=5), {}, "stray-stream"),
        (data(ppid=99), {}, "unknown-ppid"),
        (data(b"\3\0", ppid=PPID_DCEP), {}, "dcep-malformed"),
        (data(Open(b"").to_bytes(), stream=0, ppid=PPID_DCEP), {}, "open-in-use"),
        (data(Open(b"").to_bytes(), stream=3, ppid=PPID_DCEP), {}, "open-wrong-parity"),
    ],
)
def test_hostile_packets_have_a_name(chunk: sctp.Chunk, parts: dict[str, int], kind: str) -> None:
    changes: dict[str, Any] = dict(parts)
    assert kind in look(chunk, **changes)
    assert kind in KINDS


def test_an_init_is_alone() -> None:
    new = replace(KNOWN, established=False)
    assert "init-bundled" in look(sctp.init_chunk(1, 2), sctp.Chunk(sctp.COOKIE_ECHO), tag=0, known=new)


def test_fragments_without_an_end_add_up() -> None:
    guard = SctpGuard()
    first = sctp.Packet(5000, 5000, 7, (data(b"a" * 60_000, flags=sctp.FIRST_FRAGMENT),)).to_bytes()
    middle = sctp.Packet(5000, 5000, 7, (data(b"a" * 6_000, flags=0),)).to_bytes()
    assert guard.look(first, KNOWN) == set()
    assert guard.look(middle, KNOWN) == {"data-huge"}
    assert "data-huge" in DROPPED


def test_the_cookie_that_was_given_is_the_one_that_is_good() -> None:
    guard = SctpGuard()
    ack = sctp.Chunk(sctp.INIT_ACK, bytes(16) + b"\0\7\0\7abc\0")
    guard.sent(sctp.Packet(5000, 5000, 1, (ack,)).to_bytes())
    echo = sctp.Packet(5000, 5000, 7, (sctp.Chunk(sctp.COOKIE_ECHO, b"abc"),)).to_bytes()
    changed = sctp.Packet(5000, 5000, 7, (sctp.Chunk(sctp.COOKIE_ECHO, b"abd"),)).to_bytes()
    assert guard.look(echo, KNOWN) == set()
    assert guard.look(changed, KNOWN) == {"cookie-tampered"}
    assert guard.careless(changed, KNOWN, {"cookie-tampered"}) == echo


def test_a_careless_stack_takes_each_kind_for_good() -> None:
    guard = SctpGuard()
    wrong = sctp.Packet(5000, 5000, 8, (data(stream=5, ppid=99),), checksum=1).to_bytes()
    kinds = guard.look(wrong, KNOWN)
    right = guard.careless(wrong, KNOWN, kinds)
    assert guard.look(right, KNOWN) == set()
    assert sctp.Packet.parse(right).tag == KNOWN.tag


@pytest.mark.parametrize("name", sorted(PACKETS))
def test_every_packet_that_the_tester_forges_is_recognised(name: str) -> None:
    association = RawSctp(lambda _: None)
    association.peer_tag = KNOWN.tag
    guard = SctpGuard()
    seen = [guard.look(packet, KNOWN) for packet in PACKETS[name][1](association)]
    assert any(name in kinds for kinds in seen)


def test_parameters_end_at_the_first_that_cannot_be_read() -> None:
    assert parameters(b"\0\1\0\5a\0\0\0\0\2\0\4") == [(1, b"a"), (2, b"")]
    assert parameters(b"\0\1\0\0") == []
    assert whole(b"\0\1\0\5a\0\0\0")
    assert not whole(b"\0\1\0\5a\0\0\0\0\2\0\3")
    assert not whole(b"")


def test_the_stream_of_an_open() -> None:
    packet = sctp.Packet(1, 2, 3, (data(Open(b"").to_bytes(), stream=4, ppid=PPID_DCEP),)).to_bytes()
    assert opened_stream(packet) == 4
    assert opened_stream(sctp.Packet(1, 2, 3, (data(),)).to_bytes()) == -1


@given(st.binary(max_size=200))
def test_whatever_bytes_come_there_is_a_finding(packet: bytes) -> None:
    assert SctpGuard().look(packet, KNOWN) <= KINDS


def init_ack(cookie: bytes) -> bytes:
    parameter = b"\0\7" + (4 + len(cookie)).to_bytes(2, "big") + cookie
    init = sctp.init_chunk(1, 2, params=parameter)
    return sctp.Packet(5000, 5000, 7, (sctp.Chunk(sctp.INIT_ACK, init.value),)).to_bytes()


def test_a_cookie_is_good_in_its_own_association_and_for_its_time() -> None:
    one, other = SctpGuard(), SctpGuard()
    one.sent(init_ack(b"first cookie"))
    other.sent(init_ack(b"other cookie"))
    echo = sctp.Packet(5000, 5000, 7, (sctp.Chunk(sctp.COOKIE_ECHO, b"first cookie"),)).to_bytes()
    assert one.look(echo, KNOWN) == set()
    assert other.look(echo, KNOWN) == {"cookie-foreign"}
    assert one.look(echo, replace(KNOWN, cookie_seconds=0.0)) == {"cookie-stale"}


def test_what_dcep_should_not_say() -> None:
    for label in (b"A" * 2000, b"\xff", b"a\0b"):
        assert look(data(Open(label).to_bytes(), stream=2, ppid=PPID_DCEP)) == {"dcep-hostile"}
    odd = replace(KNOWN, peer_parity=1)
    assert look(data(Open(b"x").to_bytes(), stream=65535, ppid=PPID_DCEP), known=odd) == {"open-reserved"}
    assert "message-over-size" in look(data(b"x" * 100), known=replace(KNOWN, max_message=99))
