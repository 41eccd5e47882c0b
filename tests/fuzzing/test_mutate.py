"""The mutator: repeatable, bounded, and each message its own."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.fuzzing.mutate import MAX_SIZE, Mutator

CORPUS = [b"INVITE sip:a SIP/2.0\r\nCall-ID: 0123456789abcdef\r\nCSeq: 1 INVITE\r\n\r\n", b"REGISTER 12"]


@given(st.integers(), st.lists(st.binary(min_size=1), min_size=1, max_size=5))
def test_one_seed_gives_one_sequence(seed: int, corpus: list[bytes]) -> None:
    first = list(islice(Mutator(corpus, seed), 20))
    assert first == list(islice(Mutator(corpus, seed), 20))
    assert all(len(one) <= MAX_SIZE for one in first)


def test_another_seed_gives_another_sequence() -> None:
    assert list(islice(Mutator(CORPUS, 1), 50)) != list(islice(Mutator(CORPUS, 2), 50))


def test_the_marker_becomes_a_number_of_its_own() -> None:
    mutator = Mutator(CORPUS[:1], 1, marker=b"0123456789abcdef")
    kept = [one for one in islice(mutator, 200) if b"Call-ID: 00000000" in one]
    assert len(kept) > 100
    assert len({one[one.find(b"Call-ID: ") :][:25] for one in kept}) > 0.9 * len(kept)


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Mutator([], 1)
