"""Calls of a UE: the dialog (RFC 3261 clause 12), offer and answer, and a call as a way to hand an offer over."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import TYPE_CHECKING

from imsproof.actors.signalling import Answered
from imsproof.actors.sipsubject import SipAnswer
from imsproof.actors.transactions import T1, T2
from imsproof.codec import sip
from imsproof.codec.sdp import Sdp, SdpSyntaxError
from imsproof.link.subject import Exchange
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.ue import Ue
    from imsproof.seams import Address

SDP_TYPE = "application/sdp"


def parse_sdp(body: bytes) -> Sdp | None:
    """Read a body as SDP, ``None`` when it is none."""
    if not body.strip():
        return None
    try:
        return Sdp.parse(body)
    except SdpSyntaxError:
        return None


def sdp_in(message: sip.Message) -> bytes:
    """The SDP in a message: its body, or the part of its body that says so (RFC 5621, unchecked)."""
    kind = message.get("Content-Type") or ""
    if not kind.lower().startswith("multipart/"):
        return message.body
    whole = message_from_bytes(b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n" + message.body)
    found = [part for part in whole.walk() if part.get_content_type() == SDP_TYPE]
    body = found[0].get_payload(decode=True) if found else None
    return body if isinstance(body, bytes) else b""


@dataclass(slots=True)
class Dialog:
    """A dialog's state (RFC 3261 clause 12.1).

    Attributes:
        call_id, local, remote: Call-ID, and From and To values of requests that the tester sends.
        target: the remote target (Request-URI).
        routes: the route set, in the order of use.
        cseq: the last CSeq number that the tester used.
    """

    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...] = ()
    cseq: int = 1

    @classmethod
    def of_caller(cls, request: sip.Message, response: sip.Message) -> Dialog:
        """The caller's dialog, from its INVITE and the 2xx."""
        return cls(
            call_id=request.get("Call-ID") or "",
            local=request.get("From") or "",
            remote=response.get("To") or "",
            target=contact_uri(response) or request.uri,
            routes=tuple(reversed(response.values("Record-Route"))),
            cseq=int((request.get("CSeq") or "1").split()[0]),
        )

    @classmethod
    def of_callee(cls, request: sip.Message, to_tag: str) -> Dialog:
        """The callee's dialog, from the INVITE that came in and the tag of the tester's answer."""
        return cls(
            call_id=request.get("Call-ID") or "",
            local=f"{request.get('To') or ''};tag={to_tag}",
            remote=request.get("From") or "",
            target=contact_uri(request),
            routes=tuple(request.values("Record-Route")),
        )

    def owns(self, message: sip.Message) -> bool:
        """Whether a request that came in is within this dialog: both tags are right (RFC 3261 clause 12.2.2)."""
        tags = (_tag(message.get("From")), _tag(message.get("To")))
        return tags == (_tag(self.remote), _tag(self.local))

    def headers(self, method: str, number: int) -> list[tuple[str, str]]:
        """The headers of a request within the dialog, without Via."""
        return [
            *(("Route", route) for route in self.routes),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
        ]


def _tag(value: str | None) -> str:
    try:
        return sip.parse_name_addr(value or "").tag or ""
    except sip.SipSyntaxError:
        return ""


def contact_uri(message: sip.Message) -> str:
    """Return the first Contact's URI, or ``""``."""
    contacts = message.values("Contact")
    try:
        return sip.parse_name_addr(contacts[0]).uri if contacts else ""
    except sip.SipSyntaxError:
        return ""


