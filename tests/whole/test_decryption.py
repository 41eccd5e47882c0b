"""A capture is enough: tshark shows the plain text of TLS and DTLS from ``capture.pcapng`` alone."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.evidence.secured import THERE, dtls_taps, tls_taps

from imsproof.evidence.capture import write_tap
from imsproof.seams import TapPacket

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

REQUEST = b"GET /nmf-mrm/v1/contexts HTTP/1.1\r\nHost: mf.ims.example\r\n\r\n"


def tshark(path: Path, *arguments: str) -> str:
    """Return what tshark says of a capture with its defaults."""
    command = ["tshark", "-n", "-r", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_http_inside_tls_on_any_port_is_plain(tmp_path: Path) -> None:
    """No key file, no preference, no port by hand: the request is dissected as HTTP."""
    taps, keys = tls_taps(tmp_path, REQUEST, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    write_tap(tmp_path / "c.pcapng", "SBI-TLS-01", taps, keys)
    assert "/nmf-mrm/v1/contexts" in tshark(tmp_path / "c.pcapng", "-T", "fields", "-e", "http.request.uri")


def test_data_inside_dtls_is_plain(tmp_path: Path) -> None:
    """The same block of keys opens DTLS."""
    near, taps, keys = dtls_taps()
    near.write(b"GET / HTTP/1.1 over the bootstrap channel")
    taps += [TapPacket(len(taps), "udp", *THERE, datagram) for datagram in near.outgoing()]
    write_tap(tmp_path / "c.pcapng", "DC-DTLS-01", taps, keys)
    shown = tshark(tmp_path / "c.pcapng", "-x")
    assert "Decrypted DTLS" in shown
    assert "bootstrap" in shown.replace("\n", "") or "GET / HTTP/1.1" in shown
