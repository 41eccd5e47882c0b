"""DCEP messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import dcep


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: b"\x03" + bytes(7) + b"\0\2\0\1" + tail))
def test_any_bytes_are_parsed_without_loss_or_a_syntax_error(data: bytes) -> None:
    try:
        message = dcep.parse(data)
    except dcep.DcepSyntaxError:
        return
    assert message.to_bytes() == data


def test_open_is_what_rfc_8832_draws() -> None:
    message = dcep.Open(b"chat", b"json", dcep.PARTIAL_REXMIT, 128, 3)
    assert message.to_bytes() == bytes.fromhex("0301 0080 00000003 0004 0004") + b"chatjson"
    assert dcep.parse(message.to_bytes()) == message


def test_lengths_can_lie() -> None:
    message = dcep.Open(b"chat", label_length=9)
    assert dcep.parse(message.to_bytes()) == message


@pytest.mark.parametrize("data", [b"", b"\x07", b"\x03short"])
def test_what_is_no_dcep_is_said_so(data: bytes) -> None:
    with pytest.raises(dcep.DcepSyntaxError):
        dcep.parse(data)


def test_ack_is_one_byte() -> None:
    assert dcep.parse(b"\x02") == dcep.Ack()
