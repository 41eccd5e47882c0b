"""The media peer: calls with audio on the access leg, protected with SDES or DTLS-SRTP."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imsproof.actors.signalling import ended
from imsproof.actors.srtpleg import ProtectedLeg
from imsproof.codec import srtp
from imsproof.codec.rtp import Packets, classify
from imsproof.codec.sdp import Crypto, Fingerprint, SdpSyntaxError, audio_section, description
from imsproof.engine.dtls import DtlsEngine, DtlsError
from imsproof.engine.identity import FINGERPRINT_HASHES, Identity, fingerprint, make_identity
from imsproof.link.dtls import DtlsEndpoint
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Attempt, Exchange
from imsproof.link.udp import UdpEndpoint, open_pair
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from imsproof.actors.farleg import FarLeg
    from imsproof.actors.signalling import Answered, Described, Signalling
    from imsproof.seams import Address

_LAST_PORT = 65535
MANDATORY = "AES_CM_128_HMAC_SHA1_80"
DTLS_PROFILES = ("SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_128_GCM")


@dataclass(frozen=True, slots=True)
class Line:
    """One crypto attribute of an offer (RFC 4568 section 9.1).

    Attributes:
        tag, suite: as written.
        master: key and salt, of whatever length.
        params: what follows the key: lifetime, MKI and session parameters.
        mki: the identifier that packets carry under this line.
        text: the whole value instead, for a line that is none.
    """

    tag: int
    suite: str
    master: bytes
    params: str = ""
    mki: bytes = b""
    text: str = ""

    def value(self) -> str:
        """The attribute's value."""
        return self.text or str(Crypto(self.tag, self.suite, base64.b64encode(self.master).decode(), self.params))

    def context(self) -> srtp.Context | None:
        """Keys of what is sent under this line, ``None`` when none can be made."""
        return _context(self.suite, self.master, self.mki)

    def filled_up(self) -> list[srtp.Context]:
        """Keys that somebody makes of a master that is too short: zeros behind it, or itself again; else none."""
        chosen = srtp.suite(self.suite)
        if chosen is None or self.text or len(self.master) >= chosen.master_size:
            return []
        size = chosen.master_size
        filled = (self.master.ljust(size, b"\0"), (self.master * size)[:size])
        return [srtp.Context(chosen, master) for master in filled]


def _context(name: str, master: bytes, mki: bytes = b"") -> srtp.Context | None:
    chosen = srtp.suite(name)
    return srtp.Context(chosen, master, mki) if chosen and len(master) == chosen.master_size else None


@dataclass(frozen=True, slots=True)
class Handshaking:
    """How the tester does DTLS for SRTP; the defaults are right.

    Attributes:
        identity: another certificate than the announced one.
        anonymous: with no certificate at all.
        any_peer: take whatever certificate the lab has.
        profiles: OpenSSL's names for ``use_srtp``; none leaves the extension out.
        versions, ciphers, security_level: as :class:`imsproof.engine.dtls.DtlsEngine` takes them.
    """

    identity: Identity | None = None
    anonymous: bool = False
    any_peer: bool = False
    profiles: tuple[str, ...] = DTLS_PROFILES
    versions: tuple[str, str] = ("DTLSv1.2", "DTLSv1.2")
    ciphers: bytes | None = None
    security_level: int | None = None


