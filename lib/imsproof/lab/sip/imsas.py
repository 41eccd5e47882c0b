"""The IMS AS on ISC: who may use data channels, what is anchored at the MF, what goes end to end (TS 24.186 9.3)."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from imsproof.codec.sdp import Sdp, SdpSyntaxError
from imsproof.codec.sip import parse_uri
from imsproof.lab.sip import anonymity, dcsdp, hops, offers
from imsproof.lab.sip.node import Node, Served
from imsproof.lab.sip.scscf import TERMINATING, asserted, route_uri
from imsproof.lab.sip.subscribers import by_impu
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.codec.sdp import MediaSection
    from imsproof.codec.sip import Message
    from imsproof.lab.dctypes import DcDecision, DcOffer
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.transport import Address, Flow

log = logging.getLogger("imsproof.lab.sip")

CALL_SECONDS = 7200.0
WRONG_FINGERPRINT = "SHA-256 " + ":".join(f"{octet:02X}" for octet in hashlib.sha256(b"another certificate").digest())


class Control(Protocol):
    """The AS towards DCSF and MF."""

    async def session_request(self, session_id: str, calling: str, called: str, offer: DcOffer) -> DcDecision:
        """Ask what is to be done with the data channel that a new call offers."""

    async def session_update(self, session_id: str, calling: str, called: str, offer: DcOffer) -> DcDecision:
        """Ask again after the offer changed."""

    async def session_ended(self, session_id: str) -> None:
        """Give back what the call had."""


@dataclass(eq=False)
class Call:
    """A call that the AS follows.

    Attributes:
        session_id: towards DCSF and MF.
        caller_tag: From tag of the first INVITE; tells the direction of later requests.
        calling, called: public identities.
        hidden: the caller's media lines that the called side does not get, by their place.
        known: places for which DCSF and MF hold something.
        asked: whether the DCSF knows of the call.
    """

    session_id: str
    caller_tag: str
    calling: str
    called: str
    hidden: dict[int, dcsdp.Hidden] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)
    asked: bool = False
    fingerprints: list[str] = field(default_factory=list)


class _Rejected(Exception):  # noqa: N818 - a decision, not an error
    def __init__(self, status: int = 488) -> None:
        super().__init__(status)
        self.status = status


class ImsAs(Node):
    """Serves what comes from the S-CSCF and gives it back."""

    def __init__(self, address: str, box: PolicyBox, *, scscf: Address, control: Control) -> None:
        super().__init__("IMS AS", address, box)
        self._scscf = scscf
        self._control = control
        self._calls: Table[str, Call] = Table(CALL_SECONDS, 10_000)

    async def reset(self) -> None:
        """Forget every call."""
        await super().reset()
        self._calls.clear()

    def admit(self, message: Message, flow: Flow) -> bool:
        """Refuse whoever is not the S-CSCF."""
        if flow.peer == self._scscf or not self.policy.trust_peers_only:
            return True
        Served(self, message, flow).reply(403)
        return False

    async def on_request(self, served: Served) -> None:
        """Handle the data channels of a request's SDP and send it back to the S-CSCF."""
        message = served.request.copy()
        hops.count_down(message)
        hops.pop_own_routes(message, self.here)
        call_id = message.get("Call-ID") or ""
        call = self._calls.get(call_id)
        if message.method == "MESSAGE" and parse_uri(message.uri).aor == anonymity.CALLBACK:
            self._call_back(served, message)
            return
        if anonymity.refused(message, self.policy) and not hops.tag_of(message, "To"):
            served.reply(433, "Anonymity Disallowed")
            return
        if call is None and message.method == "INVITE" and not hops.tag_of(message, "To"):
            call = self._new_call(message, call_id)
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
        if call is None:
            self.forward(message, self.flow(self._scscf), served)
            return
        from_caller = hops.tag_of(message, "From") == call.caller_tag
        try:
            await self._rewrite_request(call, message, from_caller=from_caller)
        except _Rejected as rejected:
            served.reply(rejected.status)
            await self._give_up(call, message)
            return
        except SdpSyntaxError as error:
            log.debug("IMS AS: %s", error)
            served.reply(488)
            await self._give_up(call, message)
            return

        async def answered(answer: Message) -> Message:
            await self._rewrite_answer(call, message, answer, from_caller=from_caller)
            return answer

        self.forward(message, self.flow(self._scscf), served, answered)

    async def deregistered(self, impus: tuple[str, ...]) -> None:
        """End what the calls of a user hold that is registered no more."""
        for call in [one for _, one in self._calls.items() if one.calling in impus]:
            await self._end(call)

    def _call_back(self, served: Served, message: Message) -> None:
        user = asserted(message)
        served.reply(202 if user else 403)
        if user:
            back = anonymity.call_back(user, route_uri(self._scscf, TERMINATING), self.policy)
            self.forward(back, self.flow(self._scscf), None)

    def _new_call(self, message: Message, call_id: str) -> Call:
        calling = asserted(message) or ""
        call = Call(call_id, hops.tag_of(message, "From"), calling, message.uri)
        self._calls.put(call_id, call)
        return call

    async def _rewrite_request(self, call: Call, message: Message, *, from_caller: bool) -> None:
        if not has_sdp(message):
            return
        description = Sdp.parse(message.body)
        later = bool(hops.tag_of(message, "To"))
        if (
            from_caller
            and message.method in ("INVITE", "UPDATE")
            and not (later and not self.policy.later_offers_looked_at)
        ):
            if message.method == "UPDATE" and not self.policy.update_fingerprint_taken:
                dcsdp.put_fingerprints(description, call.fingerprints)
            await self._decide(call, description, later=later)
        self._put(message, self._other_side(call, description, from_caller=from_caller, later=later))

    async def _rewrite_answer(self, call: Call, message: Message, answer: Message, *, from_caller: bool) -> None:
        if has_sdp(answer):
            later = bool(hops.tag_of(message, "To"))
            self._put(answer, self._other_side(call, Sdp.parse(answer.body), from_caller=not from_caller, later=later))
        first_failed = message.method == "INVITE" and answer.status >= 300 and not hops.tag_of(message, "To")
        if first_failed or (message.method == "BYE" and answer.status >= 200):
            await self._end(call)

    async def _decide(self, call: Call, description: Sdp, *, later: bool) -> None:
        """Decide for each data channel of the caller's offer what becomes of it."""
        hidden: dict[int, dcsdp.Hidden] = {}
        for place, section in enumerate(description.media):
            if not section.is_data_channel or section.port == 0:
                continue
            unchecked = later and not self.policy.check_service_in_reinvite
            second = dcsdp.is_bootstrap(section) and any(one.local for one in hidden.values())
            unable = not self._may_use(call.calling) and not unchecked
            if second or unable or self._unbound(section):
                hidden[place] = dcsdp.Hidden(section)
            elif dcsdp.is_bootstrap(section) or self.policy.check_requested_app:
                decision = await self._ask(call, place, description, section)
                if decision.kind == "anchor":
                    call.known.add(place)
                    hidden[place] = dcsdp.Hidden(section, decision.local)
        alone = bool(hidden) and len(hidden) == len(description.media)
        if alone and not later and all(one.local is None for one in hidden.values()):
            raise _Rejected(403)  # a session of data channels alone, without the service (TS 24.186 9.3.2.2.1)
        call.hidden = hidden
        call.fingerprints = dcsdp.fingerprints(description)

    async def _ask(self, call: Call, place: int, description: Sdp, section: MediaSection) -> DcDecision:
        """Have DCSF and MF decide on a data channel (``_Rejected`` when they say no)."""
        if self.robust.strict_offer:
            offers.check_form(section)
        if dcsdp.is_bootstrap(section) and self.robust.checks_offer:
            offers.check_channel(description, section)
        offer = dcsdp.read_offer(description, section, self.policy)
        ask = self._control.session_update if place in call.known else self._control.session_request
        call.asked = True
        decision = await ask(call.session_id, call.calling, call.called, offer)
        if decision.kind == "reject":
            raise _Rejected
        return decision

    def _unbound(self, section: MediaSection) -> bool:
        """Whether an application channel names no application."""
        bound = dcsdp.is_bootstrap(section) or bool(dcsdp.requested_apps(section))
        return self.policy.app_binding_required and not bound

    def _may_use(self, impu: str) -> bool:
        subscriber = by_impu(impu)
        return not self.policy.check_data_channel_service or (subscriber is not None and subscriber.data_channel)

    def _other_side(self, call: Call, description: Sdp, *, from_caller: bool, later: bool = False) -> Sdp:
        """Write one side's description for the other; what goes end to end stays as it is."""
        if from_caller and call.hidden:
            description = dcsdp.without(description, call.hidden)
        if not self.policy.keep_all_fingerprints:
            description = dcsdp.first_fingerprint_only(description)
        if not self.policy.keep_tls_id:
            description = dcsdp.rewrite_tls_ids(description)
        if not self.policy.keep_fingerprint or (later and not self.policy.keep_fingerprint_in_reinvite):
            description = dcsdp.rewrite_fingerprints(description, WRONG_FINGERPRINT)
        if not from_caller and call.hidden:
            description = dcsdp.with_hidden(description, call.hidden)
        return description

    @staticmethod
    def _put(message: Message, description: Sdp) -> None:
        body = description.to_bytes()
        if body != message.body:
            message.body = body

    async def _give_up(self, call: Call, message: Message) -> None:
        if not hops.tag_of(message, "To"):
            await self._end(call)

    async def _end(self, call: Call) -> None:
        if self._calls.pop(call.session_id) is not None and call.asked:
            await self._control.session_ended(call.session_id)


def has_sdp(message: Message) -> bool:
    """Whether the body is a session description."""
    kind = (message.get("Content-Type") or "").partition(";")[0].strip().lower()
    return kind == "application/sdp" and bool(message.body)
