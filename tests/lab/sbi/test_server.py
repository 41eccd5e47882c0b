"""The server's own limits: connections, buffered octets, handlers that fail or never end."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import httpx
import pytest

from imsproof.lab import nodes
from imsproof.lab.sbi.messages import Request, Response, json_response
from imsproof.lab.sbi.server import SbiServer

NF = nodes.Nf("tester-as", "IMS_AS", nodes.TESTER_AS.instance_id, 99)


async def handler(request: Request) -> Response:
    if request.path == "/fails":
        raise RuntimeError("broken on purpose")
    if request.path == "/hangs":
        await asyncio.Event().wait()
    if request.path == "/big":
        return Response(200, body=b"x" * 300_000)
    peer = request.peer
    return json_response(200, [peer.instance_id, peer.names, peer.nf_types, peer.tls_version, peer.address])


@pytest.fixture
def server(lab: Any) -> Any:
    made = SbiServer(NF, lab.pki, lab.box, handler)
    lab.run(made.start(NF.address(lab.prefix)))
    yield made
    lab.run(made.stop())


def test_the_handler_sees_who_the_client_is(lab: Any, server: SbiServer) -> None:
    peer = lab.request(NF, "GET", "/").json()
    assert peer[:3] == [nodes.TESTER_AS.instance_id, ["tester-as.ims.example"], ["IMS_AS"]]
    assert peer[3:] == ["TLSv1.3", "127.0.0.1"]


def test_a_failing_handler_is_answered_and_the_server_serves_on(
    lab: Any, server: SbiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab.request(NF, "GET", "/fails").status_code == 500
    assert "broken on purpose" in capsys.readouterr().err
    assert lab.request(NF, "GET", "/").status_code == 200


def test_a_body_larger_than_the_window_arrives_whole(lab: Any, server: SbiServer) -> None:
    assert len(lab.request(NF, "GET", "/big").content) == 300_000


def test_a_handler_that_never_ends_is_answered_in_time(lab: Any, server: SbiServer) -> None:
    lab.box.current = dataclasses.replace(
        lab.box.current, sbi=dataclasses.replace(lab.box.current.sbi, request_seconds=0.05)
    )
    assert lab.request(NF, "GET", "/hangs").status_code == 504


def test_connections_are_bounded(lab: Any, server: SbiServer) -> None:
    lab.box.current = dataclasses.replace(
        lab.box.current, sbi=dataclasses.replace(lab.box.current.sbi, max_connections=0)
    )
    with pytest.raises(httpx.TransportError):
        lab.request(NF, "GET", "/")


def test_buffered_octets_are_bounded(lab: Any, server: SbiServer) -> None:
    assert server.reserve(100_000_000)
    assert not server.reserve(100_000_000)
    server.release(100_000_000)
    assert server.reserve(100_000_000)


def test_a_port_in_use_is_an_os_error(lab: Any, server: SbiServer) -> None:
    second = SbiServer(NF, lab.pki, lab.box, handler)
    with pytest.raises(OSError, match="in use"):
        lab.run(second.start(NF.address(lab.prefix), server.port))
    lab.run(second.stop())
