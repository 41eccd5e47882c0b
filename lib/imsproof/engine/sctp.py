"""An SCTP association with data channels over any datagram carrier, on aiortc's transport without ICE or its DTLS.

RFC 8831 (data channels), RFC 8832 (DCEP), RFC 8841 (both ends start the association). Hostile packets never raise:
what aiortc cannot digest is counted in :attr:`SctpEngine.rejected` and dropped.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from imsproof.codec import sctp as codec

Send = Callable[[bytes], Awaitable[None] | None]
Message = tuple[int, int, bytes]
"""Stream, payload protocol identifier, contents."""

MAX_MESSAGE_SIZE = 262_144
"""Largest message in bytes that is taken from the peer (what the SDP should announce)."""
_MAX_BACKLOG = 4096
_COMMON_HEADER, _HEADER = 12, 4
_PARAMETERS_AT = {
    codec.INIT: 20,
    codec.INIT_ACK: 20,
    codec.HEARTBEAT: 4,
    codec.HEARTBEAT_ACK: 4,
    codec.ABORT: 4,
    codec.ERROR: 4,
    codec.RE_CONFIG: 4,
}
"""Chunk types with parameters (RFC 9260 section 3.2.1), and where in the chunk these begin."""


class ChannelClosedError(Exception):
    """The data channel is closed, or its association is gone."""


class Channel:
    """One data channel; ``negotiated`` ones need no DCEP (RFC 8864)."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        self._inbox: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._opened = asyncio.Event()
        self.closed = False
        channel.on("message", self._inbox.put_nowait)
        channel.on("open", self._opened.set)
        channel.on("close", self._on_close)
        if channel.readyState == "open":
            self._opened.set()

    def _on_close(self) -> None:
        self.closed = True
        self._opened.set()
        self._inbox.put_nowait(None)

    @property
    def stream(self) -> int | None:
        """The stream identifier; ``None`` until a DCEP channel has been given one."""
        return self._channel.id

    @property
    def label(self) -> str:
        """The label of the OPEN, or what was given for a negotiated channel."""
        return self._channel.label

    @property
    def protocol(self) -> str:
        """The subprotocol, e.g. ``http``."""
        return self._channel.protocol

    @property
    def negotiated(self) -> bool:
        """Whether the channel was agreed in SDP."""
        return self._channel.negotiated

    async def opened(self, seconds: float) -> None:
        """Wait until data may be sent (``TimeoutError``, or ``ChannelClosedError``)."""
        async with asyncio.timeout(seconds):
            await self._opened.wait()
        if self.closed:
            raise ChannelClosedError(f"data channel {self.stream} was closed before it opened")

    def send(self, data: bytes | str) -> None:
        """Send one message: text as PPID 51, bytes as PPID 53 (``ChannelClosedError`` unless open)."""
        if self.closed or self._channel.readyState != "open":
            raise ChannelClosedError(f"data channel {self.stream} is {self._channel.readyState}")
        try:
            self._channel.send(data)
        except ValueError as error:
            raise ChannelClosedError(str(error)) from error

    async def recv(self, seconds: float | None) -> bytes | str:
        """Return the next message; ``None`` waits for ever.

        Raises:
            TimeoutError: nothing came in time.
            ChannelClosedError: the channel is gone.
        """
        if self.closed and self._inbox.empty():
            raise ChannelClosedError(f"data channel {self.stream} is closed")
        async with asyncio.timeout(seconds):
            message = await self._inbox.get()
        if message is None:
            raise ChannelClosedError(f"data channel {self.stream} was closed")
        return message

    def close(self) -> None:
        """Close the channel: its stream is reset (RFC 8831 section 6.7)."""
        self._channel.close()


def digestible(packet: bytes) -> bool:
    """Whether no parameter in a packet declares less than its own header: aiortc would read it for ever."""
    position = _COMMON_HEADER
    while len(packet) - position >= _HEADER:
        length = int.from_bytes(packet[position + 2 : position + 4], "big")
        if length < _HEADER:
            return True  # aiortc drops the packet
        start = _PARAMETERS_AT.get(packet[position])
        if start is not None and not _whole_parameters(packet[position + start : position + length]):
            return False
        position += length + -length % 4
    return True


def _whole_parameters(value: bytes) -> bool:
    while len(value) >= _HEADER:
        length = int.from_bytes(value[2:4], "big")
        if length < _HEADER:
            return False
        value = value[length + -length % 4 :]
    return True


class _Carrier:
    """What aiortc asks of its DTLS transport."""

    def __init__(self, send: Send, *, is_client: bool) -> None:
        self.state = "connected"
        self._role = "client" if is_client else "server"
        self._send = send

    async def _send_data(self, data: bytes) -> None:
        result = self._send(data)
        if inspect.isawaitable(result):
            await result

    def _register_data_receiver(self, receiver: object) -> None:
        """Nothing to do: packets are handed over by :meth:`SctpEngine.receive`."""

    def _unregister_data_receiver(self, receiver: object) -> None:
        """Nothing to do."""


