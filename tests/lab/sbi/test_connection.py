"""One hostile connection ends; everybody else is served on."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import h2.connection
import h2.events
import httpx
import pytest
from hyperframe.frame import ContinuationFrame, HeadersFrame, PingFrame, SettingsFrame

from imsproof.lab import nodes
from imsproof.lab.sbi.connection import Budget

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Raw:
    """A TLS connection to the MF on which a test may write any bytes."""

    def __init__(self, lab: Any) -> None:
        plain = socket.create_connection((f"{lab.prefix}.50", nodes.SBI_PORT), timeout=5)
        self.tls = lab.context("tester-as").wrap_socket(plain, server_hostname=nodes.MF.fqdn)

    def ends(self, data: bytes) -> bytes:
        """Write, then read until the server closes; what it said."""
        said = bytearray()
        try:
            self.tls.sendall(data)
            while chunk := self.tls.recv(65536):
                said += chunk
        except (ssl.SSLError, ConnectionError):
            pass
        finally:
            self.tls.close()
        return bytes(said)


def request_headers(stream_id: int, flags: tuple[str, ...] = ("END_HEADERS", "END_STREAM")) -> bytes:
    connection = h2.connection.H2Connection()
    block = connection.encoder.encode(
        [(":method", "GET"), (":scheme", "https"), (":authority", "mf"), (":path", "/nmf-mrm/v1/contexts/x")]
    )
    frame = HeadersFrame(stream_id, block)
    for flag in flags:
        frame.flags.add(flag)
    return frame.serialize()


SETTINGS = SettingsFrame(0).serialize()
HOSTILE = {
    "no preface": b"GET / HTTP/1.1\r\nHost: mf\r\n\r\n",
    "settings of five octets": PREFACE + b"\0\0\5\4\0\0\0\0\0" + b"x" * 5,
    "even stream id": PREFACE + SETTINGS + request_headers(2),
    "huge frame": PREFACE + SETTINGS + b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 100_000,
    "compression error": PREFACE + SETTINGS + b"\0\0\4\1\5\0\0\0\1" + b"\xff\xff\xff\xff",
    "continuation flood": PREFACE
    + SETTINGS
    + request_headers(1, ())
    + ContinuationFrame(1, b"\x00\x01a\x01b" * 100).serialize() * 2000,
    "ping flood": PREFACE + SETTINGS + PingFrame(0, b"12345678").serialize() * 5000,
    "settings flood": PREFACE + SETTINGS * 5000,
    "rapid reset": PREFACE
    + SETTINGS
    + b"".join(request_headers(n) + b"\0\0\4\3\0" + n.to_bytes(4, "big") + b"\0\0\0\x08" for n in range(1, 6000, 2)),
    "empty data": PREFACE + SETTINGS + request_headers(1, ("END_HEADERS",)) + b"\0\0\0\0\0\0\0\0\1" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_connection_is_ended_and_others_are_served(lab: Any, name: str) -> None:
    raw = Raw(lab)
    raw.ends(HOSTILE[name])
    assert lab.create().status_code == 201


def test_a_flood_is_told_to_calm_down(lab: Any) -> None:
    """RFC 9113 section 7: ENHANCE_YOUR_CALM is 11."""
    said = Raw(lab).ends(HOSTILE["ping flood"])
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    events = connection.receive_data(said[: said.rfind(b"\0\0\x08\x07") + 17])
    ended = [event for event in events if isinstance(event, h2.events.ConnectionTerminated)]
    assert [event.error_code for event in ended] == [11]


def test_garbage_instead_of_tls_ends_the_connection(lab: Any) -> None:
    with socket.create_connection((f"{lab.prefix}.50", nodes.SBI_PORT), timeout=5) as plain:
        plain.sendall(b"\0" * 4096)
        while plain.recv(4096):
            pass
    assert lab.create().status_code == 201


def test_a_body_over_the_limit_is_refused(lab: Any) -> None:
    headers = {**lab.bearer(), "content-type": "application/json"}
    assert lab.create(headers=headers, content=b" " * 16_000_001).status_code == 413
    assert lab.create(headers=headers, content=b" " * 100_000).status_code == 400
    assert lab.mf._server._buffered == 0


def test_a_busy_but_orderly_client_is_served_on(lab: Any) -> None:
    with httpx.Client(verify=lab.context("tester-as"), http1=False, http2=True, trust_env=False) as client:
        url = f"{nodes.MF.api_root(lab.prefix)}/nmf-mrm/v1/contexts"
        for _ in range(600):
            answer = client.post(url, json={}, extensions={"sni_hostname": nodes.MF.fqdn})
            assert answer.status_code == 401


def test_a_budget_is_spent_and_refills() -> None:
    budget = Budget(2, now=0.0)
    assert [budget.spend(0.0) for _ in range(3)] == [True, True, False]
    assert budget.spend(1.0)
    budget.earn()
    assert budget.spend(1.0)
