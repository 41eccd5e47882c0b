"""A UE's end of a data channel on a real socket, and a bench of MF and DC AS, for the tests of the media nodes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import Identity, make_identity
from imsproof.engine.sctp import Channel, SctpEngine
from imsproof.lab.dctypes import DcEndpoint, DcOffer
from imsproof.lab.media.dcas import DcApplicationServer, subscribers_apps
from imsproof.lab.media.http1 import Request
from imsproof.lab.media.mdc import make_trust
from imsproof.lab.media.mf import MediaFunction
from imsproof.lab.policy import Policy, PolicyBox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from imsproof.engine.dtls import Role

UE = make_identity(name="ue")
OTHER = make_identity(name="other")
WAIT = 5.0


def box(**media: Any) -> PolicyBox:
    """Return a policy with these values of the media policy."""
    found = PolicyBox()
    change(found, **media)
    return found


def change(found: PolicyBox, **media: Any) -> None:
    """Set values of the media policy."""
    current = found.current
    values = {name: getattr(current.media, name) for name in current.media.__slots__} | media
    found.current = Policy(sip=current.sip, sbi=current.sbi, media=type(current.media)(**values))


class Port(asyncio.DatagramProtocol):
    """A UDP port whose datagrams can be waited for."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport

    @classmethod
    async def open(cls, address: str = "127.0.0.1") -> Port:
        """Take a free port."""
        loop = asyncio.get_running_loop()
        _, port = await loop.create_datagram_endpoint(cls, local_addr=(address, 0))
        return port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Queue what came."""
        self.inbox.put_nowait((data, (addr[0], addr[1])))

    @property
    def number(self) -> int:
        """The port's number."""
        return int(self.transport.get_extra_info("sockname")[1])

    def send(self, data: bytes, target: tuple[str, int]) -> None:
        """Send a datagram."""
        self.transport.sendto(data, target)

    async def receive(self) -> bytes:
        """Wait for the next datagram."""
        return (await asyncio.wait_for(self.inbox.get(), WAIT))[0]


class UePeer:
    """DTLS and SCTP of a UE towards an MF."""

    def __init__(self, port: Port, identity: Identity) -> None:
        self.port = port
        self.identity = identity
        self.settled = asyncio.Event()
        self.target = ("", 0)
        self.dtls: DtlsEngine
        self.sctp: SctpEngine | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, identity: Identity = UE) -> UePeer:
        """Take a port."""
        return cls(await Port.open(), identity)

    def offer(self, **values: Any) -> DcOffer:
        """Describe this end as an offer would."""
        fields: dict[str, Any] = {
            "address": "127.0.0.1",
            "port": self.port.number,
            "fingerprint": self.identity.sdp_fingerprint,
            "setup": "actpass",
            "tls_id": "ab" * 16,
            "sctp_port": 5000,
            "max_message_size": 1024,
            "streams": (0,),
        }
        return DcOffer(**(fields | values))

    async def handshake(self, local: DcEndpoint, role: Role = "client", **dtls: Any) -> str:
        """Do the DTLS handshake; return the state it ended in."""
        self.target = (local.address, local.port)
        self.dtls = DtlsEngine(role, **({"identity": self.identity} | dtls))
        self.dtls.start()
        self._flush()
        self._tasks.append(asyncio.create_task(self._receive()))
        await asyncio.wait_for(self.settled.wait(), WAIT)
        return self.dtls.state

    async def associate(self, *, clear: bool = False) -> SctpEngine:
        """Bring the SCTP association up, inside DTLS unless ``clear``."""
        send = (lambda data: self.port.send(data, self.target)) if clear else self._write
        self.sctp = SctpEngine(send, is_client=True)
        if clear:
            self._tasks.append(asyncio.create_task(self._receive_clear()))
        await self.sctp.start()
        await self.sctp.connected(WAIT)
        return self.sctp

    def _write(self, data: bytes) -> None:
        if self.dtls.state == "connected":
            self.dtls.write(data)
            self._flush()

    def _flush(self) -> None:
        for datagram in self.dtls.outgoing():
            self.port.send(datagram, self.target)

    async def _receive(self) -> None:
        while True:
            data, _ = await self.port.inbox.get()
            self.dtls.receive(data)
            self._flush()
            for packet in self.dtls.read():
                if self.sctp is not None:
                    self.sctp.receive(packet)
            if self.dtls.state != "handshaking":
                self.settled.set()

    async def _receive_clear(self) -> None:
        while True:
            data, _ = await self.port.inbox.get()
            assert self.sctp is not None
            self.sctp.receive(data)

    async def close(self) -> None:
        """Stop."""
        if self.sctp is not None:
            await self.sctp.close()
        for task in self._tasks:
            task.cancel()
        self.port.transport.close()


async def get(channel: Channel, path: str = "/", **headers: str) -> tuple[int, bytes]:
    """Fetch a path over a bootstrap channel; return status and body."""
    lines = [f"GET {path} HTTP/1.1", "Host: bootstrap", *(f"{name}: {value}" for name, value in headers.items())]
    return await ask(channel, "\r\n".join(lines) + "\r\n\r\n")


async def ask(channel: Channel, request: str) -> tuple[int, bytes]:
    """Send a request as it is; return status and body of the answer."""
    await channel.opened(WAIT)
    channel.send(request.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _bytes(await channel.recv(WAIT))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    found = Request("", "", tuple((line.split(": ", 1)[0].lower(), line.split(": ", 1)[1]) for line in lines[1:]))
    while len(body) < int(found.header("content-length") or 0):
        body += _bytes(await channel.recv(WAIT))
    return int(lines[0].split(" ")[1]), body


def _bytes(message: bytes | str) -> bytes:
    return message.encode() if isinstance(message, str) else message


APPS = {"sip:alice@ims.example": ("whiteboard", "translate"), "sip:bob@ims.example": ("games",)}
ALICE, BOB = APPS


@dataclass
class Bench:
    """MF and DC AS, and the peers that a test opens."""

    policy: PolicyBox
    mf: MediaFunction
    dcas: DcApplicationServer
    peers: list[UePeer] = field(default_factory=list)

    async def peer(self, **offer: Any) -> tuple[UePeer, DcEndpoint]:
        """Open a UE and have the MF allocate a context for it."""
        ue = await UePeer.open()
        self.peers.append(ue)
        return ue, await self.allocate(ue, **offer)

    async def allocate(self, ue: UePeer, subscriber: str = ALICE, context: str = "", **offer: Any) -> DcEndpoint:
        """Have the MF allocate a context."""
        name = context or f"context-{len(self.mf.contexts)}"
        return await self.mf.allocate(name, ue.offer(**offer), subscriber, self.dcas.url(subscriber))


@asynccontextmanager
async def bench(**media: Any) -> AsyncIterator[Bench]:
    """Start MF and DC AS with these policy values."""
    policy, trust = box(**media), make_trust()
    apps = tuple(sorted({app for ids in APPS.values() for app in ids}))
    dcas = DcApplicationServer("127.0.0.1", policy, apps_of=subscribers_apps(APPS), all_apps=apps, tls=trust.dcas)
    found = Bench(policy, MediaFunction("127.0.0.1", policy, mdc=trust.mf), dcas)
    await dcas.start()
    try:
        yield found
    finally:
        for peer in found.peers:
            await peer.close()
        await found.mf.stop()
        await dcas.stop()


def run(test: Callable[[Bench], Awaitable[None]], **media: Any) -> None:
    """Run a test on its own bench."""

    async def inner() -> None:
        async with bench(**media) as found:
            await test(found)

    asyncio.run(inner())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, as seen from outside."""
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.001)
