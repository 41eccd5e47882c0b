"""A UE of the lab's own, behind the P-CSCF: it takes every call: audio, end-to-end data channels, messages."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imsproof.codec.sdp import (
    Fingerprint,
    MediaSection,
    Sdp,
    SdpSyntaxError,
    audio_section,
    data_channel_section,
    description,
)
from imsproof.codec.sip import response
from imsproof.engine.identity import Identity, make_identity
from imsproof.lab.media.association import DcAssociation
from imsproof.lab.media.bootstrap import Bootstrap
from imsproof.lab.media.echo import RtpEcho
from imsproof.lab.media.msrp.endpoint import MsrpEndpoint
from imsproof.lab.sip import dcsdp, hops, offers
from imsproof.lab.sip.imsas import has_sdp
from imsproof.lab.sip.node import Node, Served

if TYPE_CHECKING:
    from imsproof.codec.sip import Message
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.transport import Address, Flow

log = logging.getLogger("imsproof.lab.sip")

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, UPDATE"
MAX_CALLS = 64
RESEND_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""When an unacknowledged 200 is sent again (RFC 3261 13.3.1.4)."""


@dataclass(eq=False)
class FarCall:
    """A call that was answered: its tag, its media, and whether the answer was acknowledged."""

    tag: str
    audio: RtpEcho | None = None
    channels: dict[int, DcAssociation] = field(default_factory=dict)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    async def close(self) -> None:
        """Give the media back; nothing waits for an acknowledgement any more."""
        self.acknowledged.set()
        if self.audio:
            self.audio.close()
        for association in self.channels.values():
            with suppress(OSError):
                await association.close()


class FarUe(Node):
    """Takes calls from the P-CSCF only."""

    def __init__(self, address: str, box: PolicyBox, *, pcscf: Address) -> None:
        super().__init__("far UE", address, box)
        self._pcscf = pcscf
        self.identity: Identity = make_identity(name="far")
        self.messages = MsrpEndpoint(address, box)
        self._calls: dict[str, FarCall] = {}

    async def start(self) -> None:
        """Open every socket (``OSError`` when one cannot be had)."""
        await super().start()
        await self.messages.start()

    async def stop(self) -> None:
        """End every call and close the sockets."""
        await self._end_all()
        await self.messages.stop()
        await super().stop()

    async def reset(self) -> None:
        """End every call."""
        await super().reset()
        await self._end_all()
        await self.messages.reset()

    async def _end_all(self) -> None:
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            await call.close()

    async def _end(self, call_id: str) -> None:
        self.messages.end(call_id)
        call = self._calls.pop(call_id, None)
        if call:
            await call.close()

    def admit(self, message: Message, flow: Flow) -> bool:
        """Drop what does not come from the P-CSCF."""
        del message
        return flow.peer == self._pcscf

    async def on_request(self, served: Served) -> None:
        """Answer."""
        message = served.request
        call_id = message.get("Call-ID") or ""
        call = self._calls.get(call_id)
        match message.method:
            case "INVITE":
                await self._invited(served, call_id, call)
            case "ACK":
                if call:
                    call.acknowledged.set()
            case "BYE":
                served.reply(200 if call else 481)
                await self._end(call_id)
            case "UPDATE" if call:
                await self._updated(served, call)
            case "OPTIONS" | "MESSAGE":
                served.reply(200, headers=[("Allow", ALLOW)])
            case _:
                served.reply(405, headers=[("Allow", ALLOW)])

    async def _invited(self, served: Served, call_id: str, call: FarCall | None) -> None:
        message = served.request
        if call is None:
            if hops.tag_of(message, "To"):
                served.reply(481)
                return
            if len(self._calls) >= MAX_CALLS:
                await self._end(next(iter(self._calls)))  # whoever left it standing does not keep others out
            call = self._calls[call_id] = FarCall(secrets.token_hex(8))
        try:
            body = await self._answer(call, message)
        except (SdpSyntaxError, ValueError) as error:
            log.debug("far UE: %s", error)
            if not hops.tag_of(message, "To"):
                await self._end(call_id)
            served.reply(488)
            return
        contact = f'<sip:far@{self.here[0]}:{self.here[1]}>;+sip.app-subtype="webrtc-datachannel"'
        headers = [("Contact", contact), ("Allow", ALLOW), ("Content-Type", "application/sdp")]
        answer = self._ok(served, call, headers, body)
        served.send(answer)
        await self._until_acknowledged(served, call)

    async def _updated(self, served: Served, call: FarCall) -> None:
        try:
            body = await self._answer(call, served.request) if has_sdp(served.request) else b""
        except (SdpSyntaxError, ValueError) as error:
            log.debug("far UE: %s", error)
            served.reply(488)
            return
        headers = [("Allow", ALLOW), *([("Content-Type", "application/sdp")] if body else [])]
        served.send(self._ok(served, call, headers, body))

    @staticmethod
    def _ok(served: Served, call: FarCall, headers: list[tuple[str, str]], body: bytes) -> Message:
        return response(served.request, 200, headers=headers, body=body, to_tag=call.tag, record_route=True)

    async def _until_acknowledged(self, served: Served, call: FarCall) -> None:
        for seconds in RESEND_SECONDS:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await call.acknowledged.wait()
                return
            if served.answer:
                served.flow.send(served.answer.to_bytes())
        await self._end(served.request.get("Call-ID") or "")

    async def _answer(self, call: FarCall, message: Message) -> bytes:
        """Write the answer to an offer; an INVITE without one gets an offer of audio."""
        if not has_sdp(message):
            return description(self.here[0], [await self._audio(call)]).to_bytes()
        offer = Sdp.parse(message.body)
        media = []
        for place, section in enumerate(offer.media):
            if section.port > 0 and section.kind == "message":
                media.append(self.messages.answer(message.get("Call-ID") or "", offer, section))
            else:
                media.append(await self._answer_section(call, offer, place, section))
        return description(self.here[0], media).to_bytes()

    async def _answer_section(self, call: FarCall, offer: Sdp, place: int, section: MediaSection) -> MediaSection:
        if section.port > 0 and self.robust.checks_offer:
            if self.robust.strict_offer:
                offers.check_form(section)
            (offers.check_channel if section.is_data_channel else offers.check_address)(offer, section)
        if section.port > 0 and section.kind == "audio" and section.proto in ("RTP/AVP", "RTP/AVPF"):
            return await self._audio(call)
        if section.port > 0 and section.is_data_channel:
            return await self._channel(call, offer, place, section)
        return dcsdp.refused(section)

    async def _audio(self, call: FarCall) -> MediaSection:
        if call.audio is None:
            call.audio = await RtpEcho.open(self.here[0])
        return audio_section(call.audio.port)

    async def _channel(self, call: FarCall, offer: Sdp, place: int, section: MediaSection) -> MediaSection:
        remote = dcsdp.read_offer(offer, section, self.policy)
        streams = tuple(stream for stream in remote.streams if stream >= dcsdp.FIRST_APPLICATION_STREAM)
        remote = replace(remote, streams=streams)
        known = call.channels.get(place)
        if known is None:
            nobody = Bootstrap("", "", self.here[0], None)
            known = DcAssociation(self.box, self.identity, remote, nobody)
            await known.open(self.here[0])
            call.channels[place] = known
        else:
            await known.update(remote)
        local = known.local
        return data_channel_section(
            local.port,
            fingerprints=[Fingerprint.parse(local.fingerprint)],
            setup=local.setup,
            tls_id=local.tls_id,
            sctp_port=local.sctp_port,
            max_message_size=local.max_message_size,
            dcmaps=section.dcmaps,
        )
