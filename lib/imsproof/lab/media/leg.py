"""The leg between MF and DC AS (MDC2), with a tap in it: what crosses is recorded as a capture."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from imsproof.codec import pcap

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.lab.media.dcas import DcApplicationServer
    from imsproof.lab.policy import PolicyBox

MAX_CAPTURE = 4 << 20
"""Octets after which the capture begins anew."""
_HANDSHAKE = b"\x16"
_PIECE = 65_536

Address = tuple[str, int]


class TappedLeg:
    """Takes the MF's connections, records them, and hands them on to the DC AS.

    Args:
        where: address and port at which the MF finds the DC AS.
        policy: the lab's policy.
        protected: the DC AS with TLS.
        plain: the DC AS without, which only a planted fault sends the MF to.
        capture: the file that grows.
    """

    def __init__(
        self,
        where: Address,
        policy: PolicyBox,
        *,
        protected: DcApplicationServer,
        plain: DcApplicationServer,
        capture: Path,
    ) -> None:
        self._where = where
        self._policy = policy
        self._protected, self._plain = protected, plain
        self._capture = capture
        self._server: asyncio.Server | None = None

    def url(self, subscriber: str) -> str:
        """Return the replacement URL for the root of this subscriber's bootstrap channel."""
        scheme = "https" if self._policy.current.media.mdc_protected else "http"
        return f"{scheme}://{self._where[0]}:{self._where[1]}/apps/{quote(subscriber, safe='')}/"

    async def start(self) -> None:
        """Begin the capture and listen."""
        self.reset()
        for node in (self._protected, self._plain):
            await node.start()
        self._server = await asyncio.start_server(self._connected, *self._where)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        for node in (self._plain, self._protected):
            await node.stop()

    def reset(self) -> None:
        """Begin the capture anew."""
        self._capture.write_bytes(pcap.header())

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer: Address = writer.get_extra_info("peername")[:2]
        with contextlib.ExitStack() as open_ends, contextlib.suppress(OSError):
            open_ends.callback(writer.close)
            first = await reader.read(_PIECE)
            inner = self._protected if first.startswith(_HANDSHAKE) else self._plain
            back, out = await asyncio.open_connection(inner.address, inner.port)
            open_ends.callback(out.close)
            self._record(peer, self._where, 0, first)
            out.write(first)
            await asyncio.gather(
                self._pump(reader, out, (peer, self._where), len(first)),
                self._pump(back, writer, (self._where, peer), 0),
            )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: tuple[Address, Address], crossed: int
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                self._record(*way, crossed, data)
                crossed += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def _record(self, source: Address, target: Address, crossed: int, data: bytes) -> None:
        if self._capture.stat().st_size > MAX_CAPTURE:
            self.reset()
        step = 16_384
        with self._capture.open("ab") as file:
            for at in range(0, len(data), step):
                segment = pcap.tcp_segment(source, target, crossed + at, data[at : at + step])
                file.write(pcap.packet(time.time(), segment))