class MediaPeer:
    """The tester's audio: offers protected media to the access side.

    Args:
        session: the purpose's session.
        signalling: makes a new way for an offer to reach the lab.
        random: seeded; keys, SSRCs and sequence numbers come from it.
        address: the tester's IP address on the access side.
        far: the tester's far leg, ``None`` where the lab sends back what it is given.
        actor: the name in the journal.
    """

    def __init__(
        self,
        session: Session,
        signalling: Callable[[], Signalling],
        random: random.Random,
        *,
        address: str,
        far: FarLeg | None = None,
        actor: str = "ue-a",
    ) -> None:
        self.session = session
        self.address = address
        self.random = random
        self.far = far
        self.actor = actor
        self.identity = make_identity()
        self._signalling = signalling

    def line(self, tag: int = 1, suite_name: str = MANDATORY, params: str = "", *, size: int = 0) -> Line:
        """A crypto line with a fresh key, of the suite's length unless ``size`` says another."""
        chosen = srtp.suite(suite_name)
        return Line(tag, suite_name, self.random.randbytes(size or (chosen.master_size if chosen else 30)), params)

    def offer_sdes(
        self, label: str, *lines: Line, again: AudioCall | None = None, proto: str = "RTP/SAVP"
    ) -> AudioCall:
        """Offer audio with SDES keys (RFC 4568), one of the mandatory suite unless ``lines`` say others.

        Args:
            label: of the conversation.
            lines: crypto lines, in their order.
            again: a call that stands, within which this is offered.
            proto: of the media line.
        """
        chosen = lines or (self.line(),)
        attributes = tuple(f"crypto:{line.value()}" for line in chosen)
        call = self._call(again)
        call.lines = {line.tag: line for line in chosen}
        call.offer(label, proto, attributes=attributes)
        call.agree()
        return call

    def offer_without_keys(self, label: str, proto: str = "RTP/SAVP") -> AudioCall:
        """Offer protected audio with neither key nor fingerprint."""
        return self._call(None).offer(label, proto)

    def offer_dtls(
        self, label: str, *, setup: str = "actpass", fingerprints: Sequence[Fingerprint] | None = None
    ) -> AudioCall:
        """Offer audio with DTLS-SRTP (RFC 5763), with the own certificate's fingerprint unless others are given."""
        own = (Fingerprint("SHA-256", self.identity.sha256),) if fingerprints is None else fingerprints
        tls_id = self.random.randbytes(16).hex()
        call = self._call(None)
        return call.offer(label, "UDP/TLS/RTP/SAVP", fingerprints=own, setup=setup, tls_id=tls_id)

    def stranger(self, label: str = "stranger") -> ProtectedLeg:
        """A socket at another port, of somebody who is no party to the call."""
        return self._leg(label)

    def _call(self, again: AudioCall | None) -> AudioCall:
        return again or AudioCall(self, self._signalling(), self._leg(self.actor))

    def _leg(self, actor: str) -> ProtectedLeg:
        exchange = self.session.exchange("media socket")
        pair = open_pair(self.session, actor, exchange, self.address, quiet=True)
        return ProtectedLeg(self.session, *self.session.run(pair), actor, self.random)


