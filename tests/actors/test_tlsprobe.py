"""TLS by hand: what is shown, and what is read of the answer."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import events

from imsproof.actors.tlsprobe import (
    SECP256R1,
    TOLERABLE,
    TlsProbe,
    client_hello,
    flight_is_complete,
    malformed,
    other_curve,
    record,
    server_facts,
)
from imsproof.codec.tlshello import (
    ALERT,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    ClientHello,
    ServerHello,
)
from imsproof.codec.tlsrecord import Handshake, handshakes, split_records
from imsproof.codec.tlssuites import GOOD
from imsproof.profile.sbi import Producer
from imsproof.seams import Kind

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.seams import Address

HELLO = ServerHello(0x0303, bytes(range(32)), b"", 0xC02B, extensions=((0xFF01, b"\x00"), (23, b"")))
FLIGHT = record(
    Handshake(SERVER_HELLO, HELLO.to_bytes()).to_bytes()
    + Handshake(SERVER_KEY_EXCHANGE, b"\x03\x00\x17" + bytes(70)).to_bytes()
    + Handshake(SERVER_HELLO_DONE, b"").to_bytes()
)


def probe(session: Session, address: Address) -> TlsProbe:
    producer = Producer.model_validate({"name": "x", "url": f"https://{address[0]}:{address[1]}"})
    return TlsProbe(session, producer)


def test_a_hello_is_well_formed_and_holds_what_was_asked_for() -> None:
    data = client_hello([0x0005], server_name="mf.example", groups=(SECP256R1,), compressions=(1, 0))
    (only,), rest = split_records(data)
    (message,), _ = handshakes(only.fragment)
    hello = ClientHello.parse(message.body, dtls=False)
    assert (hello.suites, hello.compressions, rest) == ((0x0005,), (1, 0), b"")
    assert hello.extension(10) == b"\x00\x02\x00\x17"
    assert b"mf.example" in (hello.extension(0) or b"")


def test_the_servers_flight_is_read() -> None:
    facts = server_facts(FLIGHT)
    assert (facts["version"], facts["suite"]) == ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    assert facts["extensions"] == ["renegotiation_info", "extended_master_secret"]
    assert (facts["group"], facts["compression"], facts["alerts"]) == (SECP256R1, 0, [])
    assert flight_is_complete(FLIGHT)
    assert not flight_is_complete(FLIGHT[:-4])


@given(st.binary(max_size=200))
def test_any_answer_can_be_read(data: bytes) -> None:
    assert "alerts" in server_facts(data)
    flight_is_complete(data)


def test_an_answer_lands_in_the_journal(session: Session, serve: Serve) -> None:
    def handle(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(FLIGHT)

    tls = probe(session, serve(handle))
    answer = tls.show(tls.hello("a hello"))
    received = [event for event in events(session, answer.exchange) if event.kind is Kind.RECEIVED]
    assert [event.facts["tls"]["suite"] for event in received] == ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]


def test_an_alert_is_an_event_and_many_messages_keep_their_order(session: Session, serve: Serve) -> None:
    def handle(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(record(b"\x02\x28", kind=ALERT))

    tls = probe(session, serve(handle))
    answers = tls.show_all([tls.hello(f"hello {number}", [number]) for number in GOOD])
    assert [answer.exchange.partition(":")[2] for answer in answers] == [f"hello {number}" for number in GOOD]
    alerts = [event.facts["alert"] for event in events(session) if event.kind is Kind.ALERT]
    assert alerts == ["handshake_failure"] * len(GOOD)


def test_silence_and_absence_are_told_apart(session: Session, serve: Serve) -> None:
    def handle(peer: socket.socket) -> None:
        while peer.recv(10_000):
            pass

    silent = probe(session, serve(handle))
    answer = silent.show(silent.hello("to nobody who speaks"))
    assert Kind.TIMEOUT in [event.kind for event in events(session, answer.exchange)]
    absent = probe(session, ("127.0.0.1", 9))
    assert absent.show(absent.hello("to nobody")).failed


def test_every_malformed_message_is_another_and_none_is_the_good_one() -> None:
    messages = malformed("mf.example")
    assert len({one.label for one in messages}) == len({one.data for one in messages}) == len(messages) >= 20
    assert client_hello(GOOD, server_name="mf.example") not in {one.data for one in messages}


@pytest.mark.parametrize("message", malformed(""), ids=lambda one: one.label)
def test_malformed_messages_need_no_name(message: object) -> None:
    assert message


def test_what_is_tolerable_is_among_the_malformed() -> None:
    assert {message.label for message in malformed("mf.example")} >= TOLERABLE


def test_an_ec_certificate_of_another_curve_is_known() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def shown(curve: ec.EllipticCurve) -> dict[str, str]:
        key = ec.generate_private_key(curve)
        made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + dt.timedelta(days=1))
        der = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        return {"peer_certificate": base64.b64encode(der).decode()}

    assert other_curve(shown(ec.SECP384R1())) == 0x18
    assert other_curve(shown(ec.SECP256R1())) is None
    assert other_curve({}) is None
