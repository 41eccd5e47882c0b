"""Bad input and bad luck end in a message or a verdict with its reason, never in a traceback, a hang or a loss."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from tests.whole.command import imsproof, run_json, verdicts

from imsproof.engine.identity import make_identity

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCOPE = "scope: {networks: [127.0.0.0/8], authorised_by: the tests, until: 2099-01-01}\n"

BAD_PROFILES = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "oversized": b"name: x\n" + b"# padding\n" * 200_000,
    "not a mapping": b"- a\n- b\n",
    "unknown field": b"name: x\nscoop: {}\n" + SCOPE.encode(),
    "no scope": b"name: x\n",
    "expired scope": b"name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2001-01-01}\n",
    "outside of scope": b"name: x\ngm: {domain: d, udp: '192.0.2.1:5060'}\n" + SCOPE.encode(),
    "alias bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nname: *c\n",
    "deep": b"name: " + b"[" * 5000,
    "hostile tag": b"!!python/object/apply:os.system ['true']\n",
    "duplicate key": b"name: x\nname: y\n" + SCOPE.encode(),
    "secret that is not there": b"name: '${env:IMSPROOF_NO_SUCH}'\n" + SCOPE.encode(),
}


@pytest.mark.parametrize("name", BAD_PROFILES)
def test_a_bad_profile_is_one_clear_message_and_exit_code_2(tmp_path: Path, name: str) -> None:
    profile = tmp_path / "lab.yaml"
    profile.write_bytes(BAD_PROFILES[name])
    done = imsproof("run", profile, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "lab.yaml" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    done = imsproof("profile", "check", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "none.yaml" in done.stderr


def test_an_unknown_purpose_is_named_with_its_neighbours() -> None:
    done = imsproof("run", "-p", "SBI-TLS-99")
    assert done.returncode == 2
    assert "SBI-TLS-01" in done.stderr


def test_a_certificate_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_bytes(b"\x00not a certificate")
    profile = tmp_path / "lab.yaml"
    consumer = "{name: a, certificate: broken.pem, key: broken.pem}"
    profile.write_text(
        f"name: x\n{SCOPE}sbi: {{producers: [{{name: p, url: 'https://127.0.0.1:9'}}], consumers: [{consumer}]}}\n"
    )
    done = imsproof("run", profile, "-p", "SBI-TLS-01", "--out", tmp_path / "out", "--workers", 1)
    assert done.returncode == 2
    assert "broken.pem" in done.stderr


def test_an_empty_lab_is_not_reachable(tmp_path: Path) -> None:
    """Nothing listens: every purpose that applies is inconclusive, and the exit code says that nobody is there."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        done = _run(tmp_path, reserved.getsockname()[1], "-f", "SBI-TLS")
    assert done.returncode == 4, done.stdout
    assert "nothing at all came back" in done.stdout
    assert set(verdicts(tmp_path / "out").values()) - {"not-applicable"} == {"inconclusive"}


