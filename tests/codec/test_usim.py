"""The APDUs of a USIM."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import usim


def test_the_commands_are_those_of_the_specifications() -> None:
    assert usim.select("usim").hex() == "00a4040407a0000000871002"
    assert usim.verify_pin("1234").hex() == "002000010831323334ffffffff"
    assert (
        usim.authenticate(b"\x01" * 16, b"\x02" * 16).hex() == "0088008122" + "10" + "01" * 16 + "10" + "02" * 16 + "00"
    )
    assert usim.get_response(53).hex() == "00c0000035"


@given(st.binary(min_size=4, max_size=16), st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_an_answer_is_read_as_it_was_written(res: bytes, ck: bytes, ik: bytes) -> None:
    data = b"\xdb" + b"".join(bytes((len(one),)) + one for one in (res, ck, ik)) + b"\x08kc-kc-kc"
    assert usim.read_answer(data) == usim.Authenticated(res, ck, ik)


def test_auts_is_read() -> None:
    assert usim.read_answer(b"\xdc\x0e" + bytes(14)).auts == bytes(14)


@pytest.mark.parametrize("data", [b"", b"\xdb", b"\xdb\x08short", b"\xdc\x0e\0", b"\xaa\0"])
def test_what_is_no_answer_is_named(data: bytes) -> None:
    with pytest.raises(usim.UsimError):
        usim.read_answer(data)


@pytest.mark.parametrize("pin", ["123", "123456789", "12a4", ""])
def test_what_is_no_pin_is_refused(pin: str) -> None:
    with pytest.raises(usim.UsimError):
        usim.verify_pin(pin)
