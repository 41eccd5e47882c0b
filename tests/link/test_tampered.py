"""Changed flights: a right TLS server notices each."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from tests.conftest import events

from imsproof.engine.identity import make_identity
from imsproof.link.session import ConnectionFailedError
from imsproof.link.tampered import DataTampered, FinishedTampered, TamperedStream, listen_on
from imsproof.link.tls import TlsOptions
from imsproof.seams import Kind

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.seams import Address


@pytest.fixture
def server(serve: Serve, tmp_path: Path) -> Address:
    """A TLS server that echoes."""
    identity = make_identity()
    file = tmp_path / "lab.pem"
    key = identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(key + identity.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def handle(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as wrapped:
            wrapped.sendall(wrapped.recv(100))

    return serve(handle)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("kind", [FinishedTampered, DataTampered])
def test_a_changed_flight_ends_the_connection(
    session: Session, server: Address, kind: type[TamperedStream], version: str
) -> None:
    async def talk() -> None:
        options = TlsOptions(minimum=version, maximum=version)
        stream = await kind.open(session, "t", "1:x", server, options, quiet=True)
        await stream.send(b"hello")
        await listen_on(stream, 1.0)
        await stream.aclose()

    with contextlib.suppress(ConnectionFailedError):
        session.run(talk())
    own = events(session, "1:x")
    note = next(event for event in own if event.facts.get("tampered"))
    after = [event for event in own if event.seq > note.seq]
    assert any(event.kind is Kind.ALERT or event.facts.get("by") == "lab" for event in after)
