"""What is forged is what it says, and nothing else."""

from __future__ import annotations

import pytest

from imsproof.actors import forge
from imsproof.codec import sctp
from imsproof.codec.dtls import Record, handshakes, split_records
from imsproof.engine.rawsctp import RawSctp

GENUINE = Record(23, b"ciphertext of one record", epoch=1, sequence=4).to_bytes()
HELLO = Record(22, b"\1" + bytes(40)).to_bytes()


@pytest.mark.parametrize("kind", sorted(forge.RECORDS))
def test_forged_records_are_datagrams_within_reason(kind: str) -> None:
    text, make = forge.RECORDS[kind]
    datagrams = make(GENUINE, HELLO)
    assert text
    assert datagrams
    assert all(0 < len(one) < 1500 for one in datagrams)


def test_no_forged_record_but_a_replay_is_the_genuine_one() -> None:
    for kind, (_, make) in forge.RECORDS.items():
        assert (GENUINE in make(GENUINE, HELLO)) is (kind == "replayed-record")


@pytest.mark.parametrize("kind", sorted(forge.PACKETS))
def test_forged_packets_are_of_the_association(kind: str) -> None:
    association = RawSctp(lambda _: None, local_port=1, remote_port=2)
    association.peer_tag = 77
    packets = forge.PACKETS[kind][1](association)
    assert packets
    assert all(len(one) < 1500 for one in packets)
    parsed = [sctp.Packet.parse(one) for one in packets]
    assert all((one.source_port, one.target_port) == (1, 2) for one in parsed)
    if kind.startswith("forged"):
        assert all(one.tag != 77 for one in parsed)
    elif kind != "init-again":
        assert all(one.tag == 77 for one in parsed)


def test_a_huge_hello_declares_what_it_never_sends() -> None:
    messages = [handshakes(split_records(one)[0].fragment)[0] for one in forge.huge_hello()]
    assert {message.total for message in messages} == {forge.LARGEST}
    assert sum(len(message.body) for message in messages) < 20_000


def test_the_first_init_has_the_tag_zero() -> None:
    packet = sctp.Packet.parse(forge.first_init((3, 4)))
    assert (packet.source_port, packet.target_port, packet.tag) == (3, 4, 0)
    assert [chunk.name for chunk in packet.chunks] == ["INIT"]


def test_an_oversized_message_is_whole_and_longer_than_allowed() -> None:
    association = RawSctp(lambda _: None)
    chunks = [sctp.Packet.parse(one).chunks[0] for one in forge.oversized(association, 5000)]
    pieces = [sctp.Data.parse(chunk) for chunk in chunks]
    assert sum(len(piece.payload) for piece in pieces) > 5000
    assert [piece.flags for piece in pieces[:: len(pieces) - 1]] == [sctp.FIRST_FRAGMENT, sctp.LAST_FRAGMENT]