def test_a_run_at_a_lab_that_is_silent_ends_before_every_purpose_has_waited(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        (tmp_path / "lab.yaml").write_text(
            f"name: x\n{SCOPE}timers: {{answer: 0.2, connect: 0.5, silence: 0.2}}\n"
            f"gm: {{domain: d.example, udp: '127.0.0.1:{silent.getsockname()[1]}', auth: digest, subscribers: ["
            "{name: a, impi: a@d.example, impus: ['sip:a@d.example'], password: secret-of-a}]}\n"
        )
        done = imsproof("run", tmp_path / "lab.yaml", "-f", "GM-AKA", "-f", "GM-MALFORMED", "--out", tmp_path / "out")
    assert done.returncode == 4
    assert "given up: nothing came back from the first 8 purposes" in done.stdout
    reasons = [one["reason"] for one in run_json(tmp_path / "out")["purposes"] if one["verdict"] == "inconclusive"]
    assert any("not executed: nothing came back" in reason for reason in reasons)


def test_a_run_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file stands where the folder should be")
    done = _run(tmp_path, 9, "-p", "SBI-TLS-01")
    assert done.returncode == 3
    assert "out" in done.stderr


# A producer that answers in ways that no producer should.

PREFACE = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + payload


def nothing(tls: ssl.SSLSocket) -> None:
    with suppress(OSError):
        while tls.recv(65536):
            pass


def garbage(tls: ssl.SSLSocket) -> None:
    tls.recv(65536)
    tls.sendall(b"\x00\xff" * 5000)


def half_a_message(tls: ssl.SSLSocket) -> None:
    tls.recv(65536)
    tls.sendall(PREFACE + frame(1, 4, 1, b"\x88")[:7])
    tls.unwrap()


def endless_body(tls: ssl.SSLSocket) -> None:
    tls.recv(65536)
    tls.sendall(PREFACE + frame(1, 4, 1, b"\x88"))
    with suppress(OSError):
        for _ in range(4000):
            tls.sendall(frame(0, 0, 1, b"x" * 16384))


def ten_megabytes_of_headers(tls: ssl.SSLSocket) -> None:
    tls.recv(65536)
    literal = b"\x00\x01x\x7f\x81\x7e" + b"y" * 16384
    tls.sendall(PREFACE + frame(1, 0, 1, b"\x88"))
    with suppress(OSError):
        for _ in range(640):
            tls.sendall(frame(9, 0, 1, literal[:16384]))


def compressed_bomb(tls: ssl.SSLSocket) -> None:
    """HPACK: one big table entry, then referred to a great many times."""
    tls.recv(65536)
    entry = b"\x40\x01x\x7f\x81\x1e" + b"z" * 3999
    with suppress(OSError):
        tls.sendall(PREFACE + frame(1, 0, 1, entry + b"\xbe" * 12000))
        for _ in range(200):
            tls.sendall(frame(9, 0, 1, b"\xbe" * 16000))


HOSTILE: dict[str, Callable[[ssl.SSLSocket], None]] = {
    one.__name__: one
    for one in (nothing, garbage, half_a_message, endless_body, ten_megabytes_of_headers, compressed_bomb)
}


class HostileProducer:
    """A TLS server whose connections are all handled in one bad way; counts them."""

    def __init__(self, folder: Path, handler: Callable[[ssl.SSLSocket], None]) -> None:
        identity = make_identity()
        pem = folder / "server.pem"
        key = identity.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem.write_bytes(identity.pem + key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.context.set_alpn_protocols(["h2"])
        self.handler = handler
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with suppress(OSError, ValueError), connection, self.context.wrap_socket(connection, server_side=True) as tls:
            self.handler(tls)


@pytest.fixture
def producer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostileProducer]:
    made = HostileProducer(tmp_path, HOSTILE[request.param])
    yield made
    made.listener.close()


def _run(folder: Path, port: int, *words: str) -> subprocess.CompletedProcess[str]:
    profile = folder / "lab.yaml"
    probe = "{method: GET, path: /probe, token: false}"
    profile.write_text(
        f"name: x\n{SCOPE}timers: {{answer: 1.0, connect: 1.0, handshake: 1.0}}\n"
        f"sbi: {{producers: [{{name: p, url: 'https://127.0.0.1:{port}', requires_token: true, probe: {probe}}}],"
        f" tokens: {{from: file, file: token.txt}}}}\n"
    )
    (folder / "token.txt").write_text("e30.e30.e30")
    return imsproof("run", profile, *words, "--out", folder / "out", "--workers", 1)


@pytest.mark.parametrize("producer", HOSTILE, indirect=True)
def test_whatever_a_producer_answers_the_purpose_ends_with_a_reason(producer: HostileProducer, tmp_path: Path) -> None:
    done = _run(tmp_path, producer.port, "-p", "SBI-TOKEN-01")
    (result,) = run_json(tmp_path / "out")["purposes"]
    if producer.handler is endless_body:  # it answers 200 to everything, and that is what a missing check looks like
        assert (result["verdict"], done.returncode) == ("fail", 1)
        return
    assert result["verdict"] == "inconclusive", result
    assert "control" in result["reason"]
    assert done.returncode in {3, 4}


def test_a_lab_that_dies_in_the_middle_makes_purposes_inconclusive_and_not_passed(tmp_path: Path) -> None:
    calls = iter(range(1000))

    def serve_once(tls: ssl.SSLSocket) -> None:
        tls.recv(65536)
        if next(calls) == 0:
            tls.sendall(PREFACE + frame(4, 1, 0, b"") + frame(1, 5, 1, b"\x88"))
            nothing(tls)
        server.listener.close()

    server = HostileProducer(tmp_path, serve_once)
    _run(tmp_path, server.port, "-p", "SBI-TOKEN-01")
    (result,) = run_json(tmp_path / "out")["purposes"]
    assert result["verdict"] == "inconclusive", result
