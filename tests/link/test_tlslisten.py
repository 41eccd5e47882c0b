"""The tester's TLS server: what a consumer does with its certificate is in the journal."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from tests.conftest import events, kinds

from imsproof.lab.pki import make_pki
from imsproof.link.tlslisten import TlsListener
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.lab.pki import Pki
    from imsproof.link.session import Session

EXCHANGE = "1:server"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


def opened(session: Session, pki: Pki) -> TlsListener:
    certificate, key = pki.certificate("mf").read_bytes(), pki.key("mf").read_bytes()
    return session.run(TlsListener.open(session, "server", EXCHANGE, "127.0.0.1", certificate, key))


def visit(listener: TlsListener, context: ssl.SSLContext, name: str, text: bytes) -> None:
    with socket.create_connection(listener.address) as raw, context.wrap_socket(raw, server_hostname=name) as stream:
        stream.sendall(text)
        stream.recv(100)


def test_who_trusts_the_server_and_speaks_is_heard(session: Session, pki: Pki) -> None:
    listener = opened(session, pki)
    context = ssl.create_default_context(cafile=str(pki.ca))
    context.set_alpn_protocols(["h2"])
    visit(listener, context, "mf.ims.example", b"PRI * HTTP/2.0\r\n\r\n")
    assert session.run(listener.wait(2))
    assert kinds(session, EXCHANGE) == [Kind.NOTE, Kind.OPENED, Kind.HANDSHAKE, Kind.RECEIVED]
    heard = events(session, EXCHANGE)
    assert (heard[2].facts["alpn"], heard[3].data[:5]) == ("h2", b"PRI *")
    assert session.keys


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_does_not_trust_it_leaves_an_alert_or_just_leaves(
    session: Session, pki: Pki, version: ssl.TLSVersion
) -> None:
    listener = opened(session, pki)
    context = ssl.create_default_context(cafile=str(pki.certificate("rogue-ca")))
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLCertVerificationError):
        visit(listener, context, "mf.ims.example", b"secret")
    assert session.run(listener.wait(2))
    assert Kind.RECEIVED not in kinds(session, EXCHANGE)
    assert events(session, EXCHANGE)[-1].facts.get("alert", "unknown_ca") == "unknown_ca"


def test_nobody_and_nothing(session: Session, pki: Pki) -> None:
    listener = opened(session, pki)
    assert not session.run(listener.wait(0.05))
    with socket.create_connection(listener.address) as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert session.run(listener.wait(2))
    assert kinds(session, EXCHANGE)[:2] == [Kind.NOTE, Kind.OPENED]
    assert Kind.HANDSHAKE not in kinds(session, EXCHANGE)


def test_a_certificate_that_cannot_be_used_is_named(session: Session, pki: Pki) -> None:
    key = pki.key("nrf").read_bytes()
    with pytest.raises(HarnessError, match="server certificate"):
        session.run(TlsListener.open(session, "s", EXCHANGE, "127.0.0.1", pki.certificate("mf").read_bytes(), key))
