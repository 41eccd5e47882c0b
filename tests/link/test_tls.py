"""TLS: versions, facts, alerts by name in both directions, hostile ends."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from tests.conftest import Serve, events, kinds

from imsproof.engine.identity import Identity, make_identity
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.tls import TlsOptions, TlsStream, certificate_facts, read_pem
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imsproof.seams import Address


def key_pem(identity: Identity) -> bytes:
    return identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def lab_identity() -> Identity:
    return make_identity()


@pytest.fixture
def context(lab_identity: Identity, tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a self-signed certificate."""
    file = tmp_path / "lab.pem"
    file.write_bytes(key_pem(lab_identity) + lab_identity.pem)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    made.set_alpn_protocols(["h2"])
    return made


def over_tls(
    context: ssl.SSLContext, handler: Callable[[ssl.SSLSocket], None] | None = None
) -> Callable[[socket.socket], None]:
    """A connection handler that does TLS first."""

    def handle(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as wrapped:
            if handler:
                handler(wrapped)
            else:
                wrapped.sendall(wrapped.recv(1000).upper())

    return handle


def connect(session: Session, address: Address, options: TlsOptions | None = None) -> TlsStream:
    return session.run(TlsStream.open(session, "nf", "1:X", address, options or TlsOptions()))


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_handshakes_facts_are_in_the_journal(
    session: Session, serve: Serve, context: ssl.SSLContext, lab_identity: Identity, version: str
) -> None:
    options = TlsOptions(minimum=version, maximum=version, alpn=("h2",), server_name="lab.example")
    stream = connect(session, serve(over_tls(context)), options)
    session.run(stream.send(b"hello"))
    assert session.run(stream.receive(2)) == b"HELLO"
    handshake = next(event for event in events(session) if event.kind is Kind.HANDSHAKE)
    assert handshake.facts["version"] == version
    assert handshake.facts["alpn"] == "h2"
    assert handshake.facts["peer_sha256"] == lab_identity.sha256
    assert handshake.facts["resumed"] is False
    assert "error" in handshake.facts["verified"]
    assert [event.data for event in events(session) if event.kind is Kind.SENT] == [b"hello"]
    assert any(line.startswith(("CLIENT_RANDOM", "CLIENT_HANDSHAKE_TRAFFIC_SECRET")) for line in session.keys)
    assert b"hello" not in b"".join(packet.data for packet in session.packets)


def test_an_anchored_certificate_verifies(
    session: Session, serve: Serve, context: ssl.SSLContext, lab_identity: Identity
) -> None:
    stream = connect(session, serve(over_tls(context)), TlsOptions(ca=lab_identity.pem))
    assert stream.facts["verified"] == "ok"


def test_a_certificate_that_does_not_verify_fails_only_when_asked(
    session: Session, serve: Serve, context: ssl.SSLContext
) -> None:
    address = serve(over_tls(context))
    with pytest.raises(ConnectionFailedError):
        connect(session, address, TlsOptions(require_valid=True))
    assert Kind.ALERT_SENT in kinds(session)


def test_a_version_that_the_lab_refuses_is_an_alert_by_name(
    session: Session, serve: Serve, context: ssl.SSLContext
) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ConnectionFailedError, match="protocol_version"):
        connect(session, serve(over_tls(context)), TlsOptions(maximum="TLSv1.2"))
    alert = next(event for event in events(session) if event.kind is Kind.ALERT)
    assert alert.facts == {"alert": "protocol_version", "level": "fatal"}


