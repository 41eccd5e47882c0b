"""DTLS records and handshake messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import dtls

records = st.builds(
    dtls.Record,
    content_type=st.integers(0, 255),
    fragment=st.binary(max_size=60),
    version=st.integers(0, 0xFFFF),
    epoch=st.integers(0, 0xFFFF),
    sequence=st.integers(0, 2**48 - 1),
)


@given(st.lists(records, max_size=5))
def test_a_datagram_splits_into_the_records_it_was_made_of(made: list[dtls.Record]) -> None:
    assert dtls.split_records(b"".join(record.to_bytes() for record in made)) == made


@given(st.binary(max_size=200))
def test_any_datagram_is_split_without_loss_or_a_syntax_error(datagram: bytes) -> None:
    try:
        found = dtls.split_records(datagram)
    except dtls.TlsSyntaxError:
        return
    assert b"".join(record.to_bytes() for record in found) == datagram


@given(st.binary(max_size=200))
def test_any_handshake_bytes_are_split_without_loss_or_a_syntax_error(data: bytes) -> None:
    try:
        found = dtls.handshakes(data)
    except dtls.TlsSyntaxError:
        return
    assert b"".join(message.to_bytes() for message in found) == data


def test_lengths_can_lie() -> None:
    record = dtls.Record(22, b"abc", length=500)
    assert dtls.split_records(record.to_bytes()) == [record]
    message = dtls.Handshake(1, b"abc", total=0xFFFFFF, fragment_length=9)
    assert dtls.handshakes(message.to_bytes()) == [message]


@given(st.binary(max_size=100), st.integers(1, 40))
def test_fragments_join_to_the_message(body: bytes, size: int) -> None:
    fragments = dtls.fragment_handshake(dtls.Handshake(1, body, message_seq=3), size)
    assert b"".join(fragment.body for fragment in fragments) == body
    assert all(len(fragment.body) <= size and fragment.message_seq == 3 for fragment in fragments)
    assert {int.from_bytes(fragment.to_bytes()[1:4], "big") for fragment in fragments} == {len(body)}


def test_fragments_of_no_size_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        dtls.fragment_handshake(dtls.Handshake(1, b"abc"), 0)


def test_hello_verify_request_round_trip() -> None:
    request = dtls.HelloVerifyRequest(dtls.DTLS_1_0, b"cookie")
    assert dtls.HelloVerifyRequest.parse(request.to_bytes()) == request


def test_alerts_in_clear_are_found() -> None:
    found = [dtls.Record(21, b"\x02\x46"), dtls.Record(21, bytes(20), epoch=1), dtls.Record(22, b"\x02\x46")]
    assert [alert.name for alert in dtls.alerts(found)] == ["protocol_version"]


def test_a_handshake_message_knows_its_record() -> None:
    record = dtls.Handshake(1, b"abc").record(sequence=7)
    assert (record.content_type, record.sequence, record.version) == (22, 7, dtls.DTLS_1_2)


def test_a_server_hello_is_found_among_other_records() -> None:
    hello = dtls.ServerHello(0xFEFD, bytes(32), b"", 0xC02B)
    alert = dtls.Record(21, b"\x01\x00").to_bytes()
    message = dtls.Handshake(dtls.SERVER_HELLO, hello.to_bytes()).record().to_bytes()
    assert dtls.server_hello(alert + message) == hello


@pytest.mark.parametrize("datagram", [b"", b"\x16\xfe\xfd", dtls.Record(22, b"\x02").to_bytes(), b"SSH-2.0"])
def test_what_holds_no_server_hello_has_none(datagram: bytes) -> None:
    assert dtls.server_hello(datagram) is None


@given(st.lists(st.sampled_from([dtls.CLIENT_HELLO, dtls.SERVER_HELLO, 11, 20]), max_size=4))
def test_the_handshake_messages_of_a_datagram_are_named(types: list[int]) -> None:
    messages = [dtls.Handshake(kind, b"x", message_seq=number) for number, kind in enumerate(types)]
    records = [one.record(version=dtls.DTLS_1_2, sequence=number) for number, one in enumerate(messages)]
    assert dtls.handshake_types(b"".join(record.to_bytes() for record in records)) == set(types)
    assert dtls.handshake_types(b"\x16\xfe") == set()
