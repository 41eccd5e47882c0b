"""A media peer that sends back each RTP packet: what stands behind the far UE's audio."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

from imsproof.codec.rtp import Packets, RtpPacket, RtpSyntaxError, classify

_OWN_SOURCE = 0x5EED


class RtpEcho(asyncio.DatagramProtocol):
    """Answers each RTP packet with the same payload, number and time, from its own source identifier (SSRC)."""

    def __init__(self) -> None:
        self.received = 0
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, address: str) -> RtpEcho:
        """Take a free port at ``address`` (``OSError`` when there is none)."""
        loop = asyncio.get_running_loop()
        _, echo = await loop.create_datagram_endpoint(cls, local_addr=(address, 0))
        return echo

    @property
    def port(self) -> int:
        """The UDP port."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket (asyncio calls this)."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Send RTP back; anything else is dropped."""
        if classify(data) is not Packets.RTP or self._transport is None:
            return
        try:
            packet = RtpPacket.parse(data)
        except RtpSyntaxError:
            return
        self.received += 1
        self._transport.sendto(replace(packet, ssrc=_OWN_SOURCE).to_bytes(), addr)

    def close(self) -> None:
        """Give the port back."""
        if self._transport is not None:
            self._transport.close()
