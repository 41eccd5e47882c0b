"""The P-CSCF's hand on the IMS-AGW: what asks for protection on the access leg goes through it (TS 33.328)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from imsproof.codec.sdp import Sdp
from imsproof.lab.sip.imsas import has_sdp

if TYPE_CHECKING:
    from imsproof.codec.sip import Message
    from imsproof.lab.media.msrp.gateway import MessageGateway


class AccessGateway(Protocol):
    """The IMS-AGW as the P-CSCF steers it; descriptions are bodies, ``ValueError`` when one cannot be served."""

    async def offer_from_access(self, call_id: str, sdp: bytes) -> bytes:
        """Take a UE's offer, return the one for the core."""

    async def answer_to_access(self, call_id: str, sdp: bytes) -> bytes:
        """Take the core's answer, return the one for the UE."""

    async def offer_to_access(self, call_id: str, sdp: bytes) -> bytes:
        """Take the core's offer, return the one for the UE."""

    async def answer_from_access(self, call_id: str, sdp: bytes) -> bytes:
        """Take a UE's answer, return the one for the core."""

    async def release(self, call_id: str) -> None:
        """Give back what a call had."""

    async def reset(self) -> None:
        """Give everything back."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One access leg of a call."""

    call_id: str
    originating: bool


class Gateway:
    """Sends descriptions through the IMS-AGW where the leg is protected."""

    def __init__(self, agw: AccessGateway | None, messages: MessageGateway | None = None) -> None:
        self._agw = agw
        self._messages = messages
        self._protected: set[Leg] = set()

    async def from_ue(self, leg: Leg, message: Message) -> None:
        """Rewrite a UE's offer for the core when it asks for protection (``ValueError`` when it cannot be served)."""
        if self._messages is not None and leg.originating and has_sdp(message):
            message.body = await self._messages.offer_from_access(leg.call_id, message.body)
        if self._agw is None or not leg.originating or not has_sdp(message) or not _asks_protection(message.body):
            return
        self._protected.add(leg)
        message.body = await self._agw.offer_from_access(leg.call_id, message.body)

    async def answer_to_ue(self, leg: Leg, answer: Message) -> None:
        """Rewrite the core's answer for a UE whose leg is protected."""
        if self._messages is not None and leg.originating and has_sdp(answer):
            answer.body = await self._messages.answer_to_access(leg.call_id, answer.body)
        if self._agw is not None and leg in self._protected and has_sdp(answer):
            answer.body = await self._agw.answer_to_access(leg.call_id, answer.body)

    async def to_ue(self, leg: Leg, message: Message) -> None:
        """Rewrite an offer of the core for a UE whose leg is protected."""
        if self._agw is not None and leg in self._protected and has_sdp(message):
            message.body = await self._agw.offer_to_access(leg.call_id, message.body)

    async def answer_from_ue(self, leg: Leg, answer: Message) -> None:
        """Rewrite a UE's answer for the core when its leg is protected."""
        if self._agw is not None and leg in self._protected and has_sdp(answer):
            answer.body = await self._agw.answer_from_access(leg.call_id, answer.body)

    async def release(self, call_id: str) -> None:
        """Give back what a call had."""
        legs = {leg for leg in self._protected if leg.call_id == call_id}
        self._protected -= legs
        if legs and self._agw is not None:
            await self._agw.release(call_id)
        if self._messages is not None:
            await self._messages.release(call_id)

    async def reset(self) -> None:
        """Forget every call."""
        self._protected.clear()
        if self._agw is not None:
            await self._agw.reset()
        if self._messages is not None:
            await self._messages.reset()


def _asks_protection(body: bytes) -> bool:
    """Whether an audio line asks for SRTP, with SDES or DTLS."""
    return any(section.kind == "audio" and "SAVP" in section.proto.upper() for section in Sdp.parse(body).media)
