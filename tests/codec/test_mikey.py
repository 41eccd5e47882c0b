"""MIKEY messages: written as they are read, and nothing but an error where they are none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import mikey

NOW = 1_800_000_000.25
POLICY = mikey.Policy(
    (
        mikey.identity(mikey.KMS, "sip:kms@ims.example"),
        mikey.identity(mikey.INITIATOR, "sip:a@ims.example"),
        mikey.role_time(mikey.VALID_UNTIL, NOW),
        mikey.identity(mikey.RESPONDER, "sip:b@ims.example"),
    )
)


def whole() -> mikey.Message:
    """A message with every payload that is known here."""
    payloads = (
        mikey.timestamp(NOW),
        mikey.random(mikey.INITIATOR, b"r" * 16),
        mikey.identity(mikey.INITIATOR, "sip:a@ims.example"),
        mikey.identity(mikey.PSK, b"\x00\xff"),
        POLICY.payload(),
        mikey.ticket(POLICY, b"ticket data"),
        mikey.kemac(mikey.AES_CM_128, b"encrypted"),
        mikey.error(mikey.INVALID_TS),
        mikey.Payload(mikey.RAND, b"\x02ab"),
        mikey.Payload(mikey.ID, b"\x01\x00\x01x"),
        mikey.verification(mikey.SHA1_MAC, bytes(20)),
    )
    return mikey.Message(mikey.Header(mikey.REQUEST_INIT_PSK, 0xDEADBEEF, answer=True), payloads)


def test_every_payload_is_written_and_read_again() -> None:
    message = whole()
    assert mikey.Message.parse(message.to_bytes()) == message
    assert mikey.identity_of(message.first(mikey.IDR, mikey.PSK)) == b"\x00\xff"
    assert mikey.random_of(message.first(mikey.RANDR)) == b"r" * 16
    assert message.first(mikey.RANDR, mikey.RESPONDER) is None
    kemac = message.first(mikey.KEMAC)
    assert kemac is not None
    assert mikey.kemac_of(kemac) == (mikey.AES_CM_128, b"encrypted")


def test_the_header_stands_as_the_clause_has_it() -> None:
    header = mikey.Header(mikey.RESOLVE_INIT_PSK, 1, answer=True).to_bytes(mikey.T)
    assert header.hex() == "01100581000000010001"


@given(st.integers(0, len(whole().to_bytes()) - 1))
def test_a_message_that_is_cut_off_is_an_error(size: int) -> None:
    with pytest.raises(mikey.MikeySyntaxError):
        mikey.Message.parse(whole().to_bytes()[:size])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    for bytes_ in (data, whole().to_bytes()[:10] + data):
        with contextlib.suppress(mikey.MikeySyntaxError):
            assert mikey.Message.parse(bytes_).to_bytes()[:2] == bytes_[:2]


@pytest.mark.parametrize(
    "data",
    [
        whole().to_bytes() + b"x",
        b"\x02" + whole().to_bytes()[1:],
        whole().to_bytes()[:8] + b"\x01" + whole().to_bytes()[9:],
        whole().with_payload(mikey.Payload(99, b"")).to_bytes(),
        whole().with_payload(mikey.verification(7, b"")).to_bytes(),
    ],
)
def test_what_is_no_message_of_these_is_an_error(data: bytes) -> None:
    with pytest.raises(mikey.MikeySyntaxError):
        mikey.Message.parse(data)


def test_times_are_read_in_their_era() -> None:
    assert mikey.time_of(mikey.timestamp(NOW)) == NOW
    assert mikey.time_of(mikey.role_time(mikey.VALID_FROM, 2_200_000_000.0)) == 2_200_000_000.0
    assert mikey.time_of(mikey.Payload(mikey.T, bytes([mikey.COUNTER]) + bytes(4))) is None
    short = mikey.Payload(mikey.T, bytes([mikey.NTP_UTC_32]) + b"\xe0\x00\x00\x00")
    assert mikey.timestamp_octets(short) == b"\xe0\x00\x00\x00\x00\x00\x00\x00"


def test_a_ticket_holds_its_policy_and_its_data() -> None:
    policy, data = mikey.Policy.parse(mikey.ticket(POLICY, b"sealed"))
    assert (policy, data) == (POLICY, b"sealed")
    assert mikey.Policy.parse(POLICY.payload()) == (POLICY, b"")
    assert policy.names(mikey.RESPONDER) == (b"sip:b@ims.example",)
    assert policy.time(mikey.VALID_UNTIL) == int(NOW)
    assert policy.time(mikey.VALID_FROM) is None


def test_keys_are_written_and_read_again() -> None:
    keys = (mikey.Key(mikey.MPK, b"m" * 32, b"\x01"), mikey.Key(mikey.TGK, b"t" * 16))
    assert mikey.read_keys(mikey.write_keys(keys)) == keys
    interval = bytes([0, mikey.TGK << 4 | 2, 0, 1]) + b"k" + b"\x01a" + b"\x01b"
    assert mikey.read_keys(interval) == (mikey.Key(mikey.TGK, b"k"),)
    salted = bytes([0, 1 << 4, 0, 1]) + b"k" + b"\x00\x02ss"
    assert mikey.read_keys(salted)[0].value == b"k"
    for wrong in (b"", b"\x07\x00\x00\x00", mikey.write_keys(keys) + b"x"):
        with pytest.raises(mikey.MikeySyntaxError):
            mikey.read_keys(wrong)
