"""A TCP connection of the tester: every piece passes the guard, the tap and (unless quiet) the journal."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Any

from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.udp import family_of, source_toward, two
from imsproof.seams import Address, HarnessError, ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

PIECE = 32 * 1024
"""Bytes handed to the system at once, so that the rate cap and the stop switch work within a long message."""
MAX_WAITING = 1024 * 1024
"""Unread bytes beyond which reading pauses: an endless body costs no more memory than this."""


class TcpStream(asyncio.Protocol):
    """One TCP connection.

    Attributes:
        session, actor, exchange: whose it is, and the conversation that events belong to.
        local, remote: its two ends.
        ended: why nothing more comes (``""`` while it may): closed, reset or an error, in words.
        quiet: whether a protocol above writes the sent/received events.
    """

    def __init__(self, session: Session, actor: str, exchange: str, remote: Address, *, quiet: bool) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.remote = remote
        self.local: Address = ("", 0)
        self.quiet = quiet
        self.ended = ""
        self._transport: asyncio.Transport | None = None
        self._raw: socket.socket | None = None
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._lock = asyncio.Lock()
        self._flow: int | None = None
        self._closed_by_tester = False

    @classmethod
    async def open(
        cls,
        session: Session,
        actor: str,
        exchange: str,
        remote: Address,
        *,
        local: Address | None = None,
        within: float | None = None,
        quiet: bool = False,
    ) -> TcpStream:
        """Connect.

        Args:
            session: the purpose's session.
            actor: whose connection it is.
            exchange: the conversation that its events belong to.
            remote: where to.
            local: address to bind to; port 0 for any.
            within: seconds; the profile's ``timers.connect`` by default.
            quiet: write no sent/received events (a protocol above does).

        Raises:
            ConnectionFailedError: refused, unreachable or no answer in time; the journal says which.
            OutOfScopeError, StoppedError: the guard says no.
            HarnessError: the local address cannot be had.
        """
        await session.admit(actor, exchange, remote, 0)
        stream = cls(session, actor, exchange, remote, quiet=quiet)
        raw = bound_socket(local or (session.source or source_toward(remote), 0))
        stream._prepare(two(raw.getsockname()))
        seconds = session.timers.connect if within is None else within
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                await loop.sock_connect(raw, remote)
        except TimeoutError as error:
            raw.close()
            reason = f"no TCP connection to {remote[0]} port {remote[1]} within {seconds:.1f} s"
            stream._give_up(Kind.TIMEOUT, reason)
            raise ConnectionFailedError(reason) from error
        except OSError as error:
            raw.close()
            reason = f"TCP connection to {remote[0]} port {remote[1]} refused: {error.strerror or error}"
            stream._give_up(Kind.REFUSED, reason)
            raise ConnectionFailedError(reason) from error
        except BaseException:
            raw.close()
            stream._close_flow()
            raise
        stream._raw = raw
        await loop.create_connection(lambda: stream, sock=raw)
        return stream

    def _prepare(self, local: Address) -> None:
        """Note the socket before it connects, so that a refused attempt has its flow too."""
        self.local = local
        self._flow = self.session.open_flow("tcp", self.local, self.remote)

    def _give_up(self, kind: Kind, reason: str) -> None:
        self.ended = reason
        self._emit(kind, b"", {"reason": reason})
        self._close_flow()

    def _close_flow(self) -> None:
        if self._flow is not None:
            self.session.close_flow(self._flow)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: flow, tap and event."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.session.own(self)
        self.session.tap("tcp", self.local, self.remote, b"", "open")
        self._emit(Kind.OPENED, b"", {"reason": "TCP connection opened"})

    def _emit(self, kind: Kind, data: bytes, facts: Mapping[str, Any]) -> None:
        self.session.emit(
            kind,
            self.actor,
            self.exchange,
            transport="tcp",
            local=self.local,
            remote=self.remote,
            data=data,
            facts=facts,
        )

    async def send(self, data: bytes, *, facts: Mapping[str, Any] | None = None) -> None:
        """Send bytes in order, in pieces that the guard lets through one by one.

        Raises:
            ConnectionFailedError: the connection is gone.
            OutOfScopeError, StoppedError: the guard says no.
        """
        async with self._lock:
            if not self.quiet:
                self._emit(Kind.SENT, data, facts or {})
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE]
                await self.session.admit(self.actor, self.exchange, self.remote, len(piece))
                await self._wait_writable()
                if self._transport is None or self._transport.is_closing() or self.ended:
                    raise ConnectionFailedError(self.ended or "the TCP connection is closed")
                self.session.tap("tcp", self.local, self.remote, piece)
                self._transport.write(piece)

    async def _wait_writable(self) -> None:
        if self._writable.is_set():
            return
        try:
            async with asyncio.timeout(self.session.timers.answer):
                await self._writable.wait()
        except TimeoutError as error:
            raise ConnectionFailedError("the lab does not take what is sent: its TCP window stays shut") from error

    async def receive(self, within: float, limit: int = 65536) -> bytes | None:
        """Return what has come, at most ``limit`` bytes; ``b""`` at the end; ``None`` when nothing came in time."""
        if not self._buffer and not self.ended:
            self._changed.clear()
            try:
                async with asyncio.timeout(within):
                    await self._changed.wait()
            except TimeoutError:
                return None
        data = bytes(self._buffer[:limit])
        del self._buffer[:limit]
        if self._transport and not self._transport.is_closing() and len(self._buffer) < MAX_WAITING:
            self._transport.resume_reading()
        return data

    def data_received(self, data: bytes) -> None:
        """Take bytes in: tap, journal, buffer."""
        self.session.tap("tcp", self.remote, self.local, data)
        if not self.quiet:
            self._emit(Kind.RECEIVED, data, {})
        self._buffer += data
        if len(self._buffer) >= MAX_WAITING and self._transport:
            self._transport.pause_reading()
        self._changed.set()

    def pause_writing(self) -> None:
        """Hold senders back: the system's buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._writable.set()

    def eof_received(self) -> bool:
        """Note the lab's FIN; asyncio closes our side."""
        self._end("closed by the lab", "close", by="lab")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, however it came."""
        if exc is not None:
            self._read_last_words()
        if isinstance(exc, ConnectionResetError):
            self._end("reset by the lab", "reset", by="lab")
        elif isinstance(exc, BrokenPipeError):
            self._end("closed by the lab while the tester was sending", "reset", by="lab")
        elif exc is not None:
            self._end(f"lost: {exc}", "reset", by="lab")
        else:
            self._end("closed", "close", by="tester" if self._closed_by_tester else "lab")
        self._transport = None
        self._writable.set()
        self.session.disown(self)

    def _read_last_words(self) -> None:
        """Take what the lab sent before it broke off (an alert, a GOAWAY): a failed write hides it from asyncio."""
        with contextlib.suppress(OSError):
            while self._raw is not None and len(self._buffer) < MAX_WAITING and (data := self._raw.recv(65536)):
                self.data_received(data)

    def _end(self, reason: str, flag: str, *, by: str) -> None:
        if self.ended:
            return
        self.ended = reason
        source, target = (self.local, self.remote) if by == "tester" else (self.remote, self.local)
        self.session.tap("tcp", source, target, b"", flag)
        self._emit(Kind.CLOSED, b"", {"reason": reason, "by": by})
        self._close_flow()
        self._changed.set()

    async def aclose(self, last: bytes = b"") -> None:
        """Say the ``last`` words and close in order (FIN)."""
        if last and not self.ended:
            with contextlib.suppress(ImsproofError):
                await self.send(last)
        if self._transport is not None:
            self._closed_by_tester = True
            self._end("closed by the tester", "close", by="tester")
            self._transport.abort() if self._transport.get_write_buffer_size() else self._transport.close()
        self.session.disown(self)

    async def reset(self) -> None:
        """Break the connection off with a RST."""
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._closed_by_tester = True
            self._end("reset by the tester", "reset", by="tester")
            self._transport.abort()


def bound_socket(bind: Address) -> socket.socket:
    """Make a TCP socket at a local address, of which another one may be in use (``HarnessError``: it cannot be had)."""
    raw = socket.socket(family_of(bind[0]), socket.SOCK_STREAM)
    raw.setblocking(False)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        raw.bind(bind)
    except OSError as error:
        raw.close()
        raise HarnessError(f"a TCP socket at {bind[0]} port {bind[1]} cannot be opened: {error}") from error
    return raw
