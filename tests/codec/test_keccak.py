"""Keccak-f[1600] against hashlib, whose SHAKE256 is one block of it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.keccak import keccak_f1600

RATE = 136


@given(st.binary(max_size=RATE - 1))
def test_one_block_of_shake256_is_one_permutation(message: bytes) -> None:
    padded = bytearray((message + b"\x1f").ljust(RATE, b"\0"))
    padded[-1] ^= 0x80
    assert keccak_f1600(bytes(padded).ljust(200, b"\0"))[:RATE] == hashlib.shake_256(message).digest(RATE)


@given(st.binary(min_size=1, max_size=RATE))
def test_more_output_of_shake256_is_a_second_permutation(message: bytes) -> None:
    message = message[: RATE - 1]
    padded = bytearray((message + b"\x1f").ljust(RATE, b"\0"))
    padded[-1] ^= 0x80
    twice = keccak_f1600(keccak_f1600(bytes(padded).ljust(200, b"\0")))
    assert twice[:RATE] == hashlib.shake_256(message).digest(2 * RATE)[RATE:]


def test_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="199"):
        keccak_f1600(bytes(199))
