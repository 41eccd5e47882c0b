"""``profile check`` reaches out once to each endpoint and says what came back."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.engine.identity import make_identity
from imsproof.profile.load import loads
from imsproof.reach import one_at_a_time

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Serve

SCOPE = "scope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"


def check(folder: Path, text: str, *words: str) -> tuple[int, str]:
    profile = folder / "lab.yaml"
    profile.write_text(f"name: x\n{SCOPE}timers: {{answer: 0.3, connect: 1}}\n{text}")
    done = CliRunner().invoke(app, ["profile", "check", str(profile), *words])
    return done.exit_code, done.output


def test_an_endpoint_that_answers_is_reached_and_its_answer_shown(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def answer() -> None:
            data, source = server.recvfrom(4096)
            server.sendto(b"SIP/2.0 200 OK\r\n" + data.split(b"\r\n", 1)[1], source)

        thread = threading.Thread(target=answer)
        thread.start()
        code, told = check(tmp_path, f"gm: {{domain: d, udp: '127.0.0.1:{server.getsockname()[1]}'}}\n")
        thread.join(10)
    assert code == 0, told
    assert "SIP/2.0 200 OK" in told


def test_an_endpoint_that_does_not_answer_is_exit_code_4(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        code, told = check(tmp_path, f"gm: {{domain: d, tcp: '127.0.0.1:{reserved.getsockname()[1]}'}}\n")
    assert code == 4
    assert "not reached" in told


def test_a_kms_is_reached_out_to(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        text = f"kms: {{request: '{url}', resolve: '{url}'}}\n"
        assert check(tmp_path, text)[0] == 4
        server.listen(1)
        code, told = check(tmp_path, text)
    assert code == 0, told
    assert "kms tcp 127.0.0.1" in told


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_server_that_serves_one_connection_at_a_time_is_told(
    tmp_path: Path, serve: Serve, *, one_by_one: bool
) -> None:
    """Purposes side by side would take each other's connections for the lab's silence: a run takes them in order."""
    identity = make_identity()
    own_key = identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(own_key + identity.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    turn = threading.Lock() if one_by_one else contextlib.nullcontext()

    def handle(peer: socket.socket) -> None:
        with turn, context.wrap_socket(peer, server_side=True) as wrapped:
            wrapped.recv(1)

    host, port = serve(handle)
    text = (
        f"name: x\n{SCOPE}timers: {{handshake: 1}}\nsbi: {{producers: [{{name: p, url: 'https://{host}:{port}'}}]}}\n"
    )
    found = one_at_a_time(loads(text, source="lab.yaml", base=tmp_path))
    assert found == (["sbi.producers p"] if one_by_one else [])
