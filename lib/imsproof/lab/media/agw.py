"""The IMS-AGW with its part of the IMS-ALG: protected audio on the access leg, RTP/AVP towards the core.

TS 23.334 clauses 6.2.10.2 (SDES) and 6.2.10.5 (DTLS-SRTP), secondary. Data channels pass untouched.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from imsproof.codec.sdp import Crypto, MediaSection, Sdp, SdpSyntaxError
from imsproof.engine.identity import Identity, make_identity
from imsproof.engine.srtp import SrtpContext, SrtpError, format_inline, inline_master, suite
from imsproof.lab.media.dtlspeer import own_role, usable_fingerprints
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.relay import AudioRelay, DtlsProtection, SdesProtection
from imsproof.lab.media.sdeslines import KeyMaker, answer, choose

if TYPE_CHECKING:
    from imsproof.codec.srtp import Suite
    from imsproof.lab.media.policy import MediaPolicy
    from imsproof.lab.policy import PolicyBox

Access = Literal["sdes", "dtls"]
Side = Literal["originating", "terminating"]

SDES_SUITES = ("AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80")
"""Suites that are offered, best first; both are taken."""
MAX_STREAMS = 1024
_CORE_PROTO = {
    "RTP/SAVP": "RTP/AVP",
    "RTP/SAVPF": "RTP/AVPF",
    "UDP/TLS/RTP/SAVP": "RTP/AVP",
    "UDP/TLS/RTP/SAVPF": "RTP/AVPF",
}
_ACCESS_PROTO = {"sdes": {"RTP/AVP": "RTP/SAVP", "RTP/AVPF": "RTP/SAVPF"}}
_ACCESS_PROTO["dtls"] = {core: f"UDP/TLS/{access}" for core, access in _ACCESS_PROTO["sdes"].items()}
_ACCESS_ONLY = ("crypto", "3ge2ae", "fingerprint", "setup", "tls-id")


@dataclass(slots=True)
class _Stream:
    """One audio line of a call: its relay, and what the access side said about it."""

    relay: AudioRelay
    proto: str
    offered: dict[int, tuple[Suite, bytes]] = field(default_factory=dict)
    answer: Crypto | None = None
    setup: str = ""


class AccessGateway:
    """The IMS-AGW.

    Args:
        address: IP address of its media ports, on both sides.
        policy: the lab's policy.
    """

    def __init__(self, address: str, policy: PolicyBox) -> None:
        self.address = address
        self.identity: Identity = make_identity(name="agw")
        self._policy = policy
        self._streams: dict[tuple[str, Side], dict[int, _Stream]] = {}
        self._keys = KeyMaker()
        self._other: Identity = make_identity(name="agw")

    @property
    def _media(self) -> MediaPolicy:
        return self._policy.current.media

    @property
    def relays(self) -> list[AudioRelay]:
        """All streams that exist."""
        return [stream.relay for call in self._streams.values() for stream in call.values()]

    # Originating side: the UE offers

    async def offer_from_access(self, call_id: str, sdp: bytes) -> bytes:
        """Return the offer for the core: protected audio becomes RTP/AVP at the gateway.

        An offer within the call gets new ports and keys; when it is refused, what stands goes on (RFC 3261 clause 14).

        Raises:
            MediaRefusedError: neither keys nor fingerprint that can be used, or no room.
        """
        description = Sdp.parse(sdp)
        streams: dict[int, _Stream] = {}
        try:
            for index, media in enumerate(description.media):
                if _protected_audio(media):
                    streams[index] = await self._from_ue(description, media)
        except ValueError:
            _close(streams)
            raise
        former = self._streams.get((call_id, "originating"), {})
        if "first-key" in self._media.srtp_careless:
            for index, stream in former.items():
                streams[index].relay.protection.inbound = stream.relay.protection.inbound
        _close(former)
        self._streams[call_id, "originating"] = streams
        return description.to_bytes()

    async def _from_ue(self, description: Sdp, media: MediaSection) -> _Stream:
        stream = _Stream(await self._relay(), media.proto)
        try:
            stream.relay.access_remote = _address(description, media)
            if media.proto.startswith("UDP/TLS/"):
                self._expect_dtls(stream, description, media)
            else:
                self._choose_sdes(stream, media)
        except ValueError:
            stream.relay.close()
            raise
        self._core_form(media, stream)
        return stream

    async def answer_to_access(self, call_id: str, sdp: bytes) -> bytes:
        """Return the answer for the UE: the gateway's address, and its key or fingerprint."""
        description = Sdp.parse(sdp)
        for index, stream in self._streams.get((call_id, "originating"), {}).items():
            if index >= len(description.media) or description.media[index].port <= 0:
                continue
            media = description.media[index]
            stream.relay.core_remote = _address(description, media)
            media.proto, media.port, media.connection = stream.proto, stream.relay.access_port, self.address
            if stream.answer is not None:
                media.set_attr("crypto", str(stream.answer))
            elif isinstance(stream.relay.protection, DtlsProtection):
                self._describe_dtls(media, stream.setup)
            if "downgrade" in self._media.srtp_careless:
                media.proto = _CORE_PROTO.get(media.proto, media.proto)
        return description.to_bytes()

    # Terminating side: the core offers

    async def offer_to_access(self, call_id: str, sdp: bytes, protection: Access = "sdes") -> bytes:
        """Return the offer for the UE: plain audio becomes protected at the gateway, marked ``3ge2ae:applied``.

        Raises:
            MediaRefusedError: no room.
        """
        description = Sdp.parse(sdp)
        self._drop(call_id, "terminating")
        streams = self._streams.setdefault((call_id, "terminating"), {})
        for index, media in enumerate(description.media):
            proto = _ACCESS_PROTO[protection].get(media.proto)
            if media.kind != "audio" or media.port <= 0 or proto is None:
                continue
            stream = streams[index] = _Stream(await self._relay(), media.proto)
            stream.relay.core_remote = _address(description, media)
            media.proto, media.port, media.connection = proto, stream.relay.access_port, self.address
            if protection == "sdes":
                self._offer_sdes(stream, media)
            else:
                stream.relay.use_dtls()
                self._describe_dtls(media, "actpass")
            media.set_attr("3ge2ae", "applied")
        return description.to_bytes()

    async def answer_from_access(self, call_id: str, sdp: bytes) -> bytes:
        """Return the answer for the core: RTP/AVP at the gateway.

        Raises:
            MediaRefusedError: the UE's answer has neither keys nor fingerprint that can be used.
        """
        description = Sdp.parse(sdp)
        for index, stream in self._streams.get((call_id, "terminating"), {}).items():
            if index >= len(description.media) or description.media[index].port <= 0:
                continue
            media = description.media[index]
            stream.relay.access_remote = _address(description, media)
            if isinstance(stream.relay.protection, DtlsProtection):
                self._expect_dtls(stream, description, media)
            else:
                self._take_sdes(stream, media)
            self._core_form(media, stream)
        return description.to_bytes()

    # End of a call

    async def release(self, call_id: str) -> None:
        """Give back all ports of a call; one that is not there is no error."""
        if "outlives" in self._media.srtp_careless:
            return
        self._drop(call_id, "originating")
        self._drop(call_id, "terminating")

    async def reset(self) -> None:
        """Give back all ports."""
        for call_id, side in list(self._streams):
            self._drop(call_id, side)

    stop = reset

    def _drop(self, call_id: str, side: Side) -> None:
        _close(self._streams.pop((call_id, side), {}))

    async def _relay(self) -> AudioRelay:
        if len(self.relays) >= MAX_STREAMS:
            raise MediaRefusedError(f"no room: {MAX_STREAMS} streams exist")
        relay = AudioRelay(self._policy, self.identity, self._inbound)
        try:
            await relay.open(self.address)
        except OSError as error:
            relay.close()
            raise MediaRefusedError(f"no port at {self.address}: {error}") from error
        return relay

    def _inbound(self) -> list[SrtpContext]:
        """Keys of what comes in, of every call."""
        return [one.protection.inbound for one in self.relays if one.protection.inbound is not None]

    def _core_form(self, media: MediaSection, stream: _Stream) -> None:
        """What only the access leg knows is taken out before the core sees it."""
        leaks = self._media.srtp_careless
        for name in _ACCESS_ONLY:
            if f"leaks-{name}" not in leaks:
                media.remove_attr(name)
        media.proto = _CORE_PROTO.get(media.proto, media.proto)
        media.port, media.connection = stream.relay.core_port, self.address

    # SDES

    def _choose_sdes(self, stream: _Stream, media: MediaSection) -> None:
        """Take the first crypto line that can be used, and make the answer's."""
        try:
            taken = choose(self._media, media)
        except MediaRefusedError:
            if ("no-usable-line" if media.attrs("crypto") else "no-line") not in self._media.srtp_careless:
                raise
            stream.proto, stream.relay.protection.open = _CORE_PROTO[media.proto], True
            return
        name, theirs = taken.suite.sdes, taken.master
        ours = self._keys.fresh(self._media, taken.suite) if self._media.srtp_key_per_direction else theirs
        stream.relay.protection = SdesProtection(SrtpContext(name, theirs), SrtpContext(name, ours))
        stream.answer = answer(self._media, taken, ours)

    def _offer_sdes(self, stream: _Stream, media: MediaSection) -> None:
        for tag, name in enumerate(SDES_SUITES, start=1):
            chosen = suite(name)
            key = self._keys.fresh(self._media, chosen)
            stream.offered[tag] = (chosen, key)
            media.add_attr("crypto", str(Crypto(tag, name, _base64(key))))

    def _take_sdes(self, stream: _Stream, media: MediaSection) -> None:
        try:
            crypto = Crypto.parse(media.attr("crypto") or "")
            chosen, ours = stream.offered[crypto.tag]
            theirs = inline_master(chosen, crypto.key_b64)
        except (KeyError, SdpSyntaxError, SrtpError) as error:
            raise MediaRefusedError(f"the answer's crypto line cannot be used: {error}") from error
        if crypto.suite != chosen.sdes:
            raise MediaRefusedError(f"tag {crypto.tag} was offered with {chosen.sdes}, answered with {crypto.suite}")
        stream.relay.protection = SdesProtection(SrtpContext(chosen.sdes, theirs), SrtpContext(chosen.sdes, ours))

    # DTLS-SRTP

    def _expect_dtls(self, stream: _Stream, description: Sdp, media: MediaSection) -> None:
        section = media if media.attr("fingerprint") is not None else description.session
        fingerprints = self._fingerprints(section.attrs("fingerprint"))
        offered = media.attr("setup") or description.session.attr("setup") or ""
        role, stream.setup = own_role(offered, "passive")
        if "setup" in self._media.srtp_careless and offered != "actpass":
            stream.setup = offered
        protection = stream.relay.protection
        if not isinstance(protection, DtlsProtection):
            protection = stream.relay.use_dtls()
        protection.begin(role, fingerprints)

    def _fingerprints(self, lines: list[str]) -> tuple[str, ...]:
        if not lines and "no-fingerprint" in self._media.srtp_careless:
            return ()
        return usable_fingerprints(self._media, lines)

    def _describe_dtls(self, media: MediaSection, setup: str) -> None:
        other = "other-certificate" in self._media.srtp_careless
        media.set_attr("fingerprint", (self._other if other else self.identity).sdp_fingerprint)
        media.set_attr("setup", setup)
        media.set_attr("tls-id", secrets.token_hex(16))


def _protected_audio(media: MediaSection) -> bool:
    return media.kind == "audio" and media.port > 0 and media.proto in _CORE_PROTO


def _address(description: Sdp, media: MediaSection) -> tuple[str, int]:
    address = description.address(media)
    if address is None or media.port <= 0:
        raise MediaRefusedError("the description has no address for its audio")
    return address, media.port


def _base64(master: bytes) -> str:
    return format_inline(master).removeprefix("inline:")


def _close(streams: dict[int, _Stream]) -> None:
    for stream in streams.values():
        stream.relay.close()