class _Transport(RTCSctpTransport):
    """aiortc's association, with its state and its messages in view."""

    def __init__(self, carrier: Any, port: int) -> None:
        self.on_state: Callable[[str], None] = lambda _: None
        self.on_message: Callable[[Message], None] = lambda _: None
        self.on_sent: Callable[[Message], None] = lambda _: None
        super().__init__(carrier, port)

    def _set_state(self, state: RTCSctpTransport.State) -> None:
        super()._set_state(state)
        self.on_state(self.state)

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        self.on_message((stream_id, pp_id, data))
        await super()._receive(stream_id, pp_id, data)

    async def _send(
        self,
        stream_id: int,
        pp_id: int,
        user_data: bytes,
        expiry: float | None = None,
        max_retransmits: int | None = None,
        ordered: bool = True,
    ) -> None:
        self.on_sent((stream_id, pp_id, user_data))
        await super()._send(stream_id, pp_id, user_data, expiry, max_retransmits, ordered)

    @property
    def window(self) -> int:
        """Bytes that may still be buffered; below zero the peer ignored what was announced."""
        return self._advertised_rwnd


class SctpEngine:
    """One SCTP association.

    Args:
        send: called with each packet; may be a coroutine function.
        is_client: whether this end is the DTLS client (it decides the parity of DCEP streams, RFC 8832 section 6).
        local_port: own SCTP port.
        remote_port: the peer's SCTP port.
        remote_max_message: the peer's ``a=max-message-size`` in bytes; 0 is any.
    """

    def __init__(
        self,
        send: Send,
        *,
        is_client: bool,
        local_port: int = 5000,
        remote_port: int = 5000,
        remote_max_message: int = 65536,
    ) -> None:
        self.is_client = is_client
        self.rejected = 0
        self.reason = ""
        self.on_channel: Callable[[Channel], None] = lambda _: None
        self._remote_port = remote_port
        self._remote_max_message = remote_max_message
        self._transport = _Transport(_Carrier(send, is_client=is_client), local_port)
        self._transport.on_state = self._on_state
        self._transport.on("datachannel", lambda channel: self.on_channel(Channel(channel)))
        self._settled = asyncio.Event()
        self._ended = asyncio.Event()
        self._packets: asyncio.Queue[bytes] = asyncio.Queue(_MAX_BACKLOG)
        self._pump: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def state(self) -> str:
        """``new``, ``connecting``, ``connected`` or ``closed``."""
        return self._transport.state

    @property
    def local_tag(self) -> int:
        """The own verification tag."""
        return self._transport._local_verification_tag  # noqa: SLF001 - aiortc shows it nowhere else

    @property
    def next_tsn(self) -> int:
        """The TSN of the next DATA chunk that is sent."""
        return self._transport._local_tsn  # noqa: SLF001 - aiortc shows it nowhere else

    def observe(self, *, received: Callable[[Message], None], sent: Callable[[Message], None]) -> None:
        """Call back for each whole message in either direction, on whatever stream, with its PPID."""
        self._transport.on_message = received
        self._transport.on_sent = sent

    async def start(self) -> None:
        """Send INIT and take packets from now on; :meth:`connected` tells when the association is up."""
        self._pump = asyncio.create_task(self._take_packets())
        await self._transport.start(RTCSctpCapabilities(maxMessageSize=self._remote_max_message), self._remote_port)

    def receive(self, packet: bytes) -> None:
        """Take one packet from the network; anything may stand in it, nothing is raised."""
        if not digestible(packet):
            self.rejected += 1
            return
        try:
            self._packets.put_nowait(packet)
        except asyncio.QueueFull:
            self.rejected += 1

    async def _take_packets(self) -> None:
        while True:
            packet = await self._packets.get()
            try:
                await self._transport._handle_data(packet)  # noqa: SLF001 - aiortc's one entry for packets
            except Exception:  # noqa: BLE001 - aiortc asserts on what a hostile peer sends
                self.rejected += 1
            if self._transport.window < 0:
                self.reason = "the peer sent more than the announced window"
                await self._transport.stop()

    async def connected(self, seconds: float) -> None:
        """Wait until the association is up (``TimeoutError``; ``ChannelClosedError`` when it was refused)."""
        async with asyncio.timeout(seconds):
            await self._settled.wait()
        if self.state != "connected":
            raise ChannelClosedError(self.reason or f"the SCTP association is {self.state}")

    async def ended(self) -> None:
        """Wait until the association is gone."""
        await self._ended.wait()

    def open_channel(
        self, stream: int | None = None, label: str = "", protocol: str = "", *, negotiated: bool = False
    ) -> Channel:
        """Open a data channel.

        Args:
            stream: the stream identifier; ``None`` lets the engine choose by parity (DCEP only).
            label: label of the channel.
            protocol: subprotocol, e.g. ``http``.
            negotiated: agreed in SDP (RFC 8864), so that no OPEN is sent.

        Raises:
            ValueError: the stream is in use or out of range.
        """
        parameters = RTCDataChannelParameters(label=label, protocol=protocol, negotiated=negotiated, id=stream)
        return Channel(RTCDataChannel(self._transport, parameters))

    async def send_message(self, stream: int, ppid: int, data: bytes) -> None:
        """Send a message as it is, on any stream and with any PPID: for what a channel would not send."""
        await self._transport._send(stream, ppid, data)  # noqa: SLF001 - the layer below data channels

    async def close(self) -> None:
        """Abort the association and stop; may be called more than once."""
        if self._closing:
            return
        self._closing = True
        await self._transport.stop()
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
            await asyncio.wait([self._pump])

    def _on_state(self, state: str) -> None:
        if state in ("connected", "closed"):
            self._settled.set()
        if state == "closed":
            self._ended.set()
