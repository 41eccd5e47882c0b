"""A capture is enough: tshark shows the plain text of TLS and DTLS from ``capture.pcapng`` alone."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import make_identity
from imsproof.evidence.capture import write_tap
from imsproof.seams import TapPacket

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

CLIENT, SERVER = ("127.0.0.1", 40001), ("127.31.5.50", 8443)
REQUEST = b"GET /nmf-mrm/v1/contexts HTTP/1.1\r\nHost: mf.ims.example\r\n\r\n"


def tshark(path: Path, *arguments: str) -> str:
    """Return what tshark says of a capture with its defaults."""
    command = ["tshark", "-n", "-r", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tls_taps(folder: Path) -> tuple[list[TapPacket], list[str]]:
    """A TLS 1.3 connection over memory with one request, as the link's tap keeps it."""
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
    taps = [TapPacket(1, "tcp", CLIENT, SERVER, b"", "open")]
    inbox = {True: to_server, False: to_client}
    done: set[bool] = set()
    for _ in range(4):
        for is_client, side in ((True, near), (False, far)):
            try:
                side.do_handshake()
                if is_client and not done:
                    near.write(REQUEST)
                done.add(is_client)
            except ssl.SSLWantReadError:
                pass
            sent = inbox[is_client].read()
            if sent:
                way = (CLIENT, SERVER) if is_client else (SERVER, CLIENT)
                taps.append(TapPacket(len(taps), "tcp", *way, sent))
                inbox[is_client].write(sent)
    keys = [line for line in (folder / "keys").read_text().splitlines() if not line.startswith("#")]
    return taps, keys


def dtls_taps() -> tuple[list[TapPacket], list[str]]:
    """A DTLS 1.2 association over memory with one message of application data."""
    keys: list[str] = []
    near = DtlsEngine("client", make_identity(), keylog=keys.append)
    far = DtlsEngine("server", make_identity())
    taps: list[TapPacket] = []
    near.start()
    for _ in range(6):
        for engine, other, way in ((near, far, (CLIENT, SERVER)), (far, near, (SERVER, CLIENT))):
            for datagram in engine.outgoing():
                taps.append(TapPacket(len(taps), "udp", *way, datagram))
                other.receive(datagram)
    near.write(b"GET / HTTP/1.1 over the bootstrap channel")
    taps += [TapPacket(len(taps), "udp", CLIENT, SERVER, datagram) for datagram in near.outgoing()]
    return taps, keys


def test_http_inside_tls_on_any_port_is_plain(tmp_path: Path) -> None:
    """No key file, no preference, no port by hand: the request is dissected as HTTP."""
    taps, keys = tls_taps(tmp_path)
    write_tap(tmp_path / "c.pcapng", "SBI-TLS-01", taps, keys)
    assert "/nmf-mrm/v1/contexts" in tshark(tmp_path / "c.pcapng", "-T", "fields", "-e", "http.request.uri")


def test_data_inside_dtls_is_plain(tmp_path: Path) -> None:
    """The same block of keys opens DTLS."""
    taps, keys = dtls_taps()
    write_tap(tmp_path / "c.pcapng", "DC-DTLS-01", taps, keys)
    shown = tshark(tmp_path / "c.pcapng", "-x")
    assert "Decrypted DTLS" in shown
    assert "bootstrap" in shown.replace("\n", "") or "GET / HTTP/1.1" in shown
