"""One TCP connection of the lab's MSRP endpoint: TLS if it should be, then messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from imsproof.codec.msrp import MsrpMessage, MsrpReader, MsrpSyntaxError
from imsproof.lab.media.msrp.tlspipe import TlsEndedError, TlsPipe

if TYPE_CHECKING:
    from imsproof.lab.media.msrp.policy import MsrpPolicy

MAX_HEAD = 16 * 1024
MAX_BYTES = 512 * 1024
MSRP_START = b"MSRP "


class Owner(Protocol):
    """Whose connections they are."""

    @property
    def policy(self) -> MsrpPolicy:
        """What holds at the moment."""

    def pipe(self, *, server: bool) -> TlsPipe:
        """A new end of a TLS connection."""

    def secured(self, connection: MsrpConnection) -> None:
        """A handshake was completed."""

    def received(self, connection: MsrpConnection, message: MsrpMessage) -> None:
        """A message came."""

    def overrun(self, connection: MsrpConnection, reason: str) -> None:
        """What came cannot be read."""

    def lost(self, connection: MsrpConnection) -> None:
        """The connection is over."""


class MsrpConnection(asyncio.Protocol):
    """A connection.

    Attributes:
        peer_der: the peer's certificate; ``None`` without one, or without TLS.
        protected: whether it is TLS; ``None`` until the first byte came.
        responses: how many responses came that nobody waited for.
    """

    def __init__(self, owner: Owner, *, server: bool = True) -> None:
        self._owner = owner
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._pipe: TlsPipe | None = None
        self._reader = MsrpReader(limit=MAX_BYTES, head_limit=MAX_HEAD, any_end=not owner.policy.end_line_checked)
        self.peer_der: bytes | None = None
        self.protected: bool | None = None
        self.responses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; a client speaks first."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._server:
            self._secure(b"")

    def connection_lost(self, _exc: Exception | None) -> None:
        """End."""
        self._transport = None
        self._owner.lost(self)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self.protected is None and self._owner.policy.plain_accepted and data.startswith(MSRP_START[: len(data)]):
            self.protected = False
        if self.protected is False:
            self._read(data)
        else:
            self._secure(data)

    def _secure(self, data: bytes) -> None:
        self.protected = True
        if self._pipe is None:
            self._pipe = self._owner.pipe(server=self._server)
        before = self._pipe.established
        try:
            plain = self._pipe.feed(data)
        except TlsEndedError:
            self.close()
            return
        self._flush()
        if self._pipe.established and not before:
            self.peer_der = self._pipe.peer_der
            self._owner.secured(self)
        if plain:
            self._read(plain)

    def _read(self, plain: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        try:
            messages = self._reader.feed(plain)
        except MsrpSyntaxError as error:
            self._owner.overrun(self, str(error))
            self.close()
            return
        for message in messages:
            self._owner.received(self, message)
        if self._reader.broken:
            self._owner.overrun(self, self._reader.broken)
            self.close()

    def send(self, message: MsrpMessage) -> None:
        """Send a message, unless the connection is over."""
        if self._transport is None or self._transport.is_closing():
            return
        data = message.to_bytes()
        if self._pipe is not None:
            self._pipe.write(data)
            self._flush()
        else:
            self._transport.write(data)

    def close(self) -> None:
        """End the connection in order."""
        if self._transport is not None and not self._transport.is_closing():
            if self._pipe is not None:
                self._pipe.close()
                self._flush()
            self._transport.close()

    def _flush(self) -> None:
        if self._pipe is not None and self._transport is not None and (data := self._pipe.outgoing()):
            self._transport.write(data)
