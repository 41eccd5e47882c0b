"""The P-CSCF's ESP associations in user space (TS 33.203 7.1, RFC 4303): UDP and TCP in transport mode, raw sockets.

A set belongs to one UE: what comes from its protected client port to ours, what goes from ours to its protected server
port. Whatever does not fit is dropped in silence. Without the right to raw sockets there are no associations, and the
node says so in its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
import socket
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from imsproof.codec import esp, tcp, udp
from imsproof.lab.sip.agreement import PROTECTED_CLIENT_PORT, PROTECTED_SERVER_PORT, Agreement, suite_of
from imsproof.lab.sip.espstream import EspStream
from imsproof.lab.sip.transport import MAX_MESSAGE, Address, Flow, StreamPort, UdpPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.codec.secagree import SecMechanism
    from imsproof.codec.tcp import Segment
    from imsproof.lab.sip.policy import SipPolicy

log = logging.getLogger("imsproof.lab.sip")

ESP = 50
TRANSPORT = "esp"
IP_RECVFRAGSIZE = 25
"""Linux' name for: tell the largest fragment that a packet came in."""
UNREACHABLE = 3
AWAIT_AUTH_SECONDS, GRACE_SECONDS = 240.0, 30.0
"""How long associations live: until the answer comes, and after the registration (TS 33.203 7.4, secondary)."""
MAX_SETS, MAX_STREAMS = 1000, 4
PACKETS_AT_ONCE = 64
_numbers = itertools.count(1)


@dataclass(eq=False)
class AssociationSet:
    """The associations with one UE.

    Attributes:
        agreement: from which it was made.
        impi: who it was made for.
        ue: the UE's IP address.
        inbound, outbound: towards us, towards the UE.
        flow: how the nodes know it.
        impus: who may speak through it once the registration stands.
        outer: where the UE's packets in UDP come from; ``None`` in transport mode.
        keys: CK and IK.
        streams: the UE's TCP connection, by its source port.
        until: end of its life, monotonic seconds.
        also: other algorithms that are taken from the UE too.
    """

    agreement: Agreement
    impi: str
    ue: str
    inbound: esp.Association
    outbound: esp.Association
    flow: Flow
    keys: tuple[bytes, bytes]
    until: float
    impus: tuple[str, ...] = ()
    outer: Address | None = None
    window: esp.ReplayWindow = field(default_factory=esp.ReplayWindow)
    sent: int = 0
    also: esp.Association | None = None
    streams: dict[int, EspStream] = field(default_factory=dict)


