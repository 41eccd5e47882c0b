"""One media stream through the IMS-AGW: two UDP ports, protection on the access leg, plain RTP in the core."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from imsproof.codec.rtp import Packets, RtpPacket, RtpSyntaxError, classify
from imsproof.engine.srtp import SrtpContext, SrtpError, suite
from imsproof.lab.media.dtlspeer import DtlsPeer, make_engine, matches_any
from imsproof.lab.media.srtpguard import CarelessReceiver, CarelessSender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imsproof.engine.dtls import Role
    from imsproof.engine.identity import Identity
    from imsproof.lab.media.policy import MediaPolicy
    from imsproof.lab.policy import PolicyBox

Address = tuple[str, int]

BY_ITSELF = {"roc-lost", "early-state", "reordered"}
"""Kinds of carelessness that need a receiver other than the library's."""
BYE = 203
PATIENCE = 100
"""Refused packets after which a gateway that gives up does so."""
SENDS = {"sends-plain", "sends-roc-0", "sends-bad-tags", "sends-again"}
SENDS_REPORTS = {"sends-plain-reports", "sends-clear-reports"}


class Protection(Protocol):
    """How the access leg is protected."""

    inbound: SrtpContext | None
    outbound: SrtpContext | None
    open: bool
    """Whether packets are taken as they come: a fault."""

    def handshake(self, datagram: bytes) -> None:
        """Take a DTLS datagram from the access leg."""

    def close(self) -> None:
        """Stop."""


class SdesProtection:
    """Keys that were agreed in SDP (RFC 4568); each direction has its own."""

    def __init__(self, inbound: SrtpContext | None = None, outbound: SrtpContext | None = None) -> None:
        self.inbound = inbound
        self.outbound = outbound
        self.open = False

    def handshake(self, datagram: bytes) -> None:
        """Drop it: there is no DTLS here."""

    def close(self) -> None:
        """Nothing to stop."""


class DtlsProtection:
    """Keys from a DTLS handshake on the media port (RFC 5764)."""

    def __init__(self, policy: PolicyBox, identity: Identity, send: Callable[[bytes], None]) -> None:
        self.inbound: SrtpContext | None = None
        self.outbound: SrtpContext | None = None
        self.open = False
        self._policy = policy
        self._identity = identity
        self._send = send
        self._peer: DtlsPeer | None = None
        self._fingerprints: tuple[str, ...] = ()

    def begin(self, role: Role, fingerprints: tuple[str, ...]) -> None:
        """Expect, or begin, the handshake with a peer of one of these fingerprints."""
        self._fingerprints = fingerprints
        media = self._policy.current.media
        profiles = tuple(suite(name).dtls for name in media.srtp_suites)
        engine = make_engine(media, role, self._identity, self._verify, srtp_profiles=profiles)
        self._peer = DtlsPeer(engine, self._send)
        if role == "client":
            self._peer.start()

    def _verify(self, der: bytes) -> bool:
        return not self._policy.current.media.srtp_check_fingerprint or matches_any(der, self._fingerprints)

    def handshake(self, datagram: bytes) -> None:
        """Take a DTLS datagram; when the handshake is over, the keys are there."""
        if self._peer is None:
            return
        self._peer.receive(datagram)
        engine = self._peer.engine
        if engine.state == "connected" and self.inbound is None and engine.srtp_profile:
            keys = engine.export_srtp_keys()
            ours = keys.remote if "one-exported-key" in self._careless else keys.local
            self.inbound, self.outbound = SrtpContext(keys.profile, keys.remote), SrtpContext(keys.profile, ours)
        without = engine.state == "connected" and not engine.srtp_profile and "no-use-srtp" in self._careless
        self.open = without or (engine.state == "closed" and "plain-after-close" in self._careless)

    @property
    def _careless(self) -> tuple[str, ...]:
        return self._policy.current.media.srtp_careless

    def close(self) -> None:
        """Say goodbye."""
        if self._peer is not None:
            self._peer.close()


class _Port(asyncio.DatagramProtocol):
    """A UDP port that hands over what it receives."""

    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self._receive = receive

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, (addr[0], addr[1]))

    @property
    def number(self) -> int:
        assert self.transport is not None
        return int(self.transport.get_extra_info("sockname")[1])

    def send(self, data: bytes, target: Address | None) -> None:
        if self.transport is not None and target is not None and not self.transport.is_closing():
            self.transport.sendto(data, target)


