"""The media peer: audio on the access leg with SDES or DTLS-SRTP, and what of it comes out at the far side."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from imsproof.codec.rtp import RtpPacket, RtpSyntaxError
from imsproof.codec.sdp import Crypto, Fingerprint, Sdp, audio_section, description
from imsproof.engine.dtls import DtlsEngine, DtlsError
from imsproof.engine.identity import FINGERPRINT_HASHES, Identity, fingerprint, make_identity
from imsproof.engine.srtp import SrtpContext, format_inline, inline_master, suite
from imsproof.link.dtls import DtlsEndpoint
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Attempt, Exchange
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import Address, InconclusiveError, Kind

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from imsproof.actors.signalling import Answered, Described, Signalling

DTLS_PROFILES = ("SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_128_GCM")
PCMU = 0


def describe_rtp(data: bytes) -> tuple[str, Mapping[str, Any]]:
    """Read the header of a packet that came in; what is not RTP has no facts."""
    try:
        packet = RtpPacket.parse(data)
    except RtpSyntaxError:
        return "", {}
    return "", {"ssrc": packet.ssrc, "seq": packet.sequence, "pt": packet.payload_type}


class MediaPeer:
    """The tester's audio: offers protected media to the access side and listens on the far side.

    Args:
        session: the purpose's session.
        signalling: how offers reach the lab.
        random: seeded; keys, SSRCs and sequence numbers come from it.
        actor: the name in the journal.
    """

    def __init__(self, session: Session, signalling: Signalling, random: random.Random, *, actor: str = "ue-a") -> None:
        self._session = session
        self._signalling = signalling
        self._random = random
        self._actor = actor
        self.identity = make_identity()

    def offer_sdes(self, label: str, suite_name: str = "AES_CM_128_HMAC_SHA1_80") -> AudioCall:
        """Offer audio with one SDES key (RFC 4568) and ask for e2ae protection (TS 24.229)."""
        chosen = suite(suite_name)
        master = self._random.randbytes(chosen.key_size + chosen.salt_size)
        inline = format_inline(master).removeprefix("inline:")
        call = self._open("RTP/SAVP", crypto=(Crypto(1, suite_name, inline),))
        return call.offered(label, master=master, suite_name=suite_name)

    def offer_dtls(self, label: str, *, setup: str = "actpass") -> AudioCall:
        """Offer audio with DTLS-SRTP (RFC 5763) and ask for e2ae protection."""
        call = self._open(
            "UDP/TLS/RTP/SAVP",
            fingerprints=(Fingerprint("SHA-256", self.identity.sha256),),
            setup=setup,
            tls_id=self.identity.sha256.replace(":", "")[:32],
        )
        return call.offered(label)

    def _open(self, proto: str, **media: Any) -> AudioCall:
        udp = self._session.run(self._socket())
        section = audio_section(udp.local[1], proto=proto, attributes=("3ge2ae:requested",), **media)
        offer = description(udp.local[0], [section])
        return AudioCall(self._session, self._signalling, self._random, self._actor, self.identity, udp, offer)

    async def _socket(self) -> UdpEndpoint:
        local = (self._signalling.local_address, 0)
        exchange = self._session.exchange("media socket")
        return await UdpEndpoint.open(self._session, self._actor, exchange, local=local, quiet=True)


@dataclass(slots=True)
class AudioCall:
    """One audio offer with its answer; a subject that is about the signalling."""

    session: Session
    signalling: Signalling
    random: random.Random
    actor: str
    identity: Identity
    udp: UdpEndpoint
    offer: Sdp
    answered: Answered | None = None
    peer: Described | None = None
    _master: bytes = b""
    _suite: str = ""
    _context: SrtpContext | None = None
    _packet: RtpPacket | None = None
    _endpoint: DtlsEndpoint | None = field(default=None)

    def offered(self, label: str, *, master: bytes = b"", suite_name: str = "") -> AudioCall:
        """Hand the offer over."""
        self.answered = self.signalling.offer(self.offer, label)
        self.peer = self.answered.described("audio")
        self._master, self._suite = master, suite_name
        return self

    @property
    def record(self) -> Any:
        """The record that the signalling is part of."""
        return self.session.record

    @property
    def exchange(self) -> str:
        """The signalling's conversation."""
        return self.answered.exchange if self.answered else ""

    def need_peer(self) -> Described:
        """What the answer says; ``InconclusiveError`` when the lab gave no audio."""
        if self.peer is None or self.answered is None:
            why = self.answered.failed if self.answered else ""
            raise InconclusiveError(f"the lab gave no audio: {why or 'refused in the answer'}")
        return self.peer

    def answered_crypto(self) -> list[Crypto]:
        """The SDES keys of the answer."""
        sdp = self.answered.sdp if self.answered else None
        section = sdp.first("audio") if sdp else None
        return [Crypto.parse(value) for value in section.attrs("crypto")] if section else []

    def handshake(self, label: str) -> Attempt:
        """Do DTLS for SRTP keys, in the role that the answer leaves."""
        return self.session.run(self._handshake(label))

    def use_sdes(self) -> None:
        """Protect what is sent with the offered SDES key (a sender uses its own key, RFC 4568 section 6.1)."""
        self._context = SrtpContext(self._suite, inline_master(suite(self._suite), format_inline(self._master)))

    def send(self, label: str, payload: bytes, *, how: Literal["srtp", "plain"], injected: bool = False) -> Exchange:
        """Send one packet with this payload, protected or plain, to the address of the answer."""
        return self.session.run(self._send(label, payload, how, injected=injected))

    def close(self) -> None:
        """End the call."""
        self.session.run(self._close())
        self.signalling.end()

    # Inside, on the link's loop

    async def _handshake(self, label: str) -> Attempt:
        exchange = self.session.exchange(label)
        peer = self.need_peer()
        wanted = {(one.hash.lower(), one.value) for one in peer.fingerprints}
        engine = DtlsEngine(
            "server" if peer.setup == "active" else "client",
            self.identity,
            srtp_profiles=DTLS_PROFILES,
            verify_peer=lambda der: any((name, fingerprint(der, name)) in wanted for name in FINGERPRINT_HASHES),
            keylog=self.session.keys.append,
        )
        self._endpoint = DtlsEndpoint(self.udp, engine, peer.where, exchange=exchange, quiet=True)
        try:
            facts = await self._endpoint.handshake()
            keys = engine.export_srtp_keys()
        except (ConnectionFailedError, DtlsError) as error:
            return Attempt(record=self.session.record, exchange=exchange, failed=str(error))
        self._context = SrtpContext(keys.profile, keys.local)
        return Attempt(record=self.session.record, exchange=exchange, connected=True, facts=facts)

    async def _send(self, label: str, payload: bytes, how: str, *, injected: bool) -> Exchange:
        exchange = self.session.exchange(label)
        self._packet = (
            self._packet.following(payload)
            if self._packet
            else RtpPacket(
                PCMU,
                self.random.randrange(1 << 15),
                self.random.randrange(1 << 31),
                self.random.randrange(1 << 32),
                payload,
            )
        )
        plain = self._packet.to_bytes()
        if how == "srtp" and self._context is None:
            raise InconclusiveError("there are no SRTP keys to protect with")
        data = self._context.protect(plain) if how == "srtp" and self._context else plain
        remote = self.need_peer().where
        facts: dict[str, Any] = {
            "protected": how,
            "ssrc": self._packet.ssrc,
            "seq": self._packet.sequence,
            "pt": self._packet.payload_type,
        }
        if injected:
            facts["injected"] = True
        self.session.emit(
            Kind.SENT,
            self.actor,
            exchange,
            transport="rtp",
            local=self.udp.local,
            remote=remote,
            data=data,
            facts=facts,
        )
        await self.udp.send(data, remote)
        return Exchange(record=self.session.record, exchange=exchange)

    async def _close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.aclose()
            self._endpoint = None


