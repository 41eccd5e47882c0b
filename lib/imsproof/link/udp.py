"""A UDP socket of the tester: every datagram passes the guard, the tap and the journal."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from imsproof.link.session import ConnectionFailedError, Session
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Describe = Callable[[bytes], tuple[str, Mapping[str, Any]]]
    """Bytes received to (exchange or ``""`` for the socket's own, facts)."""

PAIRS = 8
"""Tries to find two free ports in a row."""
MAX_WAITING = 2000
"""Datagrams kept for a reader; more are dropped from the queue (the journal has them)."""
RECEIVE_BUFFER = 4 * 1024 * 1024
IP_MTU = 14
"""Linux: the path's MTU, of a connected socket (ip(7)); Python does not name it."""
ANY_ADDRESS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - the tester's end of an unbound socket


def two(address: tuple[Any, ...]) -> Address:
    """Return (host, port) of a socket address; IPv6 ones have four parts and maybe a zone."""
    return (str(address[0]).partition("%")[0], int(address[1]))


def is_free(local: Address) -> bool:
    """Whether nobody has a UDP or TCP socket at an address of this machine now."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family_of(local[0]), kind) as tried:
            try:
                tried.bind(local)
            except OSError:
                return False
    return True


class UdpEndpoint(asyncio.DatagramProtocol):
    """One UDP socket.

    Attributes:
        session, actor, exchange: whose it is, and the conversation that events belong to by default.
        local: its own address.
        remote: the only peer of a connected socket, else ``None``.
        transport_name: what events call the transport; ``udp`` unless a protocol above says otherwise.
        quiet: whether a protocol above (DTLS, SRTP) writes the events itself; the tap always runs.
        on_datagram: called with each datagram instead of queueing it for :meth:`receive`.
        on_refused: called once with the reason when a connected socket's peer refuses (ICMP).
    """

    def __init__(self, session: Session, actor: str, exchange: str, *, describe: Describe | None, quiet: bool) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.describe = describe
        self.quiet = quiet
        self.transport_name = "udp"
        self.local: Address = ("", 0)
        self.remote: Address | None = None
        self.on_datagram: Callable[[bytes, Address], None] | None = None
        self.on_refused: Callable[[str], None] | None = None
        self.refused = ""
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: deque[tuple[bytes, Address]] = deque(maxlen=MAX_WAITING)
        self._arrived = asyncio.Event()
        self._flow: int | None = None
        self._lost = asyncio.Event()

    @classmethod
    async def open(
        cls,
        session: Session,
        actor: str,
        exchange: str,
        *,
        remote: Address | None = None,
        local: Address | None = None,
        toward: Address | None = None,
        describe: Describe | None = None,
        quiet: bool = False,
    ) -> UdpEndpoint:
        """Open a socket.

        Args:
            session: the purpose's session.
            actor: whose socket it is.
            exchange: the conversation that its events belong to.
            remote: connect to this peer: only its datagrams come in, and ICMP refusals are seen.
            local: address to bind to; port 0 for any.
            toward: for a socket that is not connected, a peer that tells which family and source to use.
            describe: reads exchange and facts from a received datagram.
            quiet: write no sent/received events (a protocol above does).

        Raises:
            OutOfScopeError: the peer is outside the scope.
            HarnessError: the local address cannot be had.
        """
        peer = remote or toward
        if peer:
            session.check(actor, exchange, peer)
        family = family_of((peer or local or ("", 0))[0])
        bind = local or ((session.source, 0) if session.source else None)
        if bind is None and remote is None:
            bind = (source_toward(peer) if peer else ANY_ADDRESS[family], 0)
        endpoint = cls(session, actor, exchange, describe=describe, quiet=quiet)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: endpoint, local_addr=bind, remote_addr=remote, family=family
            )
        except OSError as error:
            raise HarnessError(f"a UDP socket at {bind or 'any address'} cannot be opened: {error}") from error
        endpoint._begin(transport, remote)
        return endpoint

    def _begin(self, transport: asyncio.DatagramTransport, remote: Address | None) -> None:
        self._transport = transport
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.local = two(raw.getsockname())
        self.remote = remote
        self._flow = self.session.open_flow("udp", self.local, remote)
        self.session.own(self)
        if not self.quiet:
            self._emit(Kind.OPENED, self.exchange, remote, b"", {"reason": "UDP socket opened"})

    def _emit(self, kind: Kind, exchange: str, remote: Address | None, data: bytes, facts: Mapping[str, Any]) -> None:
        self.session.emit(
            kind,
            self.actor,
            exchange,
            transport=self.transport_name,
            local=self.local,
            remote=remote,
            data=data,
            facts=facts,
        )

    async def send(
        self,
        data: bytes,
        remote: Address | None = None,
        *,
        exchange: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Send one datagram, after the guard let it through.

        Raises:
            OutOfScopeError, StoppedError: the guard says no.
            ConnectionFailedError: the socket is closed, or nobody listens there (a connected socket only).
        """
        target = remote or self.remote
        if target is None:
            raise HarnessError("a datagram needs an address: this UDP socket is not connected")
        await self.session.admit(self.actor, exchange or self.exchange, target, len(data))
        if self._transport is None or self._transport.is_closing():
            raise ConnectionFailedError("the UDP socket is closed")
        self.session.tap("udp", self.local, target, data)
        if not self.quiet:
            self._emit(Kind.SENT, exchange or self.exchange, target, data, facts or {})
        self._transport.sendto(data, None if self.remote else target)

    async def receive(self, within: float) -> tuple[bytes, Address] | None:
        """Return the next datagram and who sent it, or ``None`` when nothing came within ``within`` seconds.

        A refusal (ICMP port unreachable) ends the wait at once, with ``None`` and :attr:`refused` set.
        """
        if not self._waiting and not self.refused:
            self._arrived.clear()
            try:
                async with asyncio.timeout(within):
                    await self._arrived.wait()
            except TimeoutError:
                return None
        return self._waiting.popleft() if self._waiting else None

    def keep(self, data: bytes, source: Address) -> None:
        """Put a datagram among those that wait for a reader."""
        self._waiting.append((data, source))
        self._arrived.set()

    def drain(self) -> list[tuple[bytes, Address]]:
        """Return the datagrams that wait for a reader, who takes over from here."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Take a datagram in: tap, journal, then the reader."""
        source = two(addr)
        self.session.tap("udp", source, self.local, data)
        if not self.quiet:
            exchange, facts = self.describe(data) if self.describe else ("", {})
            self._emit(Kind.RECEIVED, exchange or self.exchange, source, data, facts)
        if self.on_datagram:
            self.on_datagram(data, source)
            return
        self.keep(data, source)

    def error_received(self, exc: Exception) -> None:
        """Note a refusal that came back for a connected socket."""
        if not self.refused:
            self.refused = f"refused: {getattr(exc, 'strerror', None) or exc}"
            self._emit(Kind.REFUSED, self.exchange, self.remote, b"", {"reason": self.refused})
            if self.on_refused:
                self.on_refused(self.refused)
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the system's socket is closed and its port free again."""
        del exc
        self._lost.set()

    def path_mtu(self) -> int:
        """The MTU towards the peer as the kernel knows it, in octets; 0 where it does not say (IPv4 on Linux does)."""
        try:
            raw = self._transport.get_extra_info("socket") if self._transport is not None else None
            return int(raw.getsockopt(socket.IPPROTO_IP, IP_MTU)) if raw is not None else 0
        except OSError:
            return 0

    async def aclose(self) -> None:
        """Close the socket; its port can be bound again when this returns."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
            self.session.disown(self)
            await self._lost.wait()
        if self._flow is not None:
            self.session.close_flow(self._flow)


def family_of(host: str) -> socket.AddressFamily:
    """Return the address family of a textual IP address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def source_toward(peer: Address) -> str:
    """Return the local IP that the system would use toward a peer; asks the routing table, sends nothing."""
    with socket.socket(family_of(peer[0]), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(peer)
        except OSError as error:
            raise HarnessError(f"there is no route to {peer[0]}: {error}") from error
        return two(probe.getsockname())[0]


async def open_pair(
    session: Session, actor: str, exchange: str, address: str, **how: Any
) -> tuple[UdpEndpoint, UdpEndpoint]:
    """Open sockets for RTP and, at the port after it, for RTCP (RFC 3550 section 11).

    Args:
        session: the purpose's session.
        actor: the name in the journal.
        exchange: the conversation of both.
        address: the tester's IP address.
        how: further arguments of both.

    Raises:
        HarnessError: no two ports in a row were free.
    """
    for _ in range(PAIRS):
        rtp = await UdpEndpoint.open(session, actor, exchange, local=(address, 0), **how)
        try:
            return rtp, await UdpEndpoint.open(session, actor, exchange, local=(address, rtp.local[1] + 1), **how)
        except (HarnessError, OverflowError):
            await rtp.aclose()
    raise HarnessError("no two ports in a row for RTP and RTCP")
