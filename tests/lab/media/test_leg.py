"""The leg between MF and DC AS: handed on, and recorded."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from imsproof.codec import pcap
from imsproof.lab.media import leg
from imsproof.lab.media.dcas import DcApplicationServer
from imsproof.lab.media.leg import TappedLeg
from imsproof.lab.policy import Policy, PolicyBox

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HOST = "127.0.0.1"


def tapped(capture: Path, port: int) -> TappedLeg:
    box = PolicyBox(Policy())
    servers = [DcApplicationServer(HOST, box, apps_of=lambda _: (), all_apps=()) for _ in range(2)]
    return TappedLeg((HOST, port), box, protected=servers[0], plain=servers[1], capture=capture)


async def fetched(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET /nothing HTTP/1.1\r\n\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


def test_what_crosses_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = tmp_path / "mdc.pcap"
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]

    async def run() -> None:
        made = tapped(capture, port)
        await made.start()
        assert made.url("sip:a@b") == f"https://{HOST}:{port}/apps/sip%3Aa%40b/"
        assert b"404" in await fetched(port)
        assert [flow.data[:4] for flow in pcap.flows(capture.read_bytes())] == [b"GET ", b"HTTP"]
        monkeypatch.setattr(leg, "MAX_CAPTURE", 100)
        await fetched(port)
        assert len(pcap.flows(capture.read_bytes())) <= 1
        made.reset()
        assert pcap.flows(capture.read_bytes()) == []
        await made.stop()

    asyncio.run(run())
