"""SIP through the ESP associations of one UE: UDP in transport or tunnel mode, sealed and opened here (TS 33.203 7.1).

The UE sends from its protected client port to the network's protected server port and is sent to at its protected
server port. Both ports are open for plain UDP too, so that what comes without ESP is seen, and so that a request can be
sent without it on purpose.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.actors.siptransport import Labels, SipTransport
from imsproof.codec import esp, ipv4, tcp, udp
from imsproof.link import rawip
from imsproof.link.esp import EncapsulatedEsp, EspSocket
from imsproof.link.facts import sip_facts
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Address, HarnessError, InconclusiveError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imsproof.codec.tcp import Segment
    from imsproof.link.session import Session


@dataclass(frozen=True, slots=True)
class Ends:
    """One side's numbers in the agreement: SPIs and ports, client and server."""

    spi_c: int
    spi_s: int
    port_c: int
    port_s: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """What two sides agreed on, with the keys of the challenge (TS 33.203 7.1 and Annex I).

    ``nat_port`` is the network's UDP port for ESP in tunnel mode behind a NAT (Annex M.7.1), 0 for transport mode.
    """

    alg: str
    ealg: str
    own: Ends
    peer: Ends
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    nat_port: int = 0

    def association(self, spi: int) -> esp.Association:
        """The association of an SPI; all share the keys (``EspError`` for algorithms that nobody knows)."""
        return esp.Association(spi, self.alg, self.ealg, *esp.expand_keys(self.alg, self.ealg, self.ck, self.ik))


@dataclass(frozen=True, slots=True)
class Altered:
    """How a packet is made wrong on purpose.

    Attributes:
        told: in words, for the journal.
        association: with which it is sealed instead.
        ports: source and target port inside it.
        spoil: changes the sealed packet.
        packet: sent as it is instead (a replay).
        plain: from which of the protected ports, and where to, the message is sent without any protection.
        pieces: octets of each IP fragment in which it is sent; 0 for no fragments.
    """

    told: str
    association: esp.Association | None = None
    ports: tuple[int, int] | None = None
    spoil: Callable[[bytes], bytes] | None = None
    packet: bytes = b""
    plain: tuple[int, Address] | None = None
    pieces: int = 0


