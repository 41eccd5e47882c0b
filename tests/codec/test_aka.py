"""AKA: both sides agree, and each wrong value is told by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import aka
from imsproof.codec.milenage import Milenage

SUBSCRIBER = Milenage(bytes(range(16)), opc=bytes(16))
OCTETS = st.binary(min_size=16, max_size=16)
AMF = b"\x80\x00"


@given(OCTETS, OCTETS, OCTETS, st.integers(0, aka.SQN_LIMIT - 1))
def test_both_sides_agree_on_res_and_keys(k: bytes, op: bytes, rand: bytes, sqn: int) -> None:
    functions = Milenage(k, op=op)
    vector = aka.make_vector(functions, rand, sqn, AMF)
    answer = aka.answer_challenge(functions, rand, vector.autn, sqn - 1)
    assert (answer.res, answer.ck, answer.ik, answer.sqn, answer.amf) == (vector.xres, vector.ck, vector.ik, sqn, AMF)


@given(st.integers(0, 127))
def test_any_changed_bit_of_autn_is_noticed(bit: int) -> None:
    vector = aka.make_vector(SUBSCRIBER, bytes(16), 5, AMF)
    autn = bytearray(vector.autn)
    autn[bit // 8] ^= 1 << bit % 8
    with pytest.raises(aka.MacError):
        aka.answer_challenge(SUBSCRIBER, bytes(16), bytes(autn), 4)


@pytest.mark.parametrize(("sqn", "highest"), [(5, 5), (4, 5), (5 + aka.DELTA + 1, 5)])
def test_an_old_or_far_sqn_is_answered_with_auts_that_the_network_can_read(sqn: int, highest: int) -> None:
    vector = aka.make_vector(SUBSCRIBER, bytes(16), sqn, AMF)
    with pytest.raises(aka.SyncError) as caught:
        aka.answer_challenge(SUBSCRIBER, bytes(16), vector.autn, highest)
    assert aka.check_auts(SUBSCRIBER, bytes(16), caught.value.auts) == highest


def test_a_forged_auts_is_refused() -> None:
    auts = aka.make_auts(SUBSCRIBER, bytes(16), 77)
    with pytest.raises(aka.MacError):
        aka.check_auts(SUBSCRIBER, bytes(16), auts[:-1] + bytes([auts[-1] ^ 1]))
    with pytest.raises(aka.AkaError, match="14"):
        aka.check_auts(SUBSCRIBER, bytes(16), auts[:-1])
    assert aka.decode_auts(aka.encode_auts(auts)) == auts


@given(OCTETS, OCTETS, st.binary(max_size=20))
def test_nonce_round_trip(rand: bytes, autn: bytes, data: bytes) -> None:
    assert aka.decode_nonce(aka.encode_nonce(rand, autn, data)) == (rand, autn, data)
    assert aka.decode_nonce(aka.encode_nonce(rand, autn, data).rstrip("=")) == (rand, autn, data)


@pytest.mark.parametrize("nonce", ["", "AAAA", "not base64!", "é"])
def test_a_nonce_without_rand_and_autn_is_refused(nonce: str) -> None:
    with pytest.raises(aka.AkaError):
        aka.decode_nonce(nonce)


def test_lengths_are_checked() -> None:
    with pytest.raises(aka.AkaError, match="15"):
        aka.answer_challenge(SUBSCRIBER, bytes(15), bytes(16), 0)