def test_an_old_version_can_be_offered(session: Session, serve: Serve, context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    stream = connect(session, serve(over_tls(context)), TlsOptions(minimum="TLSv1.1", maximum="TLSv1.1"))
    assert stream.facts["version"] == "TLSv1.1"


def test_a_missing_client_certificate_is_an_alert_after_a_tls_1_3_handshake(
    session: Session, serve: Serve, context: ssl.SSLContext
) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    stream = connect(session, serve(over_tls(context)), TlsOptions(minimum="TLSv1.3"))
    assert session.run(stream.receive(2)) == b""
    assert stream.alerts == ["certificate_required"]
    assert [event.facts.get("wanted") for event in session.record.events if event.kind is Kind.ALERT] == [
        "client certificate"
    ]


def test_a_tls_1_2_server_that_wanted_a_certificate_is_told_as_such(
    session: Session, serve: Serve, context: ssl.SSLContext
) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    with pytest.raises(ConnectionFailedError):
        connect(session, serve(over_tls(context)), TlsOptions(maximum="TLSv1.2"))
    ends = [event for event in session.record.events if event.kind in {Kind.ALERT, Kind.REFUSED}]
    assert [event.facts.get("wanted") for event in ends] == ["client certificate"]


def test_a_client_certificate_is_presented(
    session: Session, serve: Serve, context: ssl.SSLContext, lab_identity: Identity, tmp_path: Path
) -> None:
    client = make_identity()
    anchor = tmp_path / "client.pem"
    anchor.write_bytes(client.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(anchor)
    seen: list[bytes | None] = []

    def note(peer: ssl.SSLSocket) -> None:
        seen.append(peer.getpeercert(binary_form=True))
        peer.sendall(b"ok")

    stream = connect(session, serve(over_tls(context, note)), TlsOptions(certificate=client.pem, key=key_pem(client)))
    assert session.run(stream.receive(2)) == b"ok"
    assert seen == [client.der]


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x03\xff\xff" + b"x" * 200, b"\x00" * 50, b""]
)
def test_garbage_instead_of_a_handshake_is_a_refusal_and_never_a_hang(
    session: Session, serve: Serve, reply: bytes
) -> None:
    def handle(peer: socket.socket) -> None:
        peer.recv(2000)
        peer.sendall(reply)

    with pytest.raises(ConnectionFailedError):
        connect(session, serve(handle))
    refused = next(event for event in events(session) if event.kind is Kind.REFUSED)
    assert refused.facts["stage"] == "handshake"
    plain = reply.startswith((b"HTTP", b"\x00"))
    assert ("is it the right port?" in refused.facts["reason"]) == plain


def test_a_server_that_says_nothing_times_out(session: Session, serve: Serve) -> None:
    def handle(peer: socket.socket) -> None:
        while peer.recv(2000):
            pass

    address = serve(handle)
    with pytest.raises(ConnectionFailedError, match=r"within 0\.2 s"):
        session.run(TlsStream.open(session, "nf", "1:X", address, TlsOptions(), within=0.2))
    assert Kind.TIMEOUT in kinds(session)


def test_a_half_sent_record_at_the_end_is_the_end(session: Session, serve: Serve, context: ssl.SSLContext) -> None:
    def handle(peer: ssl.SSLSocket) -> None:
        raw = socket.socket(fileno=peer.detach())
        raw.sendall(b"\x17\x03\x03\x10\x00half")
        raw.close()

    stream = connect(session, serve(over_tls(context, handle)))
    assert session.run(stream.receive(2)) == b""
    assert stream.ended


def test_a_session_can_be_resumed(session: Session, serve: Serve, context: ssl.SSLContext) -> None:
    address = serve(over_tls(context))
    first = connect(session, address, TlsOptions(maximum="TLSv1.2"))
    session.run(first.send(b"x"))
    session.run(first.receive(2))
    again = connect(session, address, TlsOptions(maximum="TLSv1.2", resume=first))
    assert again.facts["resumed"] is True


@pytest.mark.parametrize(
    "options",
    [
        TlsOptions(ciphers="NO-SUCH-SUITE"),
        TlsOptions(ca=b"not pem"),
        TlsOptions(certificate=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key=b""),
        TlsOptions(minimum="SSLv3"),
    ],
)
def test_options_that_cannot_be_used_are_an_error_of_the_harness(
    session: Session, serve: Serve, options: TlsOptions
) -> None:
    address = serve(lambda peer: None)
    with pytest.raises(HarnessError, match="TLS options"):
        connect(session, address, options)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"nothing\.pem"):
        read_pem(tmp_path / "nothing.pem")


def test_a_certificates_names_are_facts() -> None:
    facts = certificate_facts(make_identity().certificate)
    assert set(facts) == {"peer_sha256", "peer_subject", "peer_san"}
