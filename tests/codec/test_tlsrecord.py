"""TLS records over TCP."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import tlsrecord as t
from imsproof.codec.tlshello import ClientHello, ServerHello, TlsSyntaxError, vector


@given(st.lists(st.builds(t.Record, st.integers(0, 255), st.binary(max_size=60)), max_size=5), st.binary(max_size=4))
def test_a_stream_splits_into_its_records(made: list[t.Record], rest: bytes) -> None:
    stream = b"".join(record.to_bytes() for record in made) + rest
    assert t.split_records(stream) == (made, rest)


@given(st.lists(st.builds(t.Handshake, st.integers(0, 255), st.binary(max_size=60)), max_size=5))
def test_joined_messages_split_again(made: list[t.Handshake]) -> None:
    stream = b"".join(message.to_bytes() for message in made)
    assert t.handshakes(stream) == (made, b"")
    assert t.handshakes(stream + b"\x01\x00")[1] == b"\x01\x00"


def test_lengths_can_lie() -> None:
    assert t.Record(22, b"abc", length=9).to_bytes()[3:5] == b"\x00\x09"
    assert t.Handshake(1, b"abc", length=9).to_bytes()[1:4] == b"\x00\x00\x09"


def test_client_hello_is_what_was_asked_for() -> None:
    data = t.client_hello(
        bytes(32), suites=(0x1301,), supported_versions=(0x0304,), server_name="mf.ims.example", alpn=("h2",)
    )
    [record], rest = t.split_records(data)
    [message], _ = t.handshakes(record.fragment)
    hello = ClientHello.parse(message.body, dtls=False)
    assert rest == b""
    assert hello.suites == (0x1301,)
    assert hello.extension(43) == b"\x02\x03\x04"
    assert hello.extension(16) == b"\x00\x03\x02h2"
    assert b"mf.ims.example" in (hello.extension(0) or b"")


def test_a_real_client_hello_is_parsed() -> None:
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    [record], _ = t.split_records(outgoing.read())
    [message], _ = t.handshakes(record.fragment)
    hello = ClientHello.parse(message.body, dtls=False)
    assert hello.to_bytes() == message.body
    assert b"a.example" in (hello.extension(0) or b"")


def test_server_flight_shows_hello_certificates_and_alerts() -> None:
    hello = ServerHello(0x0303, bytes(32), b"", 0xC02B)
    chain = vector(3, vector(3, b"der"))
    joined = t.Handshake(2, hello.to_bytes()).to_bytes() + t.Handshake(11, chain).to_bytes()
    stream = t.Record(22, joined[:30]).to_bytes() + t.Record(22, joined[30:]).to_bytes()
    flight = t.parse_server_flight(stream + t.Record(21, b"\x02\x28").to_bytes() + b"\x16")
    assert flight.hello == hello
    assert flight.certificates == (b"der",)
    assert flight.message_types == (2, 11)
    assert [alert.name for alert in flight.alerts] == ["handshake_failure"]
    assert flight.rest == b"\x16"


def test_encrypted_records_end_the_reading() -> None:
    hello = t.Record(22, t.Handshake(2, ServerHello(0x0303, bytes(32), b"", 0x1301).to_bytes()).to_bytes())
    flight = t.parse_server_flight(hello.to_bytes() + t.Record(20, b"\x01").to_bytes() + t.Record(23, b"x").to_bytes())
    assert flight.message_types == (2,)
    assert flight.alerts == ()


def test_what_is_not_tls_is_said_so() -> None:
    with pytest.raises(TlsSyntaxError, match="not a TLS record"):
        t.parse_server_flight(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert t.parse_server_flight(b"") == t.ServerFlight()