@dataclass(slots=True, kw_only=True)
class Call(SipAnswer):
    """A call that the tester made or took; as a subject it is about the INVITE.

    Attributes:
        ue: whose call it is.
        dialog: its dialog, or ``None`` when there was no 2xx.
        ended_by: ``""`` while it stands, then ``tester`` or ``lab``.
        requests: requests that came in within the dialog, in order.
    """

    ue: Ue
    dialog: Dialog | None = None
    ended_by: str = ""
    requests: list[sip.Message] = field(default_factory=list)
    ack: bytes = b""
    remote_sdp: bytes = b""
    local_sdp: bytes = b""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sdp(self) -> Sdp | None:
        """What the other side says of its media."""
        return parse_sdp(self.remote_sdp)

    def owns(self, message: sip.Message) -> bool:
        """Whether a request with its Call-ID is meant for it; ACK and CANCEL are told apart elsewhere."""
        return message.method in ("ACK", "CANCEL") or self.dialog is None or self.dialog.owns(message)

    def bye(self, label: str = "BYE") -> SipAnswer:
        """End the call."""
        return self.ue.session.run(self.abye(label))

    def reinvite(self, sdp: bytes, *, label: str = "re-INVITE", headers: Sequence[tuple[str, str]] = ()) -> SipAnswer:
        """Offer new media within the call; the new answer is in :attr:`sdp` afterwards."""
        return self.ue.session.run(self._offer_again(sdp, "INVITE", label, headers))

    def offer_again(self, sdp: bytes, method: str, *, label: str, headers: Sequence[tuple[str, str]] = ()) -> SipAnswer:
        """The same by INVITE or UPDATE."""
        return self.ue.session.run(self._offer_again(sdp, method, label, headers))

    def request(
        self, method: str, *, label: str = "", headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> SipAnswer:
        """Send any request within the dialog."""
        return self.ue.session.run(self.arequest(method, label=label, headers=headers, body=body))

    def wait_end(self, within: float | None = None) -> bool:
        """Wait until the other side ends the call; whether it did in time."""
        return self.ue.session.run(self._wait_end(within))

    async def arequest(
        self, method: str, *, label: str = "", headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> SipAnswer:
        """Send any request within the dialog."""
        exchange = self.ue.session.exchange(label or method)
        if self.dialog is None:
            return SipAnswer(record=self.record, exchange=exchange, failed="there is no dialog")
        self.dialog.cseq += 1
        message = self.ue.build(
            method, self.dialog.target, [*self.dialog.headers(method, self.dialog.cseq), *headers], body
        )
        timers = self.ue.session.timers
        within = timers.call if method == "INVITE" else timers.answer
        answer = await self.ue.asend(message, exchange, within)
        self.dialog.cseq = int((message.get("CSeq") or "").partition(" ")[0])  # one more where it was challenged
        return answer

    async def abye(self, label: str = "BYE") -> SipAnswer:
        """End the call."""
        self.end("tester")
        return await self.arequest("BYE", label=label)

    def end(self, by: str) -> None:
        """Note the end."""
        self.ended_by = self.ended_by or by
        self.over.set()
        self.ue.calls.pop(self.dialog.call_id if self.dialog else "", None)

    async def acknowledge(self, number: int, exchange: str) -> None:
        """Send the ACK of a 2xx, which is kept for repetitions."""
        assert self.dialog is not None
        message = self.ue.build("ACK", self.dialog.target, self.dialog.headers("ACK", number))
        self.ack = message.to_bytes()
        await self.ue.transport.send(self.ack, exchange)

    async def _offer_again(self, sdp: bytes, method: str, label: str, headers: Sequence[tuple[str, str]]) -> SipAnswer:
        typed = [("Contact", self.ue.contact), ("Content-Type", SDP_TYPE), *headers]
        answer = await self.arequest(method, label=label, headers=typed, body=sdp)
        if answer.ok:
            self.local_sdp, self.remote_sdp = sdp, sdp_in(answer.message) if answer.message else b""
        if answer.ok and self.dialog is not None and method == "INVITE":
            await self.acknowledge(self.dialog.cseq, answer.exchange)
        return answer

    async def _wait_end(self, within: float | None) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.ue.session.timers.call if within is None else within):
                await self.over.wait()
        return self.over.is_set()


@dataclass(slots=True, kw_only=True)
class IncomingCall(Exchange):
    """An INVITE that came in and waits for the tester's decision; as a subject it is about that INVITE.

    Attributes:
        ue: whose it is.
        message: the INVITE as it arrived.
        source: who handed it over.
    """

    ue: Ue
    message: sip.Message
    source: Address
    to_tag: str
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False

    @property
    def sdp(self) -> Sdp | None:
        """The offer."""
        return parse_sdp(sdp_in(self.message))

    def ring(self) -> None:
        """Answer 180."""
        self.ue.session.run(self.arespond(180))

    def reject(self, status: int = 486) -> None:
        """Refuse."""
        self.ue.session.run(self.arespond(status))

    def answer(self, sdp: bytes, *, headers: Sequence[tuple[str, str]] = ()) -> Call:
        """Take the call with this answer and wait for the ACK; without one the call's ``failed`` says so."""
        return self.ue.session.run(self.aanswer(sdp, headers=headers))

    async def aanswer(self, sdp: bytes, *, headers: Sequence[tuple[str, str]] = ()) -> Call:
        """Take the call with this answer and wait for the ACK."""
        dialog = Dialog.of_callee(self.message, self.to_tag)
        call = Call(record=self.record, exchange=self.exchange, ue=self.ue, dialog=dialog, status=200)
        call.remote_sdp, call.local_sdp = sdp_in(self.message), sdp
        self.ue.calls[dialog.call_id] = call
        typed = [("Contact", self.ue.contact), ("Content-Type", SDP_TYPE), *headers]
        response = sip.response(self.message, 200, headers=typed, body=sdp, to_tag=self.to_tag, record_route=True)
        await self.ue.transactions.respond(self.message, response, self.source, self.exchange)
        if not await self._wait_for_ack(response):
            call.failed = "the 200 to the INVITE was not acknowledged"
            self.ue.session.emit(Kind.TIMEOUT, self.ue.actor, self.exchange, facts={"reason": call.failed})
        return call

    async def _wait_for_ack(self, response: sip.Message) -> bool:
        """Repeat the 2xx until its ACK comes (RFC 3261 clause 13.3.1.4), within the profile's answer timer."""
        pause = T1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.ue.session.timers.answer):
                while not self.acknowledged.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self.acknowledged.wait()
                            return True
                    again = {"retransmission": True}
                    await self.ue.transactions.send_back(
                        self.message, response.to_bytes(), self.source, self.exchange, facts=again
                    )
                    pause = min(2 * pause, T2)
        return self.acknowledged.is_set()

    async def arespond(self, status: int) -> None:
        """Answer with a status and no more."""
        response = sip.response(self.message, status, to_tag=self.to_tag, record_route=status < 300)
        await self.ue.transactions.respond(self.message, response, self.source, self.exchange)


