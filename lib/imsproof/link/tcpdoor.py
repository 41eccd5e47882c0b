"""Connections that the lab opens to the tester: where a Contact names an address, a node need not use the UE's own.

RFC 3261 section 18.1.1 lets whoever has a request open a connection to where it is to go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.link.tcp import TcpStream, bound_socket
from imsproof.link.udp import two
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.link.session import Session
    from imsproof.seams import Address

MAX_TAKEN = 16
"""Connections that are taken at one door, at most."""


class TcpDoor:
    """Takes connections at one address until it is closed; they outlive it."""

    def __init__(self, take: Callable[[TcpStream], None]) -> None:
        """Use :meth:`open`."""
        self._take = take
        self._taken = 0
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls, session: Session, actor: str, exchange: str, address: Address, take: Callable[[TcpStream], None]
    ) -> TcpDoor:
        """Listen at an address, also at one from which a connection of the tester begins.

        Args:
            session: the purpose's session.
            actor: whose address it is.
            exchange: the conversation that the connections' events belong to.
            address: where.
            take: called with each connection, which is quiet (a protocol above writes its events).

        Raises:
            HarnessError: the address cannot be had.
        """
        door = cls(take)
        raw = bound_socket(address)
        door._server = await asyncio.get_running_loop().create_server(
            lambda: _Taken(session, actor, exchange, door), sock=raw, backlog=MAX_TAKEN
        )
        return door

    def enter(self, stream: TcpStream) -> bool:
        """Hand a connection on and tell whether it is still taken."""
        self._taken += 1
        if self._taken <= MAX_TAKEN:
            self._take(stream)
        return self._taken <= MAX_TAKEN

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None


class _Taken(TcpStream):
    """A connection that the lab opened."""

    def __init__(self, session: Session, actor: str, exchange: str, door: TcpDoor) -> None:
        super().__init__(session, actor, exchange, ("", 0), quiet=True)
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin as the lab's: flow, tap and event."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.remote = two(transport.get_extra_info("peername"))
        self._prepare(two(transport.get_extra_info("sockname")))
        self.session.own(self)
        self.session.tap("tcp", self.remote, self.local, b"", "open")
        self._emit(Kind.OPENED, b"", {"reason": "TCP connection taken"})
        if not self._door.enter(self):
            self._closed_by_tester = True
            transport.abort()
