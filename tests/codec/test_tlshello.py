"""Hello messages, certificates and alerts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import tlshello as t

numbers = st.integers(0, 0xFFFF)
extensions = st.none() | st.lists(st.tuples(numbers, st.binary(max_size=40)), max_size=6).map(tuple)
client_hellos = st.builds(
    t.ClientHello,
    version=numbers,
    random=st.binary(min_size=32, max_size=32),
    suites=st.lists(numbers, max_size=20).map(tuple),
    extensions=extensions,
    session_id=st.binary(max_size=32),
    cookie=st.none() | st.binary(max_size=64),
    compressions=st.lists(st.integers(0, 255), max_size=3).map(tuple),
)


@given(client_hellos)
def test_client_hello_is_parsed_to_what_was_written(hello: t.ClientHello) -> None:
    parsed = t.ClientHello.parse(hello.to_bytes(), dtls=hello.cookie is not None)
    assert parsed == hello


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_client_hello_without_loss_or_a_syntax_error(data: bytes, dtls: bool) -> None:
    try:
        parsed = t.ClientHello.parse(data, dtls=dtls)
    except t.TlsSyntaxError:
        return
    assert parsed.to_bytes() == data


@given(numbers, st.binary(min_size=32, max_size=32), st.binary(max_size=32), numbers, extensions)
def test_server_hello_round_trip(
    version: int, random: bytes, session: bytes, suite: int, found: tuple[t.Extension, ...] | None
) -> None:
    hello = t.ServerHello(version, random, session, suite, 0, found)
    assert t.ServerHello.parse(hello.to_bytes()) == hello


def test_selected_version_is_the_extension_of_tls_1_3() -> None:
    hello = t.ServerHello(0x0303, bytes(32), b"", 0x1301, 0, ((43, b"\x03\x04"),))
    assert t.version_name(hello.selected_version) == "TLSv1.3"
    assert t.ServerHello(0x0303, bytes(32), b"", 0xC02B).selected_version == 0x0303


def test_alert_names_are_the_rfcs() -> None:
    assert t.Alert.parse(b"\x02\x46") == t.Alert(2, 70)
    assert t.Alert(2, 70).name == "protocol_version"
    assert t.alert_name(222) == "alert_222"
    assert t.Alert(2, 42).to_bytes() == b"\x02\x2a"
    with pytest.raises(t.TlsSyntaxError, match="2 bytes"):
        t.Alert.parse(bytes(24))


def test_certificate_list_is_split() -> None:
    body = t.vector(3, t.vector(3, b"one") + t.vector(3, b"two"))
    assert t.parse_certificates(body) == (b"one", b"two")
    with pytest.raises(t.TlsSyntaxError):
        t.parse_certificates(body[:-1])


def test_usual_extensions_can_offer_srtp() -> None:
    hello = t.ClientHello(0xFEFD, bytes(32), (0xC02B,), t.usual_extensions(srtp=True))
    assert hello.extension(14) == b"\x00\x04\x00\x07\x00\x01\x00"
    assert t.ClientHello(0xFEFD, bytes(32), (0xC02B,), None).extension(14) is None
