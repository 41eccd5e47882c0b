"""Keys of MIKEY messages: the PRF by its definition, MACs that cover all, and encryption that turns round."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import mikey, mikeykeys

PSK = bytes(range(32))


def begun() -> mikey.Message:
    payloads = (mikey.timestamp(1_800_000_000), mikey.random(mikey.INITIATOR, b"r" * 16))
    return mikey.Message(mikey.Header(mikey.REQUEST_INIT_PSK, 7), payloads)


def test_the_prf_is_that_of_rfc_3830_with_sha_256() -> None:
    label = b"label"
    first = hmac.digest(PSK, label, hashlib.sha256)
    second = hmac.digest(PSK, first, hashlib.sha256)
    expected = hmac.digest(PSK, first + label, hashlib.sha256) + hmac.digest(PSK, second + label, hashlib.sha256)
    assert mikeykeys.prf(PSK, label, 40) == expected[:40]


def test_a_long_key_is_cut_into_blocks_that_are_combined() -> None:
    long = bytes(range(64))
    halves = (mikeykeys.prf(long[:32], b"x", 16), mikeykeys.prf(long[32:], b"x", 16))
    assert mikeykeys.prf(long, b"x", 16) == bytes(a ^ b for a, b in zip(*halves, strict=True))


@given(st.integers(0, 100))
def test_any_changed_byte_is_seen(place: int) -> None:
    message = begun()
    secrets = mikeykeys.Secrets.of(PSK, message)
    data = mikeykeys.sign(message, secrets, b"names").to_bytes()
    assert mikeykeys.verified(data, mikey.Message.parse(data), secrets, b"names")
    at = place % len(data)
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    try:
        other = mikey.Message.parse(changed)
    except mikey.MikeySyntaxError:
        return
    assert not mikeykeys.verified(changed, other, mikeykeys.Secrets.of(PSK, other), b"names")


def test_names_and_direction_are_covered() -> None:
    message = begun()
    secrets = mikeykeys.Secrets.of(PSK, message)
    data = mikeykeys.sign(message, secrets, b"names").to_bytes()
    parsed = mikey.Message.parse(data)
    assert not mikeykeys.verified(data, parsed, secrets, b"other names")
    assert not mikeykeys.verified(data, parsed, secrets, b"names", answer=True)
    assert not mikeykeys.verified(data, message, secrets, b"names")
    bare = message.with_payload(mikey.verification(mikey.NO_AUTH, b""))
    assert not mikeykeys.verified(bare.to_bytes(), bare, secrets, b"names")


@given(st.binary(max_size=80), st.sampled_from([mikey.NO_ENCRYPTION, mikey.AES_CM_128, mikey.AES_CM_256]))
def test_encryption_turns_round(data: bytes, algorithm: int) -> None:
    secrets = mikeykeys.Secrets(PSK, 7, b"r" * 16)
    crossed = secrets.crypt(algorithm, data, bytes(8))
    assert secrets.crypt(algorithm, crossed, bytes(8)) == data


def test_initiator_data_proves_who_has_the_key() -> None:
    data = mikeykeys.initiator_data(PSK)
    assert mikeykeys.initiator_proven(PSK, data)
    assert not mikeykeys.initiator_proven(bytes(32), data)
    assert not mikeykeys.initiator_proven(PSK, b"")
    single = bytes([mikey.V]) + mikey.write_payloads((mikey.verification(mikey.SHA256_MAC, bytes(32)),))
    assert not mikeykeys.initiator_proven(PSK, single)


def test_forked_keys_differ_by_responder_kind_and_modifier() -> None:
    made = {
        mikeykeys.forked(mikey.Key(kind, PSK), name, modifier).value
        for kind in (mikey.MPK, mikey.TGK)
        for name in (b"sip:a", b"sip:b")
        for modifier in (b"1", b"2")
    }
    assert len(made) == 8


def test_an_unknown_algorithm_is_an_error() -> None:
    with pytest.raises(mikey.MikeySyntaxError):
        mikeykeys.Secrets(PSK, 7).crypt(9, b"data", bytes(8))
