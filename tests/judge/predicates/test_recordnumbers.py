"""Whether DTLS records that the lab protected are numbered once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.judge.events import Story

from imsproof.judge.predicates.recordnumbers import FEWEST, records_numbered_once
from imsproof.seams import Kind, Outcome

if TYPE_CHECKING:
    from imsproof.judge.registry import Finding

X = "1:x"
FINISHED, DATA = 22, 23
GCM, CHACHA = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"

Line = list[int | str]


def line(sequence: int, *, kind: int = DATA, nonce: str = "", digest: str = "", epoch: int = 1) -> Line:
    return [epoch, sequence, kind, nonce or f"{sequence:016x}", digest or f"{epoch}.{kind}.{sequence}"]


def judged(*more: Line, cipher: str = GCM, count: int = FEWEST) -> Finding:
    lines = [line(0, kind=FINISHED), *(line(number) for number in range(1, count)), *more]
    return records_numbered_once(Story().add(Kind.NOTE, cipher=cipher, records=lines).events, exchange=X)


def test_numbers_that_differ_hold() -> None:
    assert judged().outcome is Outcome.HOLDS


def test_a_number_that_stands_on_two_records_fails() -> None:
    found = judged(line(0))
    assert found.outcome is Outcome.FAILS
    assert "a handshake message and application data" in found.sentence
    assert "same AEAD nonce" in found.sentence
    assert "nonce" not in judged(line(0), cipher=CHACHA).sentence


def test_a_nonce_that_encrypts_two_records_fails_where_records_carry_one() -> None:
    assert "same explicit AEAD nonce" in judged(line(99, nonce=f"{3:016x}")).sentence
    assert judged(line(99, nonce=f"{3:016x}"), cipher=CHACHA).outcome is Outcome.HOLDS


def test_a_datagram_that_came_twice_and_a_handshake_message_sent_again_are_no_other_records() -> None:
    assert judged(line(3)).outcome is Outcome.HOLDS
    assert judged(line(0, kind=FINISHED, nonce="ff", digest="again")).outcome is Outcome.HOLDS


def test_another_epoch_begins_to_count_anew() -> None:
    assert judged(line(3, epoch=2)).outcome is Outcome.HOLDS


def test_too_few_records_say_nothing() -> None:
    assert judged(count=FEWEST - 1).outcome is Outcome.UNKNOWN
    assert records_numbered_once([], exchange=X).outcome is Outcome.UNKNOWN
