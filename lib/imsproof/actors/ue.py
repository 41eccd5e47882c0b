"""A UE on Gm: registers with IMS AKA or digest, makes and takes calls, and sends what is wrong when told to.

Source: TS 24.229 clause 5.1 (unchecked), RFC 3261, RFC 3310. Synchronous methods are for testcases; those that
begin with ``a`` are the same on the link's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from imsproof.actors.call import SDP_TYPE, Call, Dialog, IncomingCall, sdp_in
from imsproof.actors.early import RELIABLE, Early
from imsproof.actors.registrant import ALLOW, Registrant
from imsproof.actors.station import DC_TAG, token
from imsproof.codec import sip
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Exchange
from imsproof.seams import Address, ImsproofError

if TYPE_CHECKING:
    from imsproof.actors.sipsubject import SipAnswer
    from imsproof.actors.siptransport import SipTransport
    from imsproof.actors.station import Alter, Headers

EXTENSION_REQUIRED, UNAVAILABLE = 421, 503
GREETED = ("OPTIONS", "NOTIFY", "MESSAGE", "INFO")


class Ue(Registrant):
    """One UE with one subscriber, one transport and one contact; :class:`Station` has what it may be made of.

    Attributes:
        calls: calls that stand, by Call-ID.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make a UE; it opens its socket with the first thing that it does."""
        super().__init__(*args, **options)
        self.calls: dict[str, Call] = {}
        self._invites: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._waiting: dict[str, IncomingCall] = {}
        self._heard: dict[str, asyncio.Queue[str]] = {}
        self._early = Early(self)
        self._demanded: list[tuple[str, str]] = []

    def invite(
        self,
        target: str,
        sdp: bytes,
        *,
        headers: Headers = (),
        alter: Alter | None = None,
        within: float | None = None,
        label: str = "INVITE",
    ) -> Call:
        """Call somebody with an offer and wait for the final answer; a 2xx is acknowledged."""
        return self.session.run(self.ainvite(target, sdp, headers=headers, alter=alter, within=within, label=label))

    def wait_invite(self, within: float | None = None) -> IncomingCall | None:
        """Wait for a call to come in; ``None`` when none came within the profile's call timer."""
        return self.session.run(self.await_invite(within))

    def wait_request(self, method: str, within: float | None = None) -> Exchange | None:
        """Wait for a request of a method (each one is handed out once); ``None`` when none came in time."""
        return self.session.run(self.await_request(method, within))

    # The same on the link's loop

    async def ainvite(
        self,
        target: str,
        sdp: bytes,
        *,
        headers: Headers = (),
        alter: Alter | None = None,
        within: float | None = None,
        label: str = "INVITE",
    ) -> Call:
        """Call somebody (see :meth:`invite`)."""
        exchange = self.session.exchange(label)
        call = Call(record=self.session.record, exchange=exchange, ue=self, local_sdp=sdp)
        try:
            await self.aconnect(exchange)
        except ConnectionFailedError as error:
            call.failed = str(error)
            return call
        own = [("Contact", self.contact), ("Allow", ALLOW), ("Content-Type", SDP_TYPE)]
        if self.subscriber.data_channel:
            own.insert(1, ("Accept-Contact", f"*;{DC_TAG}"))
        seconds = self.session.timers.call if within is None else within
        message = self.outside("INVITE", target, [*own, *headers, *self._demanded], sdp)
        answer = await self._send(message, exchange, seconds, alter)
        if await self._may_ask_again(answer):
            message = self.outside("INVITE", target, [*own, *headers, *self._demanded], sdp)
            answer = await self._send(message, exchange, seconds, alter)
        call.status, call.message = answer.status, answer.message
        call.provisional, call.failed = answer.provisional, answer.failed
        if answer.ok and answer.message is not None:
            call.dialog = Dialog.of_caller(message, answer.message)
            said = [sdp_in(one) for one in (answer.message, *reversed(answer.provisional))]
            call.remote_sdp = next((sdp for sdp in said if sdp.strip()), b"")
            self.calls[call.dialog.call_id] = call
            await call.acknowledge(call.dialog.cseq, exchange)
            call.dialog.cseq += self._early.pracks(call.dialog.call_id)
        return call

    async def _may_ask_again(self, answer: SipAnswer) -> bool:
        """Whether a refusal asks for what there is: an extension (421), or to wait for a moment (503)."""
        if answer.status == EXTENSION_REQUIRED and answer.message and answer.message.values("Require") == [RELIABLE]:
            asked, self._demanded = self._demanded, [("Supported", RELIABLE)]
            return not asked
        if answer.status == UNAVAILABLE and 0 < answer.retry_after <= self.session.timers.answer:
            await asyncio.sleep(answer.retry_after)
            return True
        return False

    async def await_invite(self, within: float | None = None) -> IncomingCall | None:
        """Wait for a call to come in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.session.timers.call if within is None else within):
                return await self._invites.get()
        return None

    async def await_request(self, method: str, within: float | None = None) -> Exchange | None:
        """Wait for a request (see :meth:`wait_request`)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.session.timers.answer if within is None else within):
                exchange = await self._heard.setdefault(method, asyncio.Queue()).get()
            return Exchange(record=self.session.record, exchange=exchange)
        return None

    async def aclose(self) -> None:
        """End calls and registration quietly and quickly, then close the transport."""
        self.session.disown(self)
        if self._transport is not None:
            with contextlib.suppress(ImsproofError, TimeoutError):
                async with asyncio.timeout(self.session.timers.silence * 2):
                    for call in list(self.calls.values()):
                        await call.abye("BYE at the end")
                    if self.registration is not None:
                        await self.aforget(await self.aregister(expires=0, label="DEREGISTER at the end"))
        await super().aclose()

    # What comes in

    def _adopt(self, transport: SipTransport) -> None:
        super()._adopt(transport)
        self.transactions.on_provisional = self._early.take

    def _take_stray(self, message: sip.Message, exchange: str) -> None:
        call = self.calls.get(message.get("Call-ID") or "")
        if call is not None and message.method == "INVITE" and 200 <= message.status < 300 and call.ack:
            self.transactions.later(self.transport.send(call.ack, exchange, facts={"retransmission": True}))
        super()._take_stray(message, exchange)

    def _take_request(self, message: sip.Message, source: Address, exchange: str) -> None:
        self._heard.setdefault(message.method, asyncio.Queue()).put_nowait(exchange)
        call_id = message.get("Call-ID") or ""
        call = self.calls.get(call_id)
        if call is not None and not call.owns(message):
            self._answer(message, source, exchange, 481)
            return
        if call is not None:
            call.requests.append(message)
        match message.method:
            case "ACK":
                waiting = self._waiting.pop(call_id, None)
                if waiting:
                    waiting.acknowledged.set()
            case "INVITE" if call is None:
                self._take_invite(message, source, exchange)
            case "INVITE" | "UPDATE" if call is not None:
                self._take_again(call, message, source, exchange)
            case "BYE":
                self._answer(message, source, exchange, 200 if call else 481)
                if call:
                    call.end("lab")
            case "CANCEL":
                self._take_cancel(message, source, exchange, call_id)
            case method:
                self._answer(message, source, exchange, 200 if method in GREETED else 405, [("Allow", ALLOW)])

    def _take_invite(self, message: sip.Message, source: Address, exchange: str) -> None:
        if has_to_tag(message):  # of a call that is over
            self._answer(message, source, exchange, 481)
            return
        incoming = IncomingCall(
            record=self.session.record,
            exchange=exchange,
            ue=self,
            message=message,
            source=source,
            to_tag=token(4),
        )
        self._waiting[message.get("Call-ID") or ""] = incoming
        trying = sip.response(message, 100)
        self.transactions.later(self.transactions.respond(message, trying, source, exchange))
        self._invites.put_nowait(incoming)

    def _take_again(self, call: Call, message: sip.Message, source: Address, exchange: str) -> None:
        """Answer a request that refreshes a call or offers again; UPDATE without an offer gets no SDP (RFC 3311)."""
        offered = message.method == "INVITE" or message.body.strip()
        typed = [("Content-Type", SDP_TYPE)] if offered else []
        body = call.local_sdp if offered else b""
        self._answer(message, source, exchange, 200, [("Contact", self.contact), *typed], body)

    def _take_cancel(self, message: sip.Message, source: Address, exchange: str, call_id: str) -> None:
        waiting = self._waiting.get(call_id)
        self._answer(message, source, exchange, 200 if waiting else 481)
        if waiting and not waiting.cancelled:
            waiting.cancelled = True
            self._answer(waiting.message, waiting.source, waiting.exchange, 487)

    def _answer(
        self,
        message: sip.Message,
        source: Address,
        exchange: str,
        status: int,
        headers: Headers = (),
        body: bytes = b"",
    ) -> None:
        response = sip.response(message, status, headers=headers, body=body, to_tag=token(4))
        self.transactions.later(self.transactions.respond(message, response, source, exchange))


def has_to_tag(message: sip.Message) -> bool:
    """Whether a request says that it is within a dialog (RFC 3261 clause 12.2.2)."""
    try:
        return bool(sip.parse_name_addr(message.get("To") or "").tag)
    except sip.SipSyntaxError:
        return False
