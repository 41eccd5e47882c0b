"""Sockets of the lab's SIP nodes: UDP, TCP and TLS. Whatever arrives, they go on serving within fixed bounds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec.sip import SipSyntaxError, StreamFramer
from imsproof.lab.sip.robustness import MAX_BLOCKED, RobustPolicy, block

if TYPE_CHECKING:
    import ssl

Address = tuple[str, int]
Receive = Callable[[bytes, "Flow"], None]

MAX_MESSAGE = 65535
MAX_CONNECTIONS = 256
MESSAGE_SECONDS = 10.0
"""How long one message may take to arrive over a stream, once begun."""
IDLE_SECONDS = 600.0
MAX_UNSENT = 1 << 20
RECEIVE_BUFFER = 4 << 20

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Flow:
    """How one peer is reached: a UDP address pair or a connection (RFC 5626 calls it a flow).

    Attributes:
        transport: ``udp``, ``tcp`` or ``tls``.
        peer: the peer's address.
        number: tells connections apart; 0 for UDP.
        send: sends one message.
        close: closes the connection; does nothing for UDP.
    """

    transport: str
    peer: Address
    number: int = 0
    send: Callable[[bytes], None] = field(compare=False, repr=False, default=lambda _: None)
    close: Callable[[], None] = field(compare=False, repr=False, default=lambda: None)


class UdpPort(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, address: Address, receive: Receive) -> UdpPort:
        """Bind the socket (``OSError`` when the address cannot be had)."""
        loop = asyncio.get_running_loop()
        transport, port = await loop.create_datagram_endpoint(lambda: cls(receive), local_addr=address)
        raw = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        port._transport = transport  # noqa: SLF001 - its own class
        return port

    def flow(self, peer: Address) -> Flow:
        """Return the flow from this socket to a peer."""
        return Flow("udp", peer, send=lambda data: self._send(data, peer))

    def _send(self, data: bytes, peer: Address) -> None:
        if self._transport is not None and not self._transport.is_closing() and len(data) <= MAX_MESSAGE:
            self._transport.sendto(data, peer)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand a datagram on."""
        self._receive(data, self.flow((addr[0], addr[1])))

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.abort()


class CredulousFramer(StreamFramer):
    """Believes the first Content-Length that reads as a number, and takes none for zero."""

    @staticmethod
    def _content_length(head: bytes) -> int:
        found = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,5})\b", head)
        return int(found[1]) if found else 0


class StreamPort:
    """A TCP or TLS listener and its connections."""

    def __init__(
        self,
        transport: str,
        receive: Receive,
        closed: Callable[[Flow], None],
        policy: Callable[[], RobustPolicy] = RobustPolicy,
    ) -> None:
        self._transport = transport
        self._receive = receive
        self._closed = closed
        self._policy = policy
        self._sources: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._listener: socket.socket | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, address: Address, context: Callable[[], ssl.SSLContext] | None = None) -> None:
        """Listen (``OSError`` when the address cannot be had); ``context`` is asked anew for each TLS connection."""
        if context is None:
            self._server = await asyncio.start_server(self._connected, *address, limit=MAX_MESSAGE)
            return
        self._listener = socket.create_server(address, backlog=128)
        self._listener.setblocking(False)
        self._spawn(self._accept(self._listener, context))

    async def _accept(self, listener: socket.socket, context: Callable[[], ssl.SSLContext]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                raw, _ = await loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(MESSAGE_SECONDS / 100)  # out of files for a moment
                continue
            self._spawn(self._handshake(raw, context()))

    async def _handshake(self, raw: socket.socket, context: ssl.SSLContext) -> None:
        reader = asyncio.StreamReader(limit=MAX_MESSAGE)
        protocol = asyncio.StreamReaderProtocol(reader, self._connected)
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: protocol, raw, ssl=context, ssl_handshake_timeout=MESSAGE_SECONDS
            )
        except (OSError, TimeoutError):
            raw.close()
            for task in list(self._tasks) if self._policy().errors_spill else ():
                task.cancel()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = writer.get_extra_info("peername")[:2]
        if task is None or len(self._tasks) >= MAX_CONNECTIONS or self._too_many(peer[0]):
            writer.transport.abort()
            return
        self._tasks.add(task)
        self._sources[peer[0]] += 1
        flow = Flow(self._transport, peer, next(_numbers), lambda data: _write(writer, data), writer.close)
        try:
            await self._serve(reader, flow)
        except (OSError, SipSyntaxError, TimeoutError, asyncio.CancelledError):
            pass  # the peer's fault or our end: the connection goes, the node stays
        finally:
            self._tasks.discard(task)
            self._sources[peer[0]] -= 1
            self._closed(flow)
            writer.transport.abort()

    def _too_many(self, source: str) -> bool:
        limit = self._policy().connections_per_source
        return 0 < limit <= self._sources[source]

    async def _serve(self, reader: asyncio.StreamReader, flow: Flow) -> None:
        framing = self._policy().framing
        framer = CredulousFramer(MAX_MESSAGE) if framing == "first-length" else StreamFramer(MAX_MESSAGE)
        loop = asyncio.get_running_loop()
        deadline = 0.0
        while True:
            wait = deadline - loop.time() if framer.pending else IDLE_SECONDS
            async with asyncio.timeout(max(wait, 0)):
                data = await reader.read(MAX_MESSAGE)
            if not data:
                return
            if not framer.pending:
                deadline = loop.time() + MESSAGE_SECONDS
            pings = framer.pings
            messages = framer.feed(data)
            for message in messages[:1] if framing == "one-a-read" else messages:
                deadline = loop.time() + MESSAGE_SECONDS
                self._receive(message, flow)
            if framing == "waits" and framer.pending:
                block(MAX_BLOCKED)
            if framer.pings > pings:
                flow.send(b"\r\n")

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        if self._listener is not None:
            self._listener.close()
        tasks = [*self._background, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    transport = writer.transport
    if transport.is_closing():
        return
    if transport.get_write_buffer_size() > MAX_UNSENT:
        transport.abort()  # a peer that does not read must not fill our memory
        return
    writer.write(data)
