"""One media stream through the IMS-AGW: two UDP ports, protection on the access leg, plain RTP in the core."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from imsproof.codec.rtp import Packets, classify
from imsproof.engine.srtp import SrtpContext, SrtpError
from imsproof.lab.media.dtlspeer import DtlsPeer, make_engine, matches_any

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.engine.dtls import Role
    from imsproof.engine.identity import Identity
    from imsproof.lab.policy import PolicyBox

Address = tuple[str, int]

SRTP_PROFILES = ("SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80")


class Protection(Protocol):
    """How the access leg is protected."""

    inbound: SrtpContext | None
    outbound: SrtpContext | None

    def handshake(self, datagram: bytes) -> None:
        """Take a DTLS datagram from the access leg."""

    def close(self) -> None:
        """Stop."""


class SdesProtection:
    """Keys that were agreed in SDP (RFC 4568); each direction has its own."""

    def __init__(self, inbound: SrtpContext | None = None, outbound: SrtpContext | None = None) -> None:
        self.inbound = inbound
        self.outbound = outbound

    def handshake(self, datagram: bytes) -> None:
        """Drop it: there is no DTLS here."""

    def close(self) -> None:
        """Nothing to stop."""


class DtlsProtection:
    """Keys from a DTLS handshake on the media port (RFC 5764)."""

    def __init__(self, policy: PolicyBox, identity: Identity, send: Callable[[bytes], None]) -> None:
        self.inbound: SrtpContext | None = None
        self.outbound: SrtpContext | None = None
        self._policy = policy
        self._identity = identity
        self._send = send
        self._peer: DtlsPeer | None = None
        self._fingerprints: tuple[str, ...] = ()

    def begin(self, role: Role, fingerprints: tuple[str, ...]) -> None:
        """Expect, or begin, the handshake with a peer of one of these fingerprints."""
        self._fingerprints = fingerprints
        engine = make_engine(
            self._policy.current.media, role, self._identity, self._verify, srtp_profiles=SRTP_PROFILES
        )
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
            self.inbound = SrtpContext(keys.profile, keys.remote)
            self.outbound = SrtpContext(keys.profile, keys.local)

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

    def __init__(self, policy: PolicyBox, identity: Identity) -> None:
        self.access_remote: Address | None = None
        self.core_remote: Address | None = None
        self.protection: Protection = SdesProtection()
        self.dropped = 0
        self.relayed = 0
        self._policy = policy
        self._identity = identity
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

    def _on_access(self, data: bytes, source: Address) -> None:
        if source != self.access_remote and self._policy.current.media.srtp_source_checked:
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

    def _unprotected(self, kind: Packets, data: bytes) -> bytes | None:
        context = self.protection.inbound
        if context is not None:
            try:
                return context.unprotect_rtcp(data) if kind is Packets.RTCP else context.unprotect(data)
            except SrtpError:
                pass
        return None if self._policy.current.media.srtp_required else data

    def _on_core(self, data: bytes, source: Address) -> None:
        context = self.protection.outbound
        if source != self.core_remote or context is None:
            self.dropped += 1
            return
        try:
            rtcp = classify(data) is Packets.RTCP
            protected = context.protect_rtcp(data) if rtcp else context.protect(data)
        except SrtpError:
            self.dropped += 1
            return
        self.relayed += 1
        self._access.send(protected, self.access_remote)