class CallSignalling:
    """Hands an offer over by calling somebody: a :class:`imsproof.actors.signalling.Signalling`."""

    not_told = ""

    def __init__(self, ue: Ue, target: str, *, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Call ``target`` (a SIP or tel URI) with each offer, from a UE that is registered."""
        self.ue = ue
        self.target = target
        self.headers = headers
        self.call: Call | None = None

    @property
    def local_address(self) -> str:
        """The UE's IP address."""
        return self.ue.local[0]

    def offer(self, offer: Sdp, label: str, *, method: str = "INVITE") -> Answered:
        """Call with an offer, or offer it within the call that stands (by re-INVITE, or UPDATE of RFC 3311)."""
        sdp = offer.to_bytes()
        if self.call is not None and self.call.dialog is not None and not self.call.ended_by:
            answer = self.call.offer_again(sdp, method, label=label, headers=self.headers)
            body = sdp_in(answer.message) if answer.message else b""
        else:
            self.call = self.ue.invite(self.target, sdp, headers=self.headers, label=label)
            answer, body = self.call, self.call.remote_sdp
        failed = answer.failed or ("" if answer.ok else f"the call was answered {answer.status}")
        return Answered(
            record=answer.record,
            exchange=answer.exchange,
            failed=failed,
            status=answer.status,
            sdp=parse_sdp(body) if answer.ok else None,
        )

    def end(self) -> None:
        """Hang up."""
        if self.call is not None and self.call.dialog is not None and not self.call.ended_by:
            self.call.bye()
        self.call = None