class EspTransport(SipTransport):
    """The protected transport of one UE.

    Attributes:
        agreed: the agreement that it stands on.
        altering: how requests are made wrong for the time being, or ``None``.
        last: the last packet with a request, as it crossed, and the request in it.
        came: the last packet with a request of the network (or its first packet), and what is in it.
        on_segment: called with each TCP segment that comes through the associations, and its packet.
    """

    def __init__(self, session: Session, actor: str, remote: Address, labels: Labels, agreed: Agreed) -> None:
        """Use :meth:`protect`."""
        super().__init__(session, actor, "udp", remote, labels)
        self.agreed = agreed
        self.altering: Altered | None = None
        self.last = (b"", b"")
        self.came = (b"", b"")
        self.on_segment: Callable[[Segment, bytes], None] = lambda *_: None
        self.outgoing = agreed.association(agreed.peer.spi_s)
        self._incoming = {spi: agreed.association(spi) for spi in (agreed.own.spi_c, agreed.own.spi_s)}
        self._windows = {spi: esp.ReplayWindow() for spi in self._incoming}
        self._sent = 0
        self._socket: EspSocket | EncapsulatedEsp | None = None
        self._plain: dict[int, UdpEndpoint] = {}

    @classmethod
    async def protect(
        cls,
        session: Session,
        actor: str,
        addresses: tuple[str, str],
        agreed: Agreed,
        exchange: str,
        before: EspTransport | None = None,
    ) -> EspTransport:
        """Open the associations between the UE's and the network's IP address.

        ``before`` are older ones of the same UE: their exchanges go on, and a port that both have changes its owner.

        Raises:
            InconclusiveError: no raw socket may be opened.
            HarnessError: the protected ports are taken.
        """
        local, remote = addresses
        labels = before.labels if before else Labels(session, exchange)
        made = cls(session, actor, (remote, agreed.peer.port_s), labels, agreed)
        made.local = (local, agreed.own.port_s)
        if agreed.nat_port:
            made._socket = await EncapsulatedEsp.open(session, actor, exchange, local, (remote, agreed.nat_port))
        else:
            made._socket = await EspSocket.open(session, actor, local, remote)
            made._socket.on_unreachable = made._note_unreachable
        made._socket.know(incoming=list(made._incoming), outgoing=(agreed.peer.spi_s, agreed.peer.spi_c))
        made._socket.on_packet = made._take_packet
        for port in {agreed.own.port_c, agreed.own.port_s}:
            plain = (before.give(port) if before else None) or await UdpEndpoint.open(
                session, actor, exchange, toward=made.remote, local=(local, port), describe=labels.describe
            )
            plain.on_datagram = made._take_datagram
            made._plain[port] = plain
        session.extra_files["esp_sa"] = session.extra_files.get("esp_sa", b"") + esp_sa(addresses, agreed)
        return made

    def give(self, port: int) -> UdpEndpoint | None:
        """Hand over the socket at one of the protected ports; ``None`` when this one has it not."""
        return self._plain.pop(port, None)

    async def send(
        self, data: bytes, exchange: str, *, to: Address | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Seal and send a message; ``to`` does not matter, the association has one other end.

        Raises:
            OutOfScopeError, StoppedError, HarnessError: as the link says.
        """
        del to
        told: dict[str, Any] = {**sip_facts(data), **(facts or {})}
        request = told.get("sip") != "response"
        altered = (self.altering if request else None) or Altered("")
        if altered.told:
            told |= {"altered": altered.told, "injected": True}
        if altered.plain is not None:
            port, target = altered.plain
            await self._plain[port].send(data, target, exchange=exchange, facts=told)
            return
        packet, ports = altered.packet, altered.ports or (self.agreed.own.port_c, self.agreed.peer.port_s)
        if not packet:
            packet = self._seal(data, altered.association or self.outgoing, ports)
            packet = altered.spoil(packet) if altered.spoil else packet
        self._emit_esp(Kind.SENT, exchange, data, told, packet, ports)
        if self._socket is None:
            raise HarnessError("the associations are closed")
        if request:
            self.last = (packet, data)
        if altered.pieces:
            await self._send_pieces(packet, altered.pieces, exchange)
            return
        await self._socket.send(packet, exchange)

    async def send_segment(self, segment: Segment, exchange: str) -> bytes:
        """Seal and send a TCP segment from the client port to the server port; returns the packet.

        Raises:
            InconclusiveError: ESP goes in UDP.
            OutOfScopeError, StoppedError, HarnessError: as the link says.
        """
        if self.agreed.nat_port:
            raise InconclusiveError("TCP is done in ESP in transport mode only, not in UDP")
        if self._socket is None:
            raise HarnessError("the associations are closed")
        self._sent += 1
        ends = (self.local[0], self.agreed.own.port_c), (self.remote[0], self.agreed.peer.port_s)
        iv = secrets.token_bytes(self.outgoing.iv_size)
        packet = self.outgoing.seal(self._sent, tcp.build(*ends, segment), iv, tcp.PROTOCOL)
        await self._socket.send(packet, exchange)
        return packet

    async def _send_pieces(self, packet: bytes, size: int, exchange: str) -> None:
        """Send a packet in IP fragments (``InconclusiveError`` where ESP goes in UDP, or over IPv6)."""
        if self.agreed.nat_port or ":" in self.local[0]:
            raise InconclusiveError("fragments are done for ESP over IPv4 only, not in UDP")
        ends = (self.local[0], self.remote[0])
        self.session.tap("esp", (ends[0], 0), (ends[1], 0), packet)
        pieces = ipv4.fragments(ends, ipv4.ESP, packet, size, secrets.randbelow(0xFFFF) + 1)
        await rawip.send_packets(self.session, self.actor, exchange, ends[1], pieces)

    async def send_unreachable(self, label: str) -> None:
        """Say by ICMP, as anybody could, that the network's first packet did not arrive (as :func:`send_packets`).

        Not that it was too large: a host that takes the word of it sends everybody smaller packets for ten minutes.
        """
        exchange = self.session.exchange(label)
        if self.agreed.nat_port or ":" in self.local[0]:
            raise InconclusiveError("ICMP errors are done for ESP over IPv4 only, not in UDP")
        here, there = self.local[0], self.remote[0]
        quoted = ipv4.packet((there, here), ipv4.ESP, self.came[0][:64])
        errors = (ipv4.PROTOCOL_UNREACHABLE, ipv4.HOST_UNREACHABLE, ipv4.PROHIBITED)
        packets = [ipv4.packet((here, there), ipv4.ICMP, ipv4.unreachable(quoted, code)) for code in errors]
        await rawip.send_packets(self.session, self.actor, exchange, there, packets)
        self.session.note("ICMP errors that quote a packet of the network", actor=self.actor, exchange=exchange)

    def _seal(self, data: bytes, association: esp.Association, ports: tuple[int, int]) -> bytes:
        self._sent += 1
        ends, iv = ((self.local[0], ports[0]), (self.remote[0], ports[1])), secrets.token_bytes(association.iv_size)
        if self.agreed.nat_port:
            return association.seal(self._sent, udp.tunnel(*ends, data), iv, esp.IPV4)
        return association.seal(self._sent, udp.build(*ends, data), iv)

    def _take_packet(self, packet: bytes) -> None:
        spi = esp.spi_of(packet) or 0
        try:
            opened = self._incoming[spi].open(packet)
            if opened.next_header == tcp.PROTOCOL:
                segment = tcp.parse(opened.payload)[2]
                if self._windows[spi].take(opened.sequence):
                    self.on_segment(segment, packet)
                return
            read = udp.untunnel if opened.next_header == esp.IPV4 else udp.parse
            source, target, data = read(opened.payload)
        except (esp.EspError, udp.UdpError, tcp.TcpError) as error:
            # Another UE at this address may have chosen the same SPI on purpose; its packets are not ours.
            self.session.note(f"an ESP packet for SPI {spi} is not taken: {error}", actor=self.actor, spi=spi)
            return
        fresh = self._windows[spi].take(opened.sequence)
        exchange, facts = self.labels.describe(data)
        told = {**facts, "replayed": True} if not fresh else dict(facts)
        self._emit_esp(Kind.RECEIVED, exchange, data, told, packet, (source, target))
        if facts.get("sip") == "request" or not self.came[0]:
            self.came = (packet, data)
        if fresh:
            self.on_message(data, self.remote, exchange)

    def _note_unreachable(self) -> None:
        """Anybody could have sent that ICMP message, so it ends nothing; it says why no answer comes."""
        if not self.unheard:
            self.unheard = f"ICMP: nobody takes ESP at {self.remote[0]} (protocol unreachable)"
            self.session.note(self.unheard, actor=self.actor, exchange=self.labels.default)

    def _emit_esp(
        self, kind: Kind, exchange: str, data: bytes, facts: dict[str, Any], packet: bytes, ports: tuple[int, int]
    ) -> None:
        ours, theirs = ports if kind is Kind.SENT else ports[::-1]
        numbers = {"spi": int.from_bytes(packet[:4], "big"), "sequence": int.from_bytes(packet[4:8], "big")}
        self.session.emit(
            kind,
            self.actor,
            exchange,
            transport="esp",
            local=(self.local[0], ours),
            remote=(self.remote[0], theirs),
            data=data,
            facts={**facts, **numbers, "alg": self.agreed.alg, "ealg": self.agreed.ealg},
        )

    async def aclose(self) -> None:
        """Close the raw socket and the protected ports."""
        if self._socket is not None:
            await self._socket.aclose()
            self._socket = None
        for plain in self._plain.values():
            await plain.aclose()
        self.session.disown(self)


WIRESHARK = {
    "aes-cbc": "AES-CBC [RFC3602]",
    "aes-gcm": "AES-GCM with 16 octet ICV [RFC4106]",
    "des-ede3-cbc": "TripleDES-CBC [RFC2451]",
    "null": "NULL",
    "hmac-sha-1-96": "HMAC-SHA-1-96 [RFC2404]",
    "hmac-md5-96": "HMAC-MD5-96 [RFC2403]",
}


def esp_sa(addresses: tuple[str, str], agreed: Agreed) -> bytes:
    """Write the four associations as lines of Wireshark's ``esp_sa`` table."""
    local, remote = addresses
    lines = []
    ways = (
        (local, remote, agreed.peer.spi_s),
        (local, remote, agreed.peer.spi_c),
        (remote, local, agreed.own.spi_s),
        (remote, local, agreed.own.spi_c),
    )
    for source, target, spi in ways:
        one = agreed.association(spi)
        authentication, key = WIRESHARK.get(agreed.alg, "NULL"), one.integrity_key
        if agreed.alg not in ("hmac-sha-1-96", "hmac-md5-96"):
            authentication, key = "ANY 128 bit authentication [no checking]", b""
        if agreed.ealg == "aes-gcm":
            authentication = "NULL"
        fields = (
            "IPv6" if ":" in local else "IPv4",
            source,
            target,
            f"0x{spi:08x}",
            WIRESHARK.get(agreed.ealg, "NULL"),
            f"0x{one.encryption_key.hex()}" if one.encryption_key else "",
            authentication,
            f"0x{key.hex()}" if key else "",
        )
        lines.append(",".join(f'"{text}"' for text in fields) + "\n")
    return "".join(lines).encode("ascii")
