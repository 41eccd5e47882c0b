"""ESP of the tester, over a raw socket or in UDP (RFC 3948): every packet passes the guard and the tap.

What a packet holds is known to who has the keys, so that the journal's events are written above. Only packets for the
SPIs that were asked for are taken: on one machine, every raw socket of an address sees all of its ESP.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from typing import TYPE_CHECKING

from imsproof.codec.esp import spi_of
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Address, HarnessError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imsproof.link.session import Session

PROTOCOL = 50
LARGEST = 65535
AT_ONCE = 64
IP_RECVERR, IPV6_RECVERR = 11, 25
"""Linux: have ICMP errors told (ip(7), ipv6(7))."""
UNREACHABLE = {errno.ENOPROTOOPT, errno.EPROTO}
"""What Linux makes of "protocol unreachable" and of "unrecognized next header"."""


def raw_sockets() -> bool:
    """Whether this process may open a raw socket for ESP."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL).close()
    except PermissionError:
        return False
    return True


class EspSocket:
    """One raw socket.

    Attributes:
        session, actor: whose it is.
        local, remote: textual IP addresses of its two ends.
        on_packet: called with each of them, from the SPI on.
        on_unreachable: called when ICMP says that the other end takes no ESP at all.
    """

    def __init__(self, session: Session, actor: str, local: str, remote: str, raw: socket.socket) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.local = local
        self.remote = remote
        self._spis: set[int] = set()
        self._flows: list[int] = []
        self._claimed: set[int] = set()
        self.on_packet: Callable[[bytes], None] = lambda _: None
        self.on_unreachable: Callable[[], None] = lambda: None
        self._raw: socket.socket | None = raw
        self._v6 = ":" in local

    def know(self, *, incoming: Iterable[int], outgoing: Iterable[int]) -> None:
        """Take packets for the incoming SPIs; both kinds tell which captured packets belong to this purpose."""
        self._spis |= set(incoming)
        for spi in (*incoming, *outgoing):
            self._claim(spi)

    def _claim(self, spi: int) -> None:
        """Note that captured packets with this SPI belong to this purpose."""
        if spi not in self._claimed:
            self._claimed.add(spi)
            self._flows.append(self.session.open_flow("esp", (self.local, spi), (self.remote, 0)))

    @classmethod
    async def open(cls, session: Session, actor: str, local: str, remote: str) -> EspSocket:
        """Open a raw socket at ``local`` for ESP with ``remote``.

        Raises:
            InconclusiveError: this process may not open raw sockets.
            OutOfScopeError: the peer is outside the scope.
            HarnessError: the address cannot be had.
        """
        session.check(actor, "", (remote, 0))
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        try:
            raw = socket.socket(family, socket.SOCK_RAW, PROTOCOL)
        except PermissionError as error:
            raise InconclusiveError(
                "ESP needs a raw socket, which this process may not open: run it as root or with CAP_NET_RAW"
            ) from error
        try:
            raw.setblocking(False)
            raw.bind((local, 0))
            level, option = (
                (socket.IPPROTO_IPV6, IPV6_RECVERR) if family == socket.AF_INET6 else (socket.IPPROTO_IP, IP_RECVERR)
            )
            raw.setsockopt(level, option, 1)
        except OSError as error:
            raw.close()
            raise HarnessError(f"a raw socket at {local} cannot be opened: {error}") from error
        made = cls(session, actor, local, remote, raw)
        asyncio.get_running_loop().add_reader(raw, made._read)
        session.own(made)
        return made

    async def send(self, packet: bytes, exchange: str) -> None:
        """Send a packet from the SPI on.

        Raises:
            OutOfScopeError, StoppedError: the guard says no.
            HarnessError: the socket is closed, or the system refuses the packet.
        """
        target: Address = (self.remote, 0)
        await self.session.admit(self.actor, exchange, target, len(packet))
        if self._raw is None:
            raise HarnessError("the raw socket for ESP is closed")
        spi = spi_of(packet)
        if spi is not None:
            self._claim(spi)  # one that nobody agreed on, too
        self.session.tap("esp", (self.local, 0), target, packet)
        try:
            self._send(self._raw, packet, target)
        except OSError as error:
            raise HarnessError(f"an ESP packet of {len(packet)} bytes could not be sent: {error}") from error

    def _send(self, raw: socket.socket, packet: bytes, target: Address) -> None:
        try:
            raw.sendto(packet, target)
        except OSError:  # perhaps what ICMP said of a packet before; it is told only once
            self._read_errors(raw)
            raw.sendto(packet, target)

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            if self._raw is None:
                return
            try:
                data, peer = self._raw.recvfrom(LARGEST)
            except OSError:
                self._read_errors(self._raw)
                return
            packet = data if self._v6 else data[(data[0] & 0x0F) * 4 :]
            if peer[0] != self.remote or spi_of(packet) not in self._spis:
                continue
            self.session.tap("esp", (self.remote, 0), (self.local, 0), packet)
            self.on_packet(packet)

    def _read_errors(self, raw: socket.socket) -> None:
        """Look at what ICMP said of our packets (the number of the error comes first in what Linux tells)."""
        for _ in range(AT_ONCE):
            try:
                _, told, _, peer = raw.recvmsg(LARGEST, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            numbers = {int.from_bytes(value[:4], sys.byteorder) for _, _, value in told}
            if peer[0] == self.remote and numbers & UNREACHABLE:
                self.on_unreachable()

    async def aclose(self) -> None:
        """Close the socket."""
        if self._raw is not None:
            asyncio.get_running_loop().remove_reader(self._raw)
            self._raw.close()
            self._raw = None
            for flow in self._flows:
                self.session.close_flow(flow)
            self.session.disown(self)


class EncapsulatedEsp:
    """ESP in UDP, for which no raw socket is needed; otherwise like :class:`EspSocket`."""

    def __init__(self, endpoint: UdpEndpoint, remote: Address) -> None:
        """Use :meth:`open`."""
        self.on_packet: Callable[[bytes], None] = lambda _: None
        self._endpoint = endpoint
        self._remote = remote
        self._spis: set[int] = set()
        endpoint.on_datagram = self._take

    @classmethod
    async def open(cls, session: Session, actor: str, exchange: str, local: str, remote: Address) -> EncapsulatedEsp:
        """Open a UDP socket at ``local`` for ESP with the network's port (raises as ``UdpEndpoint.open`` does)."""
        endpoint = await UdpEndpoint.open(session, actor, exchange, toward=remote, local=(local, 0), quiet=True)
        return cls(endpoint, remote)

    def know(self, *, incoming: Iterable[int], outgoing: Iterable[int]) -> None:
        """Take packets for the incoming SPIs."""
        del outgoing
        self._spis |= set(incoming)

    async def send(self, packet: bytes, exchange: str) -> None:
        """Send a packet from the SPI on (raises as ``UdpEndpoint.send`` does)."""
        await self._endpoint.send(packet, self._remote, exchange=exchange)

    def _take(self, data: bytes, source: Address) -> None:
        if source == self._remote and spi_of(data) in self._spis:
            self.on_packet(data)

    async def aclose(self) -> None:
        """Close the socket."""
        await self._endpoint.aclose()
