"""Streams within bounds: half messages, silence, and more connections than there is room for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from imsproof.lab.sip import transport

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from imsproof.lab.sip.transport import Flow

MESSAGE = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"
HOST = "127.0.0.1"


async def with_port(work: object, port: int) -> None:
    async def run() -> None:
        closed: list[Flow] = []
        listener = transport.StreamPort("tcp", lambda data, flow: flow.send(data), closed.append)
        await listener.open((HOST, port))
        try:
            await work()  # type: ignore[operator]
        finally:
            await listener.close()

    await asyncio.wait_for(run(), 10)


def drive(work: object, unused_tcp_port: int) -> None:
    run: Coroutine[None, None, None] = with_port(work, unused_tcp_port)
    asyncio.run(run)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def test_messages_are_served_however_they_are_split(port: int) -> None:
    async def work() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(MESSAGE[:7])
        await writer.drain()
        writer.write(MESSAGE[7:] + MESSAGE)
        assert await reader.readexactly(2 * len(MESSAGE)) == 2 * MESSAGE
        writer.close()

    drive(work, port)


@pytest.mark.parametrize("data", [MESSAGE[:20], b"A" * 70000, b"X\r\nContent-Length: 99999999\r\n\r\n"])
def test_half_and_endless_messages_end_their_connection_only(
    port: int, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MESSAGE_SECONDS", 0.1)

    async def work() -> None:
        good_reader, good = await asyncio.open_connection(HOST, port)
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(data)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        good.write(MESSAGE)
        assert await good_reader.readexactly(len(MESSAGE)) == MESSAGE
        writer.close()
        good.close()

    drive(work, port)


def test_connections_beyond_the_bound_are_dropped(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_CONNECTIONS", 1)

    async def work() -> None:
        first_reader, first = await asyncio.open_connection(HOST, port)
        first.write(MESSAGE)
        await first_reader.readexactly(len(MESSAGE))
        reader, second = await asyncio.open_connection(HOST, port)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        first.close()
        second.close()

    drive(work, port)


def test_flows_are_told_apart_by_peer_and_connection() -> None:
    one = transport.Flow("tcp", (HOST, 1), 1, send=lambda _: None)
    assert one == transport.Flow("tcp", (HOST, 1), 1)
    assert one != transport.Flow("tcp", (HOST, 1), 2)