class AudioRelay:
    """A stream between the access leg and the core; :attr:`dropped` counts what was not let through."""

    def __init__(
        self, policy: PolicyBox, identity: Identity, others: Callable[[], Iterable[SrtpContext]] = tuple
    ) -> None:
        self.access_remote: Address | None = None
        self.core_remote: Address | None = None
        self.protection: Protection = SdesProtection()
        self.dropped = 0
        self.relayed = 0
        self._policy = policy
        self._identity = identity
        self._others = others
        self._receiver: CarelessReceiver | None = None
        self._sender: CarelessSender | None = None
        self._refused = 0
        self._ended = False
        self._stranger: Address | None = None
        self._access = _Port(self._on_access)
        self._core = _Port(self._on_core)

    async def open(self, address: str) -> None:
        """Take two ports at ``address`` (``OSError`` when there is none)."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self._access, local_addr=(address, 0))
        await loop.create_datagram_endpoint(lambda: self._core, local_addr=(address, 0))

    @property
    def access_port(self) -> int:
        """UDP port towards the UE."""
        return self._access.number

    @property
    def core_port(self) -> int:
        """UDP port towards the core."""
        return self._core.number

    def use_dtls(self) -> DtlsProtection:
        """Protect the access leg with DTLS-SRTP, and return what takes the peer's description."""
        protection = DtlsProtection(
            self._policy, self._identity, lambda data: self._access.send(data, self.access_remote)
        )
        self.protection = protection
        return protection

    def close(self) -> None:
        """Give the ports back."""
        self.protection.close()
        for port in (self._access, self._core):
            if port.transport is not None:
                port.transport.close()

    @property
    def _media(self) -> MediaPolicy:
        return self._policy.current.media

    def _on_access(self, data: bytes, source: Address) -> None:
        if source != self.access_remote and not self._endures(data, source):
            self.dropped += 1
            return
        kind = classify(data)
        if kind is Packets.DTLS:
            self.protection.handshake(data)
            return
        plain = self._unprotected(kind, data)
        if plain is None:
            self.dropped += 1
            return
        self.relayed += 1
        self._core.send(plain, self.core_remote)

    def _endures(self, data: bytes, source: Address) -> bool:
        """Whether a datagram from elsewhere is looked at: never, but for faults."""
        careless = self._media.srtp_careless
        if "restarts" in careless and classify(data) is Packets.DTLS:
            if source != self._stranger:
                self._stranger = self.access_remote = source
                self.use_dtls().begin("server", ())
            return True
        if "latches" in careless or ("latches-first" in careless and self._stranger is None and not self.relayed):
            self._stranger = self.access_remote = source
            return True
        return not self._media.srtp_source_checked

    def _unprotected(self, kind: Packets, data: bytes) -> bytes | None:
        context, careless = self.protection.inbound, self._media.srtp_careless
        if self.protection.open or (context is None and "early-plain" in careless):
            return data
        self._ended = self._ended or _ends(kind, data, careless)
        if context is None or self._ended:
            return None if self._media.srtp_required else data
        if kind is Packets.RTP and BY_ITSELF & set(careless):
            return self._careful(context).by_itself(data, careless)
        try:
            plain = context.unprotect_rtcp(data) if kind is Packets.RTCP else context.unprotect(data)
        except SrtpError:
            self._refused += 1
            self._ended = "gives-up" in careless and self._refused > PATIENCE
            found = self._careful(context).refused(kind, data, careless) if careless else None
            return found if found is not None or self._media.srtp_required else data
        if careless and kind is Packets.RTP:
            self._careful(context).took(data)
        return plain

    def _careful(self, context: SrtpContext) -> CarelessReceiver:
        if self._receiver is None:
            self._receiver = CarelessReceiver(context, self.protection.outbound or context, self._others)
        return self._receiver

    def _on_core(self, data: bytes, source: Address) -> None:
        context = self.protection.outbound
        if source != self.core_remote or context is None:
            if "plain-before-keys" in self._media.srtp_careless:
                self._access.send(data, self.access_remote)
            self.dropped += 1
            return
        try:
            protected = self._protected(context, data, report=classify(data) is Packets.RTCP)
        except SrtpError:
            self.dropped += 1
            return
        self.relayed += 1
        self._access.send(protected, self.access_remote)

    def _protected(self, context: SrtpContext, data: bytes, *, report: bool) -> bytes:
        careless = self._media.srtp_careless
        if (SENDS_REPORTS if report else SENDS) & set(careless):
            self._sender = self._sender or CarelessSender(context)
            return self._sender.report(data, careless) if report else self._sender.protect(data, careless)
        return context.protect_rtcp(data) if report else context.protect(data)


def _ends(kind: Packets, data: bytes, careless: tuple[str, ...]) -> bool:
    """Whether a packet ends the stream of a gateway that does not bear it: a fault."""
    if "plain-bye" in careless and kind is Packets.RTCP:
        return BYE in (data[1], *data[9:10])
    if "lies" not in careless:
        return False
    try:
        return RtpPacket.parse(data).padding
    except RtpSyntaxError:
        return True
