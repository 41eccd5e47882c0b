"""Contexts are shared between connections; keys, sessions and alerts are not."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL

from imsproof.engine.identity import make_identity
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.link.tlscontext import client_context
from imsproof.seams import Record

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.conftest import Serve

    from imsproof.link.session import Link, Session
    from imsproof.seams import Address


@pytest.fixture
def lab(serve: Serve, tmp_path: Path) -> Address:
    """A TLS server that answers one message a connection."""
    identity = make_identity()
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "lab.pem").write_bytes(key + identity.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "lab.pem")

    def handle(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as wrapped:
            wrapped.sendall(wrapped.recv(1000).upper())

    return serve(handle)


def talk(session: Session, address: Address, options: TlsOptions) -> TlsStream:
    """Connect, and say something, so that a TLS 1.3 server's tickets are read."""
    stream = session.run(TlsStream.open(session, "nf", session.exchange("X"), address, options))
    session.run(stream.send(b"hello"))
    assert session.run(stream.receive(2)) == b"HELLO"
    return stream


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_same_offer_is_one_context_and_no_session_is_carried_over(
    session: Session, lab: Address, version: str
) -> None:
    """Two connections that offer the same share a context, yet the second is a whole new handshake."""
    options = TlsOptions(minimum=version, maximum=version)
    first, second = (talk(session, lab, options) for _ in range(2))
    assert first.context is second.context
    assert (first.facts["resumed"], second.facts["resumed"]) == (False, False)


def test_each_connections_keys_go_to_its_own_session(link: Link, lab: Address) -> None:
    """The keys of one purpose do not land in the evidence of another, though they share a context."""
    one, other = (link.session(Record(name)) for name in ("ONE", "OTHER"))
    streams = [talk(session, lab, TlsOptions()) for session in (one, other)]
    assert streams[0].context is streams[1].context
    assert one.keys
    assert other.keys
    assert not set(one.keys) & set(other.keys)


def test_another_offer_is_another_context() -> None:
    plain = client_context("TLSv1.2", "TLSv1.3", None, None, (), None, None, None)
    assert plain is not client_context("TLSv1.2", "TLSv1.3", None, None, ("h2",), None, None, None)
    assert plain is client_context("TLSv1.2", "TLSv1.3", None, None, (), None, None, None)


def test_what_cannot_be_used_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(SSL.Error):
            client_context("TLSv1.2", "TLSv1.3", "NO-SUCH-SUITE", None, (), None, None, None)
