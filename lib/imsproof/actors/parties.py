"""Two UEs of the tester that call each other, and a third party who is none of theirs but knows what they say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.farleg import FarLeg
from imsproof.codec import sip
from imsproof.link.udp import UdpEndpoint
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.call import Call, Dialog, IncomingCall
    from imsproof.actors.sipsubject import SipAnswer
    from imsproof.actors.station import Alter
    from imsproof.actors.ue import Ue
    from imsproof.link.session import Session
    from imsproof.seams import Address, Record

AHEAD = 100
"""How far the CSeq of a third party is ahead of the caller's, so that it is no repetition."""


class Parties:
    """A caller and a callee, both registered; the callee takes every call by itself.

    Attributes:
        caller, callee: the UEs.
        calls: the calls that the callee took, in order.
        offer: the SDP that the caller offers.
    """

    def __init__(self, session: Session, caller: Ue, callee: Ue) -> None:
        """Have the callee answer from now on, with audio that nobody sends."""
        self.caller = caller
        self.callee = callee
        media = FarLeg(session, callee.local[0], actor=callee.actor)
        self.offer = media.sdp().to_bytes()
        self.calls = Answering(callee, lambda _offer: media.sdp())

    def call(
        self, label: str, *, headers: Sequence[tuple[str, str]] = (), alter: Alter | None = None, target: str = ""
    ) -> Call:
        """Call the callee (or another target)."""
        return self.caller.invite(target or self.callee.impu, self.offer, headers=headers, alter=alter, label=label)

    def standing(self, label: str = "call") -> Call:
        """Call, and return the call that stands.

        Raises:
            InconclusiveError: it does not come up, so that nothing can be shown with it.
        """
        call = self.call(label)
        if not call.ok or call.dialog is None:
            raise InconclusiveError(f"no call came up: {call.failed or f'answered {call.status}'}")
        return call

    def arrived(self, before: int) -> IncomingCall | None:
        """The first call that came to the callee after ``before`` calls (``len(calls.taken)`` of then), if any."""
        return self.calls.taken[before] if len(self.calls.taken) > before else None


class Ringing:
    """A call that rings at a callee of the tester until the testcase takes it.

    Attributes:
        incoming: the INVITE at the callee.
        sent: the INVITE as the caller sent it.
    """

    def __init__(self, caller: Ue, callee: Ue, label: str) -> None:
        """Call and wait until it rings.

        Raises:
            InconclusiveError: the INVITE did not arrive.
        """
        self._caller = caller
        self._media = FarLeg(caller.session, callee.local[0], actor=callee.actor)
        self.sent: sip.Message | None = None
        self._task = caller.session.run(self._start(callee.impu, label))
        incoming = caller.session.run(self._incoming(callee))
        if incoming is None or self.sent is None:
            call = self._task.result() if self._task.done() else None
            why = (call.failed or f"it was answered {call.status}") if call else "it was not answered"
            raise InconclusiveError(
                f"no call came to the callee, so that nothing can be shown with one that rings: {why}"
            )
        self.incoming: IncomingCall = incoming
        incoming.ring()

    async def _incoming(self, callee: Ue) -> IncomingCall | None:
        """The INVITE at the callee, or ``None`` when the caller has its answer without it."""
        waiting = asyncio.create_task(callee.await_invite())
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():  # what is on its way to the callee is not far behind the answer
            await asyncio.wait({waiting}, timeout=callee.session.timers.silence)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        return None

    async def _start(self, target: str, label: str) -> asyncio.Task[Call]:
        return asyncio.create_task(
            self._caller.ainvite(target, self._media.sdp().to_bytes(), alter=self._note, label=label)
        )

    def _note(self, message: sip.Message) -> None:
        self.sent = message.copy()

    def take(self) -> Call:
        """Have the callee take the call, unless it was cancelled, and return the caller's call."""
        if not self.incoming.cancelled:
            self.incoming.answer(self._media.sdp().to_bytes())
        return self._caller.session.run(self._ended())

    async def _ended(self) -> Call:
        return await self._task


def forge(
    attacker: Ue,
    dialog: Dialog,
    method: str,
    label: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    tags: tuple[str, str] | None = None,
) -> SipAnswer:
    """Send a request within somebody else's dialog, from the attacker's own socket, and wait for its final answer.

    Args:
        attacker: who sends; its Via and Contact are its own.
        dialog: the dialog as the party whose place the attacker takes knows it.
        method: of the request.
        label: what the conversation is called in the journal.
        headers: more headers.
        body: of the request.
        tags: guessed tags of From and To, instead of the right ones.
    """
    host, port = attacker.local
    own = dialog.headers(method, dialog.cseq + AHEAD)
    if tags is not None:
        own = [(name, _with_tag(value, tags[name == "To"]) if name in ("From", "To") else value) for name, value in own]
    contact = f"<sip:third@{f'[{host}]' if ':' in host else host}:{port}>"
    message = attacker.build(method, dialog.target, [*own, ("Contact", contact), *headers], body)
    return attacker.send_raw(message.to_bytes(), label, within=attacker.session.timers.silence)


def _with_tag(value: str, tag: str) -> str:
    try:
        return f"<{sip.parse_name_addr(value).uri}>;tag={tag}"
    except sip.SipSyntaxError:
        return value


@dataclass(slots=True)
class Elsewhere:
    """A UDP socket of the tester that no request should ever reach; as a subject it is about what comes to it.

    A request that comes is answered 480, so that nobody waits for who will never answer.
    """

    session: Session
    exchange: str
    udp: UdpEndpoint
    _answers: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    def open(cls, session: Session, address: str, label: str = "elsewhere") -> Elsewhere:
        """Listen on any port of a local IP address."""
        exchange = session.exchange(label)
        udp = session.run(UdpEndpoint.open(session, "elsewhere", exchange, local=(address, 0)))
        made = cls(session, exchange, udp)
        udp.on_datagram = made._turn_away
        return made

    def _turn_away(self, data: bytes, source: Address) -> None:
        try:
            message = sip.Message.parse(data)
        except sip.SipSyntaxError:
            return
        if message.method and message.method != "ACK":
            answer = sip.response(message, 480, to_tag=self.exchange.partition(":")[0]).to_bytes()
            task = asyncio.get_running_loop().create_task(self.udp.send(answer, source))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    @property
    def record(self) -> Record:
        """The purpose's record."""
        return self.session.record

    @property
    def uri(self) -> str:
        """Its SIP URI, a loose route."""
        host, port = self.udp.local
        return f"sip:{f'[{host}]' if ':' in host else host}:{port};lr"

    @property
    def address(self) -> str:
        """Its host and port, as a URI has them."""
        return self.uri.removeprefix("sip:").partition(";")[0]
