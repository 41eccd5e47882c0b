"""The P-CSCF: the door between UEs and the network (TS 24.229 5.2). It trusts the S-CSCF and nobody else."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, parse_uri
from imsproof.lab.sip import gmtls, hops, trust, validate, xmlguard
from imsproof.lab.sip.agreement import PROTECTED_SERVER_PORT
from imsproof.lab.sip.associations import TRANSPORT
from imsproof.lab.sip.gateway import Gateway, Leg
from imsproof.lab.sip.node import Served
from imsproof.lab.sip.registering import Registering
from imsproof.lab.sip.robustness import STRAY_ANSWER, Frailty
from imsproof.lab.sip.scscf import route_uri
from imsproof.lab.sip.subscribers import DOMAIN
from imsproof.lab.sip.tables import Buckets, Table
from imsproof.lab.sip.transport import Address, Flow, StreamPort

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from imsproof.lab.media.msrp.gateway import MessageGateway
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.bindings import Binding
    from imsproof.lab.sip.gateway import AccessGateway

log = logging.getLogger("imsproof.lab.sip")

TLS_PORT = 5061
CALL_SECONDS = 7200.0
DIALOG_METHODS = ("INVITE", "SUBSCRIBE", "REFER")
TOO_MANY_HOPS = 483
EMERGENCY = "urn:service:sos"


@dataclass(eq=False)
class Call:
    """A dialog that begins or ends at UEs of this P-CSCF.

    Attributes:
        parties: flow and tag of each access leg: who may send inside the dialog.
        routes: for each access leg, the URIs that its requests must be routed by.
    """

    parties: dict[Flow, str] = field(default_factory=dict)
    routes: dict[Flow, tuple[str, ...]] = field(default_factory=dict)


class Pcscf(Registering):
    """Serves UEs over UDP, TCP and TLS, and the S-CSCF over UDP."""

    def __init__(
        self,
        address: str,
        box: PolicyBox,
        *,
        scscf: Address,
        agw: AccessGateway | None,
        messages: MessageGateway | None = None,
        tls: Path | None,
        static: tuple[Binding, ...] = (),
    ) -> None:
        super().__init__("P-CSCF", address, box, scscf)
        self._gateway = Gateway(agw, messages)
        self._tls = tls
        self._static = static
        self._streams: list[StreamPort] = []
        self._calls: Table[str, Call] = Table(CALL_SECONDS, 10_000)
        self._rates: Buckets[Flow] = Buckets()
        self._frailty = Frailty()
        self._provision()

    def _provision(self) -> None:
        for binding in self._static:
            self.bindings.add(binding)

    async def start(self) -> None:
        """Listen on UDP and TCP 5060, and on TLS 5061 when there is a certificate."""
        await super().start()
        await self.associations.open()
        listeners: list[tuple[str, int, Callable[[], ssl.SSLContext] | None]] = [("tcp", self.here[1], None)]
        if (directory := self._tls) is not None:
            listeners.append(("tls", TLS_PORT, lambda: gmtls.context(directory, self.policy)))
        for name, port, context in listeners:
            stream = StreamPort(name, self.receive, lambda _: None, lambda: self.robust)
            await stream.open((self.here[0], port), context)
            self._streams.append(stream)

    async def stop(self) -> None:
        """Close every socket."""
        for stream in self._streams:
            await stream.close()
        self._streams.clear()
        await self.associations.close()
        await self._gateway.reset()
        await super().stop()

    async def reset(self) -> None:
        """Forget registrations and calls."""
        self.forget()
        self._calls.clear()
        self._rates.clear()
        self._frailty.clear()
        await self._gateway.reset()
        self._provision()
        await super().reset()

    # --- the door ---

    def receive(self, data: bytes, flow: Flow) -> None:
        """Bear a message of the access side, then take it."""
        if not self.frozen and not self._from_core(flow):
            self._frailty.bear(data, self.robust)
            if self._frailty.breaks(data, flow.peer[0], self.robust):
                self._break_down(self.robust.breaks)
                return
            if self.robust.answers_responses and data.startswith(b"SIP/"):
                flow.send(STRAY_ANSWER)
        super().receive(data, flow)

    def on_garbage(self, data: bytes, flow: Flow) -> None:
        """Drop bytes without a start line."""
        del data, flow
        if self.policy.on_malformed in ("stop", "hang"):
            self._break_down(self.policy.on_malformed)

    def admit(self, message: Message, flow: Flow) -> bool:
        """Look at a UE's request before any work is done for it."""
        if self._from_core(flow):
            return True
        if message.method == "REGISTER" and not self._within_rate(flow):
            return False  # in silence: an answer would make the flood worse
        robust = self.robust
        datagram = flow.transport in ("udp", TRANSPORT)
        problem = validate.check(message, datagram=datagram, skip=robust.skip_checks, strict=robust.strict_checks)
        if flow.number in self._frailty.confused:
            problem = validate.Problem(400, "Bad Request")
        if problem is None or (problem.status == TOO_MANY_HOPS and not self.policy.check_max_forwards):
            self._frailty.pay()
            if self.policy.answer_source:
                hops.note_source(message, flow.peer)
            return True
        self._refuse(message, flow, problem)
        return False

    def _from_core(self, flow: Flow) -> bool:
        return flow.transport == "udp" and flow.peer == self.scscf

    def _passes_for_core(self, message: Message) -> bool:
        """Whether a request looks like one to a UE, to a node that goes by looks."""
        route = None if self.policy.core_by_source else hops.top_route(message)
        return route is not None and hops.same_place(route, self.here) and self._is_contact(message.uri)

    def _is_contact(self, uri: str) -> bool:
        return self.bindings.of_contact(uri) is not None

    def _within_rate(self, flow: Flow) -> bool:
        rate = self.policy.register_rate
        return rate == 0 or self._rates.take(flow, rate)

    def _refuse(self, message: Message, flow: Flow, problem: validate.Problem) -> None:
        served = Served(self, message, flow)
        malformed = problem.status == 400
        self._frailty.refused(self.robust, flow.number)
        if malformed and self.policy.on_malformed in ("stop", "hang"):
            self._break_down(self.policy.on_malformed)
        elif malformed and self.policy.on_malformed == "accept":
            served.reply(200)
        else:
            headers = [problem.header] if problem.header else []
            if self.robust.reflects:
                headers.append(("Warning", f'399 pcscf "{message.get("Subject") or ""}"'))
            served.reply(problem.status, problem.reason, headers)

    def _break_down(self, how: str) -> None:
        if how == "stop":
            self.spawn(self._die())
        else:
            self.frozen = True

    async def _die(self) -> None:
        """Close the sockets as a crashed process would; a reset starts the node again."""
        for stream in self._streams:
            await stream.close()
        self._streams.clear()
        await self.associations.close()
        if self.udp is not None:
            self.udp.close()
            self.udp = None

    # --- requests ---

    async def on_request(self, served: Served) -> None:
        """Send a request on: a UE's into the network, the network's to a UE."""
        message = served.request.copy()
        from_core = self._from_core(served.flow)
        if not self.policy.answer_source and not from_core and served.flow.transport == "udp":
            served.flow = self.flow(hops.via_place(message) or served.flow.peer)
        if from_core or self._passes_for_core(message):
            hops.count_down(message)
            await self._to_ue(served, message)
        elif message.method == "REGISTER":
            hops.count_down(message)
            self.register(served, message)
        elif hops.tag_of(message, "To"):
            hops.count_down(message)
            await self._inside_dialog(served, message)
        else:
            hops.count_down(message)
            await self._from_ue(served, message)

    async def _from_ue(self, served: Served, message: Message) -> None:
        """Serve a request that begins something (TS 24.229 5.2.6.3, unchecked)."""
        flow = served.flow
        bindings = self.bindings.of_flow(flow, self._past())
        if message.method == "OPTIONS" and self._is_here(message.uri):
            served.reply(200, body=b" " * self.policy.answer_padding)
            return
        if not bindings and self.policy.relay_for_strangers and (place := self._outside(message)) is not None:
            self.forward(message, self.flow(place), served)
            return
        if self._refused(served, message, bindings):
            return
        self._take_own_routes(message)
        if not self._route_by_service_route(message, bindings):
            served.reply(400, "Route Is Not The Service-Route")
            return
        trust.take_from_ue(message, self.policy)
        trust.assert_identity(message, bindings, self.policy)
        if bindings:
            message.set("P-Served-User", f"<{bindings[0].impus[0]}>")
        message.set("P-Charging-Vector", f"icid-value={secrets.token_hex(8)};icid-generated-at={self.here[0]}")
        if not self.policy.check_replaces:
            self._replace(message)
        call_id = message.get("Call-ID") or ""
        call = None
        if message.method in DIALOG_METHODS:
            if self._calls.get(call_id) is not None:
                served.reply(482)
                return
            call = Call({flow: hops.tag_of(message, "From")})
            self._calls.put(call_id, call)
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
        await self._forward_from_ue(served, message, call, call_id)

    def _refused(self, served: Served, message: Message, bindings: list[Binding]) -> bool:
        """Answer what is not served at all: of whom nobody knows, unsafe, or asking for too many refreshes."""
        if served.flow.peer[0] in self.hidden or (
            not bindings and self.policy.require_registration and not self._excused(message)
        ):
            served.reply(403)
        elif not xmlguard.is_sound(message, self.robust):
            served.reply(400, "Unsafe XML")
        elif self._refreshes_too_often(message):
            served.reply(422, headers=[("Min-SE", str(self.policy.least_session_seconds))])
        else:
            return False
        return True

    def _outside(self, message: Message) -> Address | None:
        """The place outside of this network that Route, or else the Request-URI, names."""
        named = hops.top_route(message) or parse_uri(message.uri)
        inside = named.host in (DOMAIN, self.here[0])
        return None if inside else (named.host, named.port or hops.DEFAULT_PORT)

    def _refreshes_too_often(self, message: Message) -> bool:
        """Whether a request asks for a refresh interval that nobody can bear (RFC 4028 clause 8.1)."""
        text = (message.get("Session-Expires") or "").partition(";")[0].strip()
        return text.isascii() and text.isdigit() and int(text) < self.policy.least_session_seconds

    def _excused(self, message: Message) -> bool:
        """Whether a mark of emergency opens the way for who is not registered."""
        marks = (message.uri, message.get("To") or "", *message.get_all("Route"))
        urgent = (message.get("Priority") or "").strip().lower() == "emergency"
        return not self.policy.emergency_needs_registration and (urgent or any(EMERGENCY in mark for mark in marks))

    def _replace(self, message: Message) -> None:
        """Let go of the call that Replaces or Join names, whoever asks (RFC 3891 wants the asker authorised)."""
        for name in ("Replaces", "Join"):
            for value in message.get_all(name):
                self._calls.pop(value.partition(";")[0].strip())

    def _past(self) -> tuple[str, ...]:
        """The protections past which a registered UE may send, in a network that does not insist on them."""
        insisted = {"esp": self.policy.require_protection, "tls": self.policy.tls_bind_session}
        return tuple(name for name, required in insisted.items() if not required)

    def _take_own_routes(self, message: Message) -> None:
        """Take off the topmost Routes that point here, whichever of our ports a UE speaks to."""
        for port in (self.here[1], PROTECTED_SERVER_PORT, TLS_PORT):
            hops.pop_own_routes(message, (self.here[0], port))

    def _is_here(self, uri: str) -> bool:
        parsed = parse_uri(uri)
        return not parsed.user and (hops.same_place(parsed, self.here) or parsed.host in (DOMAIN, self.here[0]))

    def _route_by_service_route(self, message: Message, bindings: list[Binding]) -> bool:
        service_route = list(bindings[0].service_route) if bindings else [route_uri(self.scscf, "orig")]
        given = hops.uris(message, "Route")
        if not self.policy.check_route:
            return True
        if given and given != service_route:
            return False
        message.remove("Route")
        for uri in service_route:
            message.add("Route", f"<{uri}>")
        return True

    async def _inside_dialog(self, served: Served, message: Message) -> None:
        """Serve a request inside a dialog: only its parties may send one, and only along its route."""
        call_id = message.get("Call-ID") or ""
        call = self._calls.get(call_id)
        flow = served.flow
        if call is None or not self._may_send(call, message, flow):
            if not self.policy.check_tags and message.method == "BYE" and self._calls.pop(call_id):
                served.reply(200)  # ends the call at this node, by its Call-ID alone
                return
            served.reply(481)
            return
        self._take_own_routes(message)
        own = call.routes.get(flow) or next(iter(call.routes.values()), ())
        given = hops.uris(message, "Route")
        if self.policy.check_route:
            if given and given != list(own):
                served.reply(400, "Route Is Not The Dialog's")
                return
            message.remove("Route")
            for uri in own:
                message.add("Route", f"<{uri}>")
        trust.take_from_ue(message, self.policy)
        await self._forward_from_ue(served, message, call, call_id)

    def _may_send(self, call: Call, message: Message, flow: Flow) -> bool:
        if not self.policy.check_dialog_party or message.method in self.policy.unchecked_in_dialog:
            return True
        return self._is_party(call, message, flow)

    @staticmethod
    def _is_party(call: Call, message: Message, flow: Flow) -> bool:
        tags = set(call.parties.values())
        sent = (hops.tag_of(message, "From"), hops.tag_of(message, "To"))
        return call.parties.get(flow) == sent[0] and sent[1] in tags

    async def _forward_from_ue(self, served: Served, message: Message, call: Call | None, call_id: str) -> None:
        flow = served.flow
        leg = Leg(call_id, originating=call is not None and next(iter(call.parties)) == flow)
        try:
            await self._gateway.from_ue(leg, message)
        except ValueError as error:
            log.debug("P-CSCF: %s", error)
            served.reply(488)
            return

        async def answered(answer: Message) -> Message:
            self._note_dialog(call, flow, message, answer)
            await self._gateway.answer_to_ue(leg, answer)
            trust.give_to_ue(answer, self.policy)
            await self._note_end(call_id, message, answer)
            return answer

        self.forward(message, self.flow(self._next_hop(message)), served, answered)

    def _next_hop(self, message: Message) -> Address:
        """The S-CSCF; the UE's own choice only for a P-CSCF that does not check Route."""
        chosen = None if self.policy.check_route else hops.top_route(message)
        return (chosen.host, chosen.port or hops.DEFAULT_PORT) if chosen else self.scscf

    def _note_dialog(self, call: Call | None, flow: Flow, message: Message, answer: Message) -> None:
        """Learn the caller's route set and the called side's tag from an answer to the first request."""
        if call is None or flow in call.routes or message.method not in DIALOG_METHODS or not 100 < answer.status < 300:
            return
        route = hops.uris(answer, "Record-Route")[::-1]
        if route:
            call.routes[flow] = tuple(route[1:])
        tag = hops.tag_of(answer, "To")
        if tag and tag not in call.parties.values():
            call.parties.setdefault(self.flow(self.scscf), tag)

    async def _note_end(self, call_id: str, message: Message, answer: Message) -> None:
        first_failed = message.method == "INVITE" and answer.status >= 300 and not hops.tag_of(message, "To")
        if first_failed or (message.method == "BYE" and answer.status >= 200):
            self._calls.pop(call_id)
            await self._gateway.release(call_id)

    def _elsewhere(self, message: Message) -> Address | None:
        """Where else than to its UE a P-CSCF sends a request that believes the addresses in it."""
        if self.policy.to_ues_only:
            return None
        named = hops.top_route(message) or parse_uri(message.uri)
        place = (named.host, named.port or hops.DEFAULT_PORT)
        known = {one.flow.peer for one in self.bindings.all()}
        return None if place in known or self.bindings.of_contact(str(named)) is not None else place

    async def _to_ue(self, served: Served, message: Message) -> None:
        """Bring a request of the network to the UE that registered the contact."""
        self._take_own_routes(message)
        if (elsewhere := self._elsewhere(message)) is not None:
            self.forward(message, self.flow(elsewhere), served)
            return
        binding = self.bindings.of_contact(message.uri)
        if binding is None:
            served.reply(480 if message.method != "ACK" else 404)
            return
        flow = binding.flow
        if flow.transport == "udp":
            flow = self.flow(flow.peer)
        call_id = message.get("Call-ID") or ""
        call = self._calls.get(call_id)
        if message.method in DIALOG_METHODS and not hops.tag_of(message, "To"):
            if call is None:
                call = Call()
                self._calls.put(call_id, call)
            call.routes[flow] = tuple(hops.uris(message, "Record-Route"))
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
        leg = Leg(call_id, originating=call is not None and next(iter(call.parties), None) == flow)
        await self._gateway.to_ue(leg, message)
        trust.give_to_ue(message, self.policy)

        async def answered(answer: Message) -> Message:
            tag = hops.tag_of(answer, "To")
            if call is not None and tag and message.method in DIALOG_METHODS and not hops.tag_of(message, "To"):
                call.parties[flow] = tag
            trust.take_from_ue(answer, self.policy)
            await self._gateway.answer_from_ue(leg, answer)
            await self._note_end(call_id, message, answer)
            return answer

        self.forward(message, flow, served, answered)