class AudioCall:
    """One call with protected audio; as a subject it is about the signalling of its last offer.

    Attributes:
        owner: who made it.
        leg: the tester's end of the access leg.
        seen: where it shows what the lab let through: the far leg, or the access leg of a lab that sends back.
        lines: the crypto lines of the last offer, by tag.
    """

    def __init__(self, owner: MediaPeer, signalling: Signalling, leg: ProtectedLeg) -> None:
        self.owner = owner
        self.session = owner.session
        self.record = owner.session.record
        self.leg = leg
        self.seen: FarLeg | ProtectedLeg = owner.far or leg
        self.lines: dict[int, Line] = {}
        self.answered: Answered | None = None
        self.peer: Described | None = None
        self._signalling = signalling
        self._version = 0
        self._endpoint: DtlsEndpoint | None = None

    @property
    def exchange(self) -> str:
        """The signalling's conversation."""
        return self.answered.exchange if self.answered else ""

    def offer(self, label: str, proto: str, *, attributes: Sequence[str] = (), **media: Any) -> AudioCall:
        """Hand an offer over, with the wish for e2ae protection (TS 24.229), and read the answer."""
        self._version += 1
        address, port = self.leg.udp.local
        section = audio_section(port, proto=proto, attributes=("rtcp-mux", *attributes, "3ge2ae:requested"), **media)
        self.answered = self._signalling.offer(description(address, [section], version=self._version), label)
        self.peer = self.answered.described("audio")
        self.leg.remote = self.peer.where if self.peer else None
        self.leg.reports = None if self.multiplexed else self._reports()
        return self

    def _reports(self) -> Address | None:
        """Where the answer takes RTCP that has a port of its own: a=rtcp (RFC 3605), or the port after RTP's."""
        sdp = self.answered.sdp if self.answered else None
        section = sdp.first("audio") if sdp else None
        if self.peer is None or section is None or self.peer.port == _LAST_PORT:
            return None
        port, _, place = (section.attr("rtcp") or "").strip().partition(" ")
        named = int(port) if port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT else self.peer.port + 1
        where = replace(self.peer, port=named)
        return (replace(where, address=place.split()[-1]) if place.strip() else where).where

    @property
    def udp(self) -> UdpEndpoint:
        """The socket of the access leg."""
        return self.leg.udp

    def send(self, label: str, payload: bytes, *, how: str = "srtp", injected: bool = False) -> Exchange:
        """Send the next packet with this payload, ``srtp`` or ``plain``."""
        data = self.leg.plain(payload) if how == "plain" else self.leg.protected(payload)
        return self.leg.send(label, data, how=how, injected=injected)

    def need_peer(self) -> Described:
        """What the answer says; ``InconclusiveError`` when the lab gave no audio."""
        if self.peer is None or self.answered is None:
            why = self.answered.failed if self.answered else ""
            raise InconclusiveError(f"the lab gave no audio: {why or 'refused in the answer'}")
        return self.peer

    @property
    def multiplexed(self) -> bool:
        """Whether RTCP goes over the port of RTP (RFC 5761)."""
        sdp = self.answered.sdp if self.answered else None
        section = sdp.first("audio") if sdp else None
        return section is not None and section.attr("rtcp-mux") is not None

    def answered_crypto(self) -> list[Crypto]:
        """The crypto lines of the answer whose keys can be read."""
        sdp = self.answered.sdp if self.answered else None
        section = sdp.first("audio") if sdp else None
        found = []
        for value in section.attrs("crypto") if section else ():
            with contextlib.suppress(SdpSyntaxError):
                crypto = Crypto.parse(value)
                crypto.masters()
                found.append(crypto)
        return found

    def agree(self) -> None:
        """Take the keys of offer and answer into use (a sender uses its own key, RFC 4568 section 6.1).

        The answer's line may hold several keys, each with an MKI. One that says none may still send the offer's.
        """
        self.leg.own, theirs = None, []
        for crypto in self.answered_crypto()[:1]:
            line = self.lines.get(crypto.tag)
            if line is not None and line.suite == crypto.suite:
                self.leg.own = line.context()
                for master, mki in crypto.masters():
                    marks = dict.fromkeys([mki] if mki else [line.mki, b""])
                    theirs += [_context(crypto.suite, master, mark) for mark in marks]
        usable = [one for one in theirs if one is not None]
        self.leg.theirs, self.leg.others = (usable[0] if usable else None), tuple(usable[1:])

    def handshake(
        self,
        label: str,
        how: Handshaking | None = None,
        *,
        leg: ProtectedLeg | None = None,
        within: float | None = None,
    ) -> Attempt:
        """Do DTLS for SRTP keys, in the role that the answer leaves; from ``leg`` when it is not the call's own."""
        return self.session.run(self._handshake(label, how or Handshaking(), leg or self.leg, within))

    def end(self) -> None:
        """Hang up; the leg stays open (``InconclusiveError`` when the lab could not be told)."""
        ended(self._signalling)

    def end_dtls(self) -> None:
        """Say close_notify in the DTLS association and leave the socket open."""
        if self._endpoint is not None:
            self.session.run(self._end_dtls(self._endpoint))
            self._endpoint = None

    def close(self) -> None:
        """End the call."""
        self.end_dtls()
        self._signalling.end()

    # Inside, on the link's loop

    async def _handshake(self, label: str, how: Handshaking, leg: ProtectedLeg, within: float | None) -> Attempt:
        exchange = self.session.exchange(label)
        peer = self.need_peer()
        wanted = {(one.hash.lower(), one.value) for one in peer.fingerprints}
        engine = DtlsEngine(
            "server" if peer.setup == "active" else "client",
            None if how.anonymous else how.identity or self.owner.identity,
            versions=how.versions,
            ciphers=how.ciphers,
            security_level=how.security_level,
            srtp_profiles=how.profiles,
            verify_peer=lambda der: (
                how.any_peer or any((name, fingerprint(der, name)) in wanted for name in FINGERPRINT_HASHES)
            ),
            keylog=self.session.keys.append,
        )
        endpoint = DtlsEndpoint(leg.udp, engine, peer.where, exchange=exchange, quiet=True)
        endpoint.on_other = leg.take
        for datagram, source in leg.udp.drain():
            if classify(datagram) is Packets.DTLS:  # what else came is written down already
                leg.udp.keep(datagram, source)
        if leg is self.leg:
            self._endpoint = endpoint
        attempt = Attempt(record=self.record, exchange=exchange)
        try:
            attempt.facts = await endpoint.handshake(within)
            attempt.connected = True
            keys = engine.export_srtp_keys()
            leg.own, leg.theirs = _context(keys.profile, keys.local), _context(keys.profile, keys.remote)
            leg.look_back()
        except (ConnectionFailedError, DtlsError) as error:
            attempt.failed = str(error)
        return attempt

    async def _end_dtls(self, endpoint: DtlsEndpoint) -> None:
        await endpoint.say_goodbye()
        endpoint.udp.on_datagram = self.leg.take