class Associations:
    """All sets of a P-CSCF, and its sockets for them."""

    def __init__(self, here: str, policy: Callable[[], SipPolicy], receive: Callable[[bytes, Flow], None]) -> None:
        self._here = here
        self._policy = policy
        self._receive = receive
        self._raw: socket.socket | None = None
        self._icmp: socket.socket | None = None
        self._nat: UdpPort | None = None
        self._plain: list[UdpPort] = []
        self._plain_stream: StreamPort | None = None
        self._sets: dict[int, AssociationSet] = {}

    async def open(self) -> None:
        """Open the raw socket, and the protected ports for what comes without protection (and is dropped)."""
        for port in (PROTECTED_CLIENT_PORT, PROTECTED_SERVER_PORT):
            self._plain.append(await UdpPort.open((self._here, port), self._take_plain))
        self._plain_stream = StreamPort("tcp", self._take_plain_stream, lambda _: None)
        await self._plain_stream.open((self._here, PROTECTED_SERVER_PORT))
        self._nat = await UdpPort.open((self._here, esp.NAT_PORT), lambda data, flow: self._take(data, flow.peer))
        try:
            self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, ESP)
            self._icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        except PermissionError:
            log.warning("P-CSCF: no right to raw sockets, so there is no ESP but in UDP")
            return
        self._raw.setsockopt(socket.IPPROTO_IP, IP_RECVFRAGSIZE, 1)
        for raw, read in ((self._raw, self._read), (self._icmp, self._read_icmp)):
            raw.setblocking(False)
            raw.bind((self._here, 0))
            asyncio.get_running_loop().add_reader(raw, read)

    async def close(self) -> None:
        """Close the sockets and forget every set."""
        for raw in (self._raw, self._icmp):
            if raw is not None:
                asyncio.get_running_loop().remove_reader(raw)
                raw.close()
        self._raw = self._icmp = None
        for port in (*self._plain, *([self._nat] if self._nat else [])):
            port.close()
        self._plain.clear()
        if self._plain_stream is not None:
            await self._plain_stream.close()
        self.clear()

    def clear(self) -> None:
        """Forget every set."""
        self._sets.clear()

    def make(self, agreement: Agreement, impi: str, ue: str, ck: bytes, ik: bytes) -> None:
        """Make the set that an agreement and the keys of a challenge give (``EspError`` for strange algorithms)."""
        if agreement.ue is None or agreement.own is None:
            return
        alg, ealg = suite_of(agreement.own)
        keys = esp.expand_keys(alg, ealg, ck, ik)
        inbound = esp.Association(_number(agreement.own, "spi-s"), alg, ealg, *keys)
        outbound = esp.Association(_number(agreement.ue, "spi-s"), alg, ealg, *keys)
        peer = (ue, _number(agreement.ue, "port-s"))
        made: AssociationSet
        flow = Flow(TRANSPORT, peer, next(_numbers), lambda data: self._send(data, made))
        until = time.monotonic() + AWAIT_AUTH_SECONDS
        made = AssociationSet(agreement, impi, ue, inbound, outbound, flow, (ck, ik), until)
        if agreement.ue.get("mod") != "trans":
            made.outer = (ue, esp.NAT_PORT)
        if not self._policy().keep_others_associations:
            for spi, one in list(self._sets.items()):
                if one.flow.peer == peer:
                    del self._sets[spi]
        while len(self._sets) >= MAX_SETS:
            del self._sets[next(iter(self._sets))]
        self._sets[inbound.spi] = made

    def of_flow(self, flow: Flow) -> AssociationSet | None:
        """The set that a flow stands for."""
        return next((one for one in self._sets.values() if one.flow == flow), None)

    @staticmethod
    def widen(one: AssociationSet, alg: str, ealg: str) -> None:
        """Have a set take packets of other algorithms too than those that were agreed on."""
        one.also = esp.Association(one.inbound.spi, alg, ealg, *esp.expand_keys(alg, ealg, *one.keys))

    def settle(self, kept: AssociationSet, impus: tuple[str, ...], until: float) -> None:
        """Take a set into use until then; older sets of the same user go (TS 33.203 7.4, secondary)."""
        kept.impus, kept.until = impus, until + GRACE_SECONDS
        if not self._policy().old_associations_end:
            return
        for spi, one in list(self._sets.items()):
            if one is not kept and one.impi == kept.impi and one.impus:
                del self._sets[spi]

    def drop(self, one: AssociationSet) -> None:
        """End a set whose authentication failed."""
        self._sets.pop(one.inbound.spi, None)

    def end(self, impi: str) -> None:
        """End the sets of a user whose registration ended."""
        self._sets = {spi: one for spi, one in self._sets.items() if one.impi != impi}

    def _read(self) -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                data, notes, _, peer = self._raw.recvmsg(MAX_MESSAGE, 64) if self._raw else (b"", [], 0, ("", 0))
            except OSError:
                return
            if not data:
                return
            if notes and not self._policy().take_fragments:
                continue
            self._take(data[(data[0] & 0x0F) * 4 :], (peer[0], 0))

    def _read_icmp(self) -> None:
        """Take ICMP errors, which quote a packet of ours; who wrote them is not known, so they count for nothing."""
        try:
            data = self._icmp.recv(MAX_MESSAGE) if self._icmp else b""
        except OSError:
            return
        message = data[(data[0] & 0x0F) * 4 :] if data else b""
        quoted = message[8:]
        if not self._policy().heed_icmp or len(quoted) < 24 or message[0] != UNREACHABLE or quoted[9] != ESP:
            return
        spi = esp.spi_of(quoted[(quoted[0] & 0x0F) * 4 :])
        self._sets = {own: one for own, one in self._sets.items() if one.outbound.spi != spi}

    def _take(self, packet: bytes, outer: Address) -> None:
        """Take a packet from the raw socket (port 0 in ``outer``) or from UDP."""
        policy, peer = self._policy(), outer[0]
        found = self._sets.get(esp.spi_of(packet) or 0)
        if found is None and not policy.check_spi:
            found = next((one for one in self._sets.values() if one.ue == peer), None)
            packet = found.inbound.spi.to_bytes(4, "big") + packet[4:] if found else packet
        if found is None and not policy.drop_reflected:
            self._take_reflected(packet)
            return
        if (
            found is None
            or found.until < time.monotonic()
            or found.ue != peer
            or (found.outer is None) is not (outer[1] == 0)
        ):
            return
        if found.outer is not None and not policy.nat_after_check:
            found.outer = outer
        try:
            opened = self._open(found, packet, policy)
            if opened.next_header == tcp.PROTOCOL and found.outer is None:
                self._take_segment(found, opened, policy)
                return
            source, target, data = (udp.parse if found.outer is None else udp.untunnel)(opened.payload)
        except (esp.EspError, udp.UdpError, tcp.TcpError) as error:
            log.debug("P-CSCF: an ESP packet of %s is dropped: %s", peer, error)
            return
        ports = (_number(found.agreement.ue, "port-c"), PROTECTED_SERVER_PORT)
        if policy.check_selectors and (source, target) != ports:
            return
        if not found.window.take(opened.sequence) and policy.check_replay:
            return
        if found.outer is not None:
            found.outer = outer
        self._receive(data, found.flow)

    def _take_segment(self, found: AssociationSet, opened: esp.Opened, policy: SipPolicy) -> None:
        """Take a TCP segment; a SYN begins a connection anew (``TcpError`` when it is none)."""
        source, target, segment = tcp.parse(opened.payload)
        port = _number(found.agreement.ue, "port-c")
        if policy.check_selectors and (source, target) != (port, PROTECTED_SERVER_PORT):
            return
        if not found.window.take(opened.sequence) and policy.check_replay:
            return
        if source not in found.streams and len(found.streams) >= MAX_STREAMS:
            return
        if source not in found.streams or segment.flags & tcp.Flag.SYN:
            seal = partial(self._send_segment, found, source)
            found.streams[source] = EspStream(found.flow, seal, self._receive)
        found.streams[source].take(segment)

    def _send_segment(self, through: AssociationSet, port: int, segment: Segment) -> None:
        """Seal a segment for the UE's client port (TS 33.203 7.1)."""
        out = through.outbound
        back = replace(out, spi=_number(through.agreement.ue, "spi-c"))
        through.sent += 1
        plain = tcp.build((self._here, PROTECTED_SERVER_PORT), (through.ue, port), segment)
        packet = back.seal(through.sent, plain, secrets.token_bytes(back.iv_size), tcp.PROTOCOL)
        with contextlib.suppress(OSError):
            self._raw.sendto(packet, (through.ue, 0)) if self._raw else None

    def _take_reflected(self, packet: bytes) -> None:
        """Take a packet of ours for one of the UE's, as a network does that goes by keys alone."""
        for one in self._sets.values():
            with contextlib.suppress(esp.EspError, udp.UdpError):
                if one.outbound.spi == esp.spi_of(packet):
                    self._receive(udp.parse(one.outbound.open(packet).payload)[2], one.flow)

    @staticmethod
    def _open(found: AssociationSet, packet: bytes, policy: SipPolicy) -> esp.Opened:
        sa = found.inbound
        try:
            return sa.open(packet)
        except esp.EspError:
            if found.also is not None:
                return found.also.open(packet)
            if not policy.null_only_when_agreed and sa.alg != "null":
                return esp.Association(sa.spi, sa.alg, "null", sa.integrity_key).open(packet)
            if not policy.check_icv:
                return _unchecked(sa, packet)
            raise

    def _send(self, data: bytes, through: AssociationSet) -> None:
        if not self._policy().protect_answers and self._plain:
            self._plain[0].flow(through.flow.peer).send(data)
            return
        through.sent += 1
        ends, iv = (
            ((self._here, PROTECTED_CLIENT_PORT), through.flow.peer),
            secrets.token_bytes(through.outbound.iv_size),
        )
        if through.outer is None:
            packet = through.outbound.seal(through.sent, udp.build(*ends, data), iv)
            with contextlib.suppress(OSError):
                self._raw.sendto(packet, (through.ue, 0)) if self._raw else None
        elif self._nat is not None:
            packet = through.outbound.seal(through.sent, udp.tunnel(*ends, data), iv, esp.IPV4)
            self._nat.flow(through.outer).send(packet)

    def _take_plain_stream(self, data: bytes, flow: Flow) -> None:
        """Take what came by TCP without ESP; who is right hangs up."""
        if self._policy().drop_unprotected_streams:
            flow.close()
        else:
            self._hand_on(data, flow)

    def _take_plain(self, data: bytes, flow: Flow) -> None:
        if not self._policy().drop_unprotected:
            self._hand_on(data, flow)

    def _hand_on(self, data: bytes, flow: Flow) -> None:
        """Hand on what came without ESP from the ports of a set as if it had come through it."""
        found = next((one for one in self._sets.values() if flow.peer in _ports(one)), None)
        if found is not None:
            self._receive(data, Flow(TRANSPORT, found.flow.peer, found.flow.number, flow.send))


def _unchecked(sa: esp.Association, packet: bytes) -> esp.Opened:
    """Open a packet whose ICV is wrong, as a network does that does not look at it."""
    bare = esp.Association(sa.spi, "null", sa.ealg, b"", sa.encryption_key)
    return bare.open(packet[: len(packet) - sa.icv_size])


def _ports(one: AssociationSet) -> tuple[Address, Address]:
    return (one.ue, _number(one.agreement.ue, "port-c")), (one.ue, _number(one.agreement.ue, "port-s"))


def _number(mechanism: SecMechanism | None, name: str) -> int:
    return int((mechanism.params.get(name) if mechanism else None) or 0)
