"""A UE's end of message sessions for the tests of the lab's endpoint: TLS on asyncio streams, messages on top."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from imsproof.codec.msrp import MsrpMessage, MsrpReader, request
from imsproof.codec.sdp import Fingerprint, MediaSection, Sdp, SdpLine, description
from imsproof.engine.identity import Identity, make_identity
from imsproof.lab.media.msrp.policy import MsrpPolicy
from imsproof.lab.media.msrp.tlspipe import TlsEndedError, TlsPipe, context
from imsproof.lab.policy import Policy, PolicyBox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UE, OTHER = make_identity(name="ue"), make_identity(name="other")
PATH = "msrps://127.0.0.1:9/ue-session;tcp"
WAIT = 10.0


def box(**msrp: Any) -> PolicyBox:
    """A policy with these values of the messages' policy."""
    return PolicyBox(Policy(msrp=MsrpPolicy(**msrp)))


def offer(
    identity: Identity | None = UE,
    *,
    setup: str = "active",
    proto: str = "TCP/TLS/MSRP",
    path: str = PATH,
    port: int = 9,
) -> Sdp:
    """An offer of a message session."""
    section = MediaSection([SdpLine.make("m", f"message {port} {proto} *")])
    section.add_attr("path", path)
    section.add_attr("setup", setup)
    if identity is not None:
        section.add_attr("fingerprint", str(Fingerprint("SHA-256", identity.sha256)))
    return description("127.0.0.1", [section])


class Ue:
    """One connection of a UE; ``pipe`` is ``None`` without TLS."""

    opened: ClassVar[list[Ue]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pipe: TlsPipe | None) -> None:
        self._reader, self._writer, self._pipe = reader, writer, pipe
        self._messages = MsrpReader()
        self._inbox: list[MsrpMessage] = []
        self.opened.append(self)

    @classmethod
    async def connect(cls, address: str, port: int, identity: Identity | None = UE) -> Ue:
        """Connect and shake hands; without an identity there is no TLS."""
        reader, writer = await asyncio.open_connection(address, port)
        pipe = TlsPipe(context(MsrpPolicy(), identity), server=False) if identity is not None else None
        made = cls(reader, writer, pipe)
        if pipe is not None:
            pipe.feed(b"")
            while not pipe.established:
                await made._flush()
                pipe.feed(await made._read())
            await made._flush()
        return made

    async def _read(self) -> bytes:
        async with asyncio.timeout(WAIT):
            return await self._reader.read(65536)

    async def _flush(self) -> None:
        if self._pipe is not None:
            self._writer.write(self._pipe.outgoing())
        await self._writer.drain()

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        if self._pipe is not None:
            self._pipe.write(data)
            await self._flush()
        else:
            self._writer.write(data)

    async def next(self) -> MsrpMessage | None:
        """The next message; ``None`` at the connection's end."""
        while not self._inbox:
            data = await self._read()
            if not data:
                return None
            try:
                self._inbox += self._messages.feed(self._pipe.feed(data) if self._pipe is not None else data)
            except TlsEndedError:
                return None
        return self._inbox.pop(0)

    async def ask(self, to_path: str, method: str = "SEND", text: str = "text", **fields: str) -> int:
        """Send a request and return the status; 0 when the connection ended instead."""
        message = make(to_path, method, text, **fields)
        with suppress(OSError):
            await self.send(message.to_bytes())
        return await self.status()

    async def status(self) -> int:
        """The status of the next response."""
        with suppress(OSError):
            while (got := await self.next()) is not None:
                if got.status:
                    return got.status
        return 0

    @classmethod
    async def close_all(cls) -> None:
        """Close every connection that was opened."""
        while cls.opened:
            one = cls.opened.pop()
            one._writer.close()
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(one._writer.wait_closed(), WAIT)


def make(to_path: str, method: str = "SEND", text: str = "text", **fields: str) -> MsrpMessage:
    """A request; fields have ``_`` for ``-``, and take the place of what is usual."""
    headers = {"Message-ID": "m1", "Content-Type": "text/plain"} | {
        name.replace("_", "-"): value for name, value in fields.items()
    }
    make.count += 1  # type: ignore[attr-defined]
    transaction = f"tx{make.count:06d}"  # type: ignore[attr-defined]
    made = request(method, transaction, to_path, PATH, list(headers.items()), text.encode())
    return replace(made, headers=tuple(pair for pair in made.headers if pair[1]))


make.count = 0  # type: ignore[attr-defined]


@asynccontextmanager
async def running(node: Any) -> AsyncIterator[Any]:
    """Start a node and stop it."""
    await node.start()
    try:
        yield node
    finally:
        await Ue.close_all()
        await node.stop()
