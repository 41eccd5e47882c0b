"""``profile check`` reaches out once to each endpoint and says what came back."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from imsproof.cli import app

if TYPE_CHECKING:
    from pathlib import Path

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
