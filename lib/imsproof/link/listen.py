"""A TCP port of the tester that the lab must not be led to: whoever connects is written down and sent away."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from imsproof.link.udp import source_toward, two
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session

FIRST_BYTES = 4096
MAX_ARRIVALS = 16


class TrapListener:
    """Listens until the session ends; each arrival is a ``received`` event of its conversation.

    Attributes:
        exchange: the conversation that arrivals belong to.
        address: where it listens.
    """

    def __init__(self, session: Session, actor: str, exchange: str, address: Address) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.address = address
        self._arrivals = 0
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(cls, session: Session, actor: str, exchange: str, toward: Address) -> TrapListener:
        """Listen at the local address from which ``toward`` is reached, at a port of the system's choice.

        Raises:
            HarnessError: no port can be had.
        """
        host = session.source or source_toward(toward)
        trap = cls(session, actor, exchange, (host, 0))
        try:
            trap._server = await asyncio.start_server(trap._take, host, 0, backlog=MAX_ARRIVALS)
        except OSError as error:
            raise HarnessError(f"no TCP port can be opened at {host}: {error}") from error
        trap.address = two(trap._server.sockets[0].getsockname())
        session.own(trap)
        session.emit(
            Kind.NOTE,
            actor,
            exchange,
            transport="tcp",
            local=trap.address,
            facts={"text": f"listening at {trap.address[0]} port {trap.address[1]}", "listening": True},
        )
        return trap

    async def wait(self, seconds: float) -> bool:
        """Wait for an arrival and tell whether there was one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        return self._arrived.is_set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._arrivals += 1
        remote, local = two(writer.get_extra_info("peername")), two(writer.get_extra_info("sockname"))
        data = b""
        flow = self.session.open_flow("tcp", local, remote)
        self.session.tap("tcp", remote, local, b"", "open")
        if self._arrivals <= MAX_ARRIVALS:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(self.session.timers.silence):
                    data = await reader.read(FIRST_BYTES)
        if data:
            self.session.tap("tcp", remote, local, data)
        self.session.emit(
            Kind.RECEIVED, self.actor, self.exchange, transport="tcp", local=local, remote=remote, data=data
        )
        self._arrived.set()
        writer.close()
        self.session.tap("tcp", local, remote, b"", "close")
        self.session.close_flow(flow)

    async def aclose(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.session.disown(self)
