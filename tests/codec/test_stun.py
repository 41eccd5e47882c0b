"""STUN: round trips, the short-term credential, and aioice's codec as a second opinion."""

from __future__ import annotations

import contextlib

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import stun

PASSWORD = "a password of 22 octets"
TRANSACTION = bytes(range(12))
attributes = st.builds(stun.Attribute, st.integers(0, 0xFFFF), st.binary(max_size=40))
messages = st.builds(
    stun.Message,
    st.integers(0, 0x3FFF),
    st.binary(min_size=12, max_size=12),
    st.lists(attributes, max_size=6).map(tuple),
)
addresses = st.tuples(st.ip_addresses().map(str), st.integers(0, 65535))


@given(messages)
def test_what_is_written_is_read_again(message: stun.Message) -> None:
    data = message.to_bytes()
    assert stun.Message.parse(data).to_bytes() == data


@given(st.binary(max_size=80) | messages.map(lambda one: one.to_bytes()[:-1]))
def test_other_bytes_are_refused(data: bytes) -> None:
    with contextlib.suppress(stun.StunError):
        assert stun.Message.parse(data).to_bytes() == data


@given(messages, st.text(max_size=30))
def test_a_protected_message_is_right_for_its_password_only(message: stun.Message, password: str) -> None:
    bare = stun.Message(message.kind, message.transaction, tuple(a for a in message.attributes if a.kind != 8))
    sent = stun.Message.parse(bare.protected(password).to_bytes())
    assert bare.integrity(password) == "absent"
    assert sent.integrity(password) == "right"
    assert sent.integrity(password + "x") == "wrong"


@given(addresses)
def test_the_mapped_address_is_the_same_for_both_codecs(address: tuple[str, int]) -> None:
    answer = stun.Message(stun.BINDING | stun.SUCCESS, TRANSACTION, (stun.mapped_address(address, TRANSACTION),))
    assert answer.mapped == address
    other = aioice.stun.parse_message(answer.protected(PASSWORD).to_bytes())
    assert other.check_message_integrity(PASSWORD.encode())
    assert other.attributes["XOR-MAPPED-ADDRESS"] == address


def test_a_check_of_the_other_codec_is_understood() -> None:
    check = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, TRANSACTION)
    check.attributes |= {"USERNAME": "a:b", "PRIORITY": 1, "ICE-CONTROLLING": 2, "USE-CANDIDATE": None}
    check.add_message_integrity(PASSWORD.encode())
    read = stun.Message.parse(bytes(check))
    assert (read.class_, read.is_binding, read.username) == ("request", True, "a:b")
    assert read.integrity(PASSWORD) == "right"
    assert read.first(stun.USE_CANDIDATE) == b""
    assert stun.Message(read.kind, TRANSACTION, read.attributes[:-2]).protected(PASSWORD).to_bytes() == bytes(check)


def test_an_error_names_its_number() -> None:
    answer = stun.Message(stun.BINDING | stun.ERROR, TRANSACTION, (stun.error_attribute(401, "Unauthenticated"),))
    assert (answer.class_, answer.error_code) == ("error", 401)
    assert stun.Message(0x0111, TRANSACTION).error_code == 0
    assert stun.Message(0x0101, TRANSACTION, (stun.Attribute(stun.XOR_MAPPED_ADDRESS, b"\0\3xx"),)).mapped is None


@pytest.mark.parametrize("data", [b"", bytes(20), b"\x16\xfe\xfd" + bytes(30), b"\0\1\0\4\x21\x12\xa4\x42" + bytes(12)])
def test_what_is_no_message_is_said(data: bytes) -> None:
    with pytest.raises(stun.StunError):
        stun.Message.parse(data)
