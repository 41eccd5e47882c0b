"""The MF's look at DTLS datagrams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.dtls import Handshake, Record, split_records
from imsproof.lab.media.recordguard import KINDS, RecordGuard, numbered_again

DATA = Record(23, b"ciphertext", epoch=1, sequence=5).to_bytes()


@pytest.mark.parametrize(
    ("datagram", "kind"),
    [
        (b"\x17short", "not-dtls"),
        (Record(21, b"\2\50").to_bytes(), "clear-alert"),
        (Record(23, b"data").to_bytes(), "clear-data"),
        (Handshake(1, b"hello").record().to_bytes(), "hello-again"),
        (Handshake(11, b"certificate").record().to_bytes(), "old-epoch"),
        (Record(20, b"\1").to_bytes(), "old-epoch"),
        (Record(23, b"x", epoch=2).to_bytes(), "future-epoch"),
        (Record(99, b"x", epoch=1).to_bytes(), "unknown-content"),
        (Record(23, b"", epoch=1).to_bytes(), "empty-record"),
        (Record(23, b"x", epoch=1, length=50).to_bytes(), "cut-record"),
        (Handshake(1, b"x", total=1 << 20).record().to_bytes(), "huge-handshake"),
    ],
)
def test_hostile_datagrams_of_an_association_have_a_name(datagram: bytes, kind: str) -> None:
    assert kind in RecordGuard().look(datagram, connected=True)
    assert kind in KINDS


def test_a_handshake_that_goes_on_is_not_hostile() -> None:
    guard = RecordGuard()
    assert guard.look(Handshake(1, b"hello").record().to_bytes(), connected=False) == set()
    assert guard.look(Record(21, b"\2\50").to_bytes(), connected=False) == set()
    assert guard.look(Record(23, b"data").to_bytes(), connected=False) == {"early-data"}
    assert guard.look(Handshake(1, b"he", total=5).record().to_bytes(), connected=False) == {"fragments"}


def test_a_record_that_comes_again_is_a_replay_and_one_that_cannot_be_read_is_bad() -> None:
    guard = RecordGuard()
    assert guard.look(DATA, connected=True) == set()
    assert guard.took(DATA, [b"plain"]) == set()
    assert guard.look(DATA, connected=True) == {"replayed-record"}
    assert guard.took(DATA, []) == set()
    assert guard.took(Record(23, b"x", epoch=1, sequence=6).to_bytes(), []) == {"bad-record"}
    assert guard.took(b"\x17", []) == set()


def test_a_careless_stack_takes_replays_and_clear_data() -> None:
    guard = RecordGuard()
    guard.took(DATA, [b"plain"])
    assert guard.careless(DATA, {"replayed-record"}) == [b"plain"]
    assert guard.careless(Record(23, b"clear").to_bytes(), {"clear-data"}) == [b"clear"]
    assert guard.careless(Record(23, b"clear").to_bytes(), {"replayed-record"}) == []
    assert guard.careless(b"\x17", {"clear-data"}) == []


@given(st.binary(max_size=100), st.booleans())
def test_whatever_bytes_come_there_is_a_finding(datagram: bytes, connected: bool) -> None:
    assert RecordGuard().look(datagram, connected=connected) <= KINDS


def test_data_in_clear_has_another_name_while_a_handshake_goes_on() -> None:
    clear = Record(23, b"data").to_bytes()
    assert RecordGuard().look(clear, connected=False, begun=True) == {"data-during-handshake"}
    assert RecordGuard().careless(clear, {"data-during-handshake"}) == [b"data"]


def test_one_protected_record_gets_the_number_of_the_one_before() -> None:
    numbers = [Record(23, b"x", epoch=1, sequence=number).to_bytes() for number in range(20)]
    numbered = [split_records(numbered_again(one))[0].sequence for one in numbers]
    assert len(numbered) - len(set(numbered)) == 1
    clear = Record(22, b"x", sequence=12).to_bytes()
    assert numbered_again(clear) == clear
