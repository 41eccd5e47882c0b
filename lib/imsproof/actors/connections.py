"""Many idle TCP connections of one address: how much room does a node give to who says nothing?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Exchange
from imsproof.link.tcp import TcpStream
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.seams import Address

AT_ONCE = 50


class Connections:
    """Opens connections and holds them without a word."""

    def __init__(self, session: Session, target: Address, *, source: str | None = None, actor: str = "flooder") -> None:
        """Aim; ``source`` is the local IP of all connections."""
        self.session = session
        self.target = target
        self.actor = actor
        self._source = source
        self._held: list[TcpStream] = []

    def open(self, count: int, label: str = "idle TCP connections") -> Exchange:
        """Open so many; the journal has the sums, ``sent`` being the connections that were tried."""
        return self.session.run(self._open(count, label))

    def hang_up(self, data: bytes, label: str) -> Exchange:
        """Connect, send, and end the connection with a RST at once, without waiting for what comes back."""
        return self.session.run(self._hang_up(data, label))

    def close(self) -> None:
        """Close them all."""
        self.session.run(self._close())

    async def _open(self, count: int, label: str) -> Exchange:
        exchange = self.session.exchange(label)
        begun = time.monotonic()
        for start in range(0, count, AT_ONCE):
            await asyncio.gather(*(self._one(exchange) for _ in range(start, min(start + AT_ONCE, count))))
        open_now = sum(not stream.ended for stream in self._held)
        self.session.emit(
            Kind.COUNTED,
            self.actor,
            exchange,
            transport="tcp",
            remote=self.target,
            facts={"sent": count, "received": open_now, "seconds": round(time.monotonic() - begun, 3)},
        )
        return Exchange(record=self.session.record, exchange=exchange)

    async def _one(self, exchange: str) -> None:
        local = (self._source, 0) if self._source else None
        try:
            self._held.append(
                await TcpStream.open(self.session, self.actor, exchange, self.target, local=local, quiet=True)
            )
        except ConnectionFailedError:
            return  # the journal has it; a node may refuse

    async def _hang_up(self, data: bytes, label: str) -> Exchange:
        exchange = self.session.exchange(label)
        local = (self._source, 0) if self._source else None
        with contextlib.suppress(ConnectionFailedError):  # the journal has it; a node may refuse
            stream = await TcpStream.open(self.session, self.actor, exchange, self.target, local=local)
            await stream.send(data)
            await stream.reset()
        return Exchange(record=self.session.record, exchange=exchange)

    async def _close(self) -> None:
        held, self._held = self._held, []
        await asyncio.gather(*(stream.aclose() for stream in held), return_exceptions=True)
