"""ESP held against itself and against scapy's implementation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.ipsec import ESP, SecurityAssociation

from imsproof.codec import udp
from imsproof.codec.esp import (
    Association,
    EspError,
    EspIntegrityError,
    ReplayWindow,
    expand_keys,
    spi_of,
)

CK, IK = bytes(range(16)), bytes(range(16, 32))
SUITES = [
    ("hmac-sha-1-96", "aes-cbc"),
    ("hmac-sha-1-96", "null"),
    ("hmac-md5-96", "des-ede3-cbc"),
    ("hmac-md5-96", "null"),
    ("aes-gmac", "null"),
    ("null", "aes-gcm"),
]
SCAPY = {
    "aes-cbc": "AES-CBC",
    "null": "NULL",
    "des-ede3-cbc": "3DES",
    "aes-gcm": "AES-GCM",
    "hmac-sha-1-96": "HMAC-SHA1-96",
    "hmac-md5-96": "HMAC-MD5-96",
}


def association(alg: str, ealg: str, spi: int = 4711) -> Association:
    integrity, encryption = expand_keys(alg, ealg, CK, IK)
    return Association(spi, alg, ealg, integrity, encryption)


@pytest.mark.parametrize(("alg", "ealg"), SUITES)
@given(
    payload=st.binary(max_size=300), sequence=st.integers(1, (1 << 32) - 1), seed=st.binary(min_size=16, max_size=16)
)
@settings(max_examples=25)
def test_what_is_sealed_opens_again(alg: str, ealg: str, payload: bytes, sequence: int, seed: bytes) -> None:
    sa = association(alg, ealg)
    packet = sa.seal(sequence, payload, seed[: sa.iv_size])
    opened = sa.open(packet)
    assert (opened.sequence, opened.payload, opened.next_header) == (sequence, payload, 17)
    assert spi_of(packet) == 4711


@pytest.mark.parametrize(("alg", "ealg"), SUITES)
@given(place=st.integers(min_value=4), bit=st.integers(0, 7))
@settings(max_examples=25)
def test_any_changed_bit_is_noticed(alg: str, ealg: str, place: int, bit: int) -> None:
    sa = association(alg, ealg)
    packet = bytearray(sa.seal(1, b"OPTIONS sip:a SIP/2.0", bytes(sa.iv_size)))
    packet[4 + place % (len(packet) - 4)] ^= 1 << bit
    with pytest.raises(EspIntegrityError):
        sa.open(bytes(packet))


@pytest.mark.parametrize(("alg", "ealg"), SUITES)
def test_scapy_opens_what_we_seal_and_we_open_what_scapy_seals(alg: str, ealg: str) -> None:
    sa = association(alg, ealg)
    if alg == "aes-gmac":
        options: dict[str, Any] = {"crypt_algo": "AES-NULL-GMAC", "crypt_key": sa.integrity_key}
    else:
        options = {"crypt_algo": SCAPY[ealg], "crypt_key": sa.encryption_key or None}
        if alg != "null":
            options |= {"auth_algo": SCAPY[alg], "auth_key": sa.integrity_key}
    other = SecurityAssociation(ESP, spi=4711, **options)
    datagram = udp.build(("127.0.0.1", 4000), ("127.0.0.2", 5064), b"hello")
    packet = IP(src="127.0.0.1", dst="127.0.0.2", proto=50) / ESP(sa.seal(7, datagram, b"\x05" * sa.iv_size))
    assert bytes(other.decrypt(IP(bytes(packet))).payload)[8:] == b"hello"
    sealed = other.encrypt(IP(src="127.0.0.1", dst="127.0.0.2", proto=17) / datagram, seq_num=9)
    opened = sa.open(bytes(sealed[ESP]))
    assert (opened.sequence, udp.parse(opened.payload)[2]) == (9, b"hello")


def test_keys_are_expanded_as_annex_i_says() -> None:
    assert expand_keys("hmac-sha-1-96", "aes-cbc", CK, IK) == (IK + bytes(4), CK)
    assert expand_keys("hmac-md5-96", "des-ede3-cbc", CK, IK) == (IK, CK + CK[:8])
    assert len(expand_keys("aes-gmac", "null", CK, IK)[0]) == 20
    for bad in (("null", "null"), ("null", "aes-cbc"), ("crc", "null"), ("hmac-sha-1-96", "rot13")):
        with pytest.raises(EspError):
            expand_keys(*bad, CK, IK)


@given(data=st.binary(max_size=80))
def test_garbage_is_an_esp_error(data: bytes) -> None:
    for alg, ealg in SUITES:
        with pytest.raises(EspError):
            association(alg, ealg).open(data)


def test_another_spi_and_a_wrong_iv_are_errors() -> None:
    sa = association(*SUITES[0])
    with pytest.raises(EspError, match="SPI"):
        association(*SUITES[0], spi=1).open(sa.seal(1, b"", bytes(16)))
    with pytest.raises(EspError, match="IV"):
        sa.seal(1, b"", b"")


def test_each_number_is_taken_once_and_none_that_is_too_old() -> None:
    window = ReplayWindow(4)
    assert [window.take(n) for n in (1, 1, 3, 2, 2, 0, 10, 6, 7, 7)] == [
        True, False, True, True, False, False, True, False, True, False,
    ]  # fmt: skip


@given(st.lists(st.integers(1, 200)))
def test_no_number_is_ever_taken_twice(numbers: list[int]) -> None:
    window = ReplayWindow()
    taken = [number for number in numbers if window.take(number)]
    assert len(taken) == len(set(taken))
