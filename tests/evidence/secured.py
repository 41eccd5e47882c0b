"""TLS and DTLS over memory as the link's tap keeps it, for the tests of decryption."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import h2.config
import h2.connection
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import make_identity
from imsproof.seams import TapPacket

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SERVER = ("127.0.0.1", 40001), ("127.31.5.50", 8443)
THERE, BACK = (CLIENT, SERVER), (SERVER, CLIENT)


def tls_taps(folder: Path, says: bytes, answers: bytes) -> tuple[list[TapPacket], list[str]]:
    """A TLS 1.3 connection on which the client says something and the server answers: its packets, and its keys."""
    identity = make_identity()
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "id.pem").write_bytes(key + identity.pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "id.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.keylog_filename = str(folder / "keys")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    far = server.wrap_bio(to_server, to_client, server_side=True)
    near = client.wrap_bio(to_client, to_server)
    taps = [TapPacket(1, "tcp", *THERE, b"", "open")]
    left = {True: says, False: answers}
    for _ in range(4):
        for ours, side, way, outbox in ((True, near, THERE, to_server), (False, far, BACK, to_client)):
            try:
                side.do_handshake()
                side.write(left[ours])
                left[ours] = b""
            except ssl.SSLWantReadError:
                pass
            if sent := outbox.read():
                taps.append(TapPacket(len(taps) + 1, "tcp", *way, sent))
                outbox.write(sent)
    assert left == {True: b"", False: b""}
    keys = [line for line in (folder / "keys").read_text().splitlines() if not line.startswith("#")]
    return taps, keys


def http2_request(headers: list[tuple[str, str]], body: bytes) -> bytes:
    """What a client of HTTP/2 says with one request."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    client.send_headers(1, headers)
    client.send_data(1, body, end_stream=True)
    return client.data_to_send()


def dtls_taps() -> tuple[DtlsEngine, list[TapPacket], list[str]]:
    """A DTLS association that stands: the client's end, the packets so far, and its keys (more with each use)."""
    keys: list[str] = []
    near, far = DtlsEngine("client", make_identity(), keylog=keys.append), DtlsEngine("server", make_identity())
    taps: list[TapPacket] = []
    near.start()
    for _ in range(6):
        for engine, other, way in ((near, far, THERE), (far, near, BACK)):
            for datagram in engine.outgoing():
                taps.append(TapPacket(len(taps), "udp", *way, datagram))
                other.receive(datagram)
    return near, taps, keys
