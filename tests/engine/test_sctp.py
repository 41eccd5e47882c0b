"""SCTP associations with data channels, over memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import dcep, sctp
from imsproof.codec import sctp as codec
from imsproof.engine.sctp import Channel, ChannelClosedError, SctpEngine, digestible

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@asynccontextmanager
async def association() -> AsyncIterator[tuple[SctpEngine, SctpEngine]]:
    """Two engines that hear each other, connected."""
    ends: list[SctpEngine] = []
    ends.append(client := SctpEngine(lambda data: ends[1].receive(data), is_client=True))  # noqa: PLW0108 - not there yet
    ends.append(server := SctpEngine(client.receive, is_client=False))
    await client.start()
    await server.start()
    await client.connected(5)
    await server.connected(5)
    try:
        yield client, server
    finally:
        await client.close()
        await server.close()


def run(test: Callable[[SctpEngine, SctpEngine], Awaitable[None]]) -> None:
    async def inner() -> None:
        async with association() as ends:
            await test(*ends)

    asyncio.run(inner())


def test_a_negotiated_channel_carries_messages_both_ways() -> None:
    async def test(client: SctpEngine, server: SctpEngine) -> None:
        ours = client.open_channel(0, "bootstrap", "http", negotiated=True)
        theirs = server.open_channel(0, "bootstrap", "http", negotiated=True)
        ours.send("text")
        assert await theirs.recv(5) == "text"
        theirs.send(b"\x00" * 50_000)
        assert await ours.recv(5) == b"\x00" * 50_000

    run(test)


def test_a_dcep_channel_is_announced_with_its_label_and_the_clients_parity() -> None:
    async def test(client: SctpEngine, server: SctpEngine) -> None:
        announced: asyncio.Queue[Channel] = asyncio.Queue()
        server.on_channel = announced.put_nowait
        ours = client.open_channel(None, "app", "t140")
        await ours.opened(5)
        theirs = await asyncio.wait_for(announced.get(), 5)
        assert (theirs.label, theirs.protocol, theirs.negotiated) == ("app", "t140", False)
        assert theirs.stream == ours.stream
        assert (ours.stream or 0) % 2 == 0

    run(test)


def test_every_message_is_observed_with_stream_and_ppid() -> None:
    async def test(client: SctpEngine, server: SctpEngine) -> None:
        seen: asyncio.Queue[tuple[int, int, bytes]] = asyncio.Queue()
        sent: list[tuple[int, int, bytes]] = []
        server.observe(received=seen.put_nowait, sent=lambda _: None)
        client.observe(received=lambda _: None, sent=sent.append)
        await client.send_message(4242, 99, b"unasked")
        assert await asyncio.wait_for(seen.get(), 5) == (4242, 99, b"unasked")
        assert sent == [(4242, 99, b"unasked")]

    run(test)


def test_hostile_packets_and_dcep_are_dropped_and_the_association_lives() -> None:
    async def test(client: SctpEngine, server: SctpEngine) -> None:
        channel = client.open_channel(0, negotiated=True)
        theirs = server.open_channel(0, negotiated=True)
        for packet in (
            b"",
            bytes(12),
            b"\xff" * 100,
            sctp.Packet(5000, 5000, 1, (sctp.Chunk(sctp.ABORT),)).to_bytes(),
            sctp.Packet(5000, 5000, 0, (sctp.init_chunk(1, 1), sctp.init_chunk(1, 1))).to_bytes(),
            sctp.Packet(5000, 5000, 0, (sctp.Chunk(sctp.DATA, length=0),)).to_bytes(),
        ):
            server.receive(packet)
        await client.send_message(0, dcep.PPID_DCEP, dcep.Open(b"again").to_bytes())
        await client.send_message(7, dcep.PPID_DCEP, dcep.Open(b"\xff\xfe").to_bytes())
        await client.send_message(9, dcep.PPID_DCEP, dcep.Ack().to_bytes())
        channel.send(b"alive")
        assert await theirs.recv(5) == b"alive"
        assert server.state == "connected"
        assert server.rejected > 0

    run(test)


def test_an_abort_closes_the_channels_of_the_peer() -> None:
    async def test(client: SctpEngine, server: SctpEngine) -> None:
        theirs = server.open_channel(0, negotiated=True)
        await client.close()
        await asyncio.wait_for(server.ended(), 5)
        with pytest.raises(ChannelClosedError):
            await theirs.recv(5)
        with pytest.raises(ChannelClosedError):
            theirs.send(b"late")

    run(test)


def test_a_message_beyond_the_peers_limit_is_refused_by_name() -> None:
    async def test(client: SctpEngine, server: SctpEngine) -> None:
        channel = client.open_channel(0, negotiated=True)
        with pytest.raises(ChannelClosedError, match="only supports messages up to 65536"):
            channel.send(bytes(70_000))

    run(test)


def test_nobody_at_the_other_end_is_a_timeout() -> None:
    async def inner() -> None:
        engine = SctpEngine(lambda _: None, is_client=True)
        await engine.start()
        with pytest.raises(TimeoutError):
            await engine.connected(0.01)
        await engine.close()
        with pytest.raises(ChannelClosedError):
            await engine.connected(1)

    asyncio.run(inner())


@pytest.mark.parametrize("kind", [codec.INIT, codec.HEARTBEAT, codec.ABORT, codec.ERROR, codec.RE_CONFIG])
@pytest.mark.parametrize("length", [0, 3])
def test_a_parameter_that_declares_less_than_its_header_is_not_digestible(kind: int, length: int) -> None:
    fixed = bytes(16) if kind == codec.INIT else b""
    chunk = codec.Chunk(kind, fixed + b"\0\1" + length.to_bytes(2, "big") + bytes(8))
    assert not digestible(codec.Packet(1, 2, 3, (chunk,)).to_bytes())
    behind = codec.Packet(1, 2, 3, (codec.Data(1, 0, 0, 51, b"x").chunk(), chunk)).to_bytes()
    assert not digestible(behind)


def test_packets_that_are_right_are_digestible() -> None:
    chunks = (codec.init_chunk(1, 2, params=b"\0\1\0\4"), codec.Data(1, 0, 0, 51, b"x").chunk())
    assert digestible(codec.Packet(1, 2, 3, chunks).to_bytes())


@given(st.binary(max_size=200))
def test_whatever_bytes_come_digestible_ends(data: bytes) -> None:
    digestible(data)