class FarLeg:
    """The far side's media socket: what the gateway gives out of what it was given.

    Args:
        session: the purpose's session.
        address: the tester's IP address on the far side.
        actor: the name in the journal.
    """

    def __init__(self, session: Session, address: str, *, actor: str = "far") -> None:
        self.session = session
        self.record = session.record
        self.exchange = session.exchange("far leg")
        self._udp = session.run(
            UdpEndpoint.open(session, actor, self.exchange, local=(address, 0), describe=describe_rtp)
        )
        self._udp.transport_name = "rtp"

    @property
    def where(self) -> Address:
        """The socket's address."""
        return self._udp.local

    def sdp(self) -> Sdp:
        """A description of plain RTP at this socket."""
        return description(self._udp.local[0], [audio_section(self._udp.local[1])])

    def wait_for(self, payload: bytes, within: float) -> bool:
        """Wait until a packet with this payload arrives; ``False`` when none did within ``within`` seconds."""
        return self.session.run(self._wait_for(payload, within))

    async def _wait_for(self, payload: bytes, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                while True:
                    got = await self._udp.receive(within)
                    if got is None:
                        return False
                    if payload in got[0]:
                        return True
        except TimeoutError:
            return False


def b64(payload: bytes) -> str:
    """A payload as predicates take it."""
    return base64.b64encode(payload).decode("ascii")
