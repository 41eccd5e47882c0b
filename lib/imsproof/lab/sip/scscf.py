"""The S-CSCF: registrar, and the route from the calling to the called subscriber by way of the IMS AS."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, Uri, parse_name_addr, parse_uri, response
from imsproof.lab.sip import hops, regevent
from imsproof.lab.sip.anonymity import CALLBACK
from imsproof.lab.sip.barring import barred, premium
from imsproof.lab.sip.hss import static_registrations
from imsproof.lab.sip.node import Node, Served
from imsproof.lab.sip.registrar import Contact, Registrar, Registration
from imsproof.lab.sip.subscribers import DOMAIN, FAR_UE
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.transport import Address, Flow

ORIGINATING = "orig"
TERMINATING = "term"
DIALOG_PREFIX = "odi-"
FOREVER = 1e9
SEEN = "X-Imslab-Seen"
"""Contacts that a request was already forked to, where that is how loops are found."""


class Scscf(Node):
    """Serves what comes from the P-CSCF and the IMS AS."""

    def __init__(
        self,
        address: str,
        box: PolicyBox,
        *,
        pcscf: Address,
        imsas: Address,
        far_ue: Address,
        borders: Mapping[str, Address] | None = None,
    ) -> None:
        super().__init__("S-CSCF", address, box)
        self._pcscf, self._imsas = pcscf, imsas
        self._borders = dict(borders or {})
        self._peers = {pcscf, imsas, *self._borders.values()}
        path = [f"<{route_uri(pcscf)}>"]
        permanent = {}
        for subscriber in static_registrations():
            uri = f"sip:{subscriber.name}@{far_ue[0]}:{far_ue[1]}"
            contacts = {uri: Contact(uri, path, time.monotonic() + FOREVER)}
            permanent[subscriber.impi] = Registration(subscriber, contacts)
        self.registrar = Registrar(box, route_uri(self.here, ORIGINATING), permanent)
        self._through_as: Table[str, str] = Table(300.0, 10_000)
        self.on_deregistered: Callable[[tuple[str, ...]], Awaitable[None]] = _nothing

    async def reset(self) -> None:
        """Forget registrations and calls."""
        await super().reset()
        self.registrar.reset()
        self._through_as.clear()

    def admit(self, message: Message, flow: Flow) -> bool:
        """Refuse whoever is not a node of the network."""
        if flow.peer in self._peers or not self.policy.trust_peers_only:
            return True
        Served(self, message, flow).reply(403)
        return False

    async def on_request(self, served: Served) -> None:
        """Register, or route on."""
        message = served.request.copy()
        if message.method == "REGISTER":
            await self._register(served, message)
            return
        hops.count_down(message)
        own = hops.pop_own_routes(message, self.here)
        if hops.tag_of(message, "To"):
            self._along_route(served, message)
            return
        user = own[0].user if own else ""
        if not user and served.flow.peer in self._borders.values():
            self._terminate(served, message)
            return
        if user == TERMINATING and served.flow.peer == self._imsas:
            self._terminate(served, message)
        elif user == ORIGINATING or not user.startswith(DIALOG_PREFIX):
            self._originate(served, message)
        elif self._through_as.get(user) is not None:
            self._terminate(served, message)
        else:
            served.reply(403)

    async def _register(self, served: Served, message: Message) -> None:
        """Register, and end the calls of those whose registration ended (TS 24.229 5.4.1.4)."""
        before = dict(self.registrar.registrations)
        served.send(await self.registrar.register(message))
        ended = [one for impi, one in before.items() if impi not in self.registrar.registrations]
        if self.policy.end_calls_of_deregistered:
            for registration in ended:
                await self.on_deregistered(registration.subscriber.impus)

    async def remove(self, impi: str) -> bool:
        """End a registration as the HSS asks for it (TS 24.229 5.4.1.5); whether there was one."""
        registration = self.registrar.registrations.pop(impi, None)
        if registration is not None and self.policy.end_calls_of_removed:
            await self.on_deregistered(registration.subscriber.impus)
        return registration is not None

    def _along_route(self, served: Served, message: Message) -> None:
        following = hops.top_route(message)
        target = (following.host, following.port or hops.DEFAULT_PORT) if following else self._pcscf
        if target not in self._peers:
            served.reply(404)
            return
        self.forward(message, self.flow(target), served)

    def _originate(self, served: Served, message: Message) -> None:
        caller = first_identity(message, "P-Served-User") or asserted(message)
        message.remove("P-Served-User")
        if caller is None or (self.policy.require_registration and not self.registrar.registered(caller)):
            served.reply(403)
            return
        if barred(message.uri, self.policy):
            served.reply(403)
            return
        uri = parse_uri(message.uri)
        if not uri.user and uri.host == DOMAIN:
            self._serve_own(served, message)
            return
        if message.method == "SUBSCRIBE" and (message.get("Event") or "").lower().startswith("reg"):
            self._watch(served, caller, self._identity(uri))
            return
        if message.method != "INVITE" and uri.aor != CALLBACK:
            self._terminate(served, message)
            return
        token = DIALOG_PREFIX + secrets.token_hex(8)
        self._through_as.put(token, caller)
        message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
        message.add("Route", f"<{route_uri(self.here, token)}>", first=True)
        message.add("Route", f"<{route_uri(self._imsas)}>", first=True)
        self.forward(message, self.flow(self._imsas), served)

    def _watch(self, served: Served, watcher: str, watched: str | None) -> None:
        """Tell a subscriber of its own registration state, once."""
        registration = self.registrar.registered(watched) if watched else None
        own = registration is not None and watcher in registration.subscriber.impus
        if registration is None or not (own or not self.policy.reg_event_own_only):
            served.reply(403)
            return
        tag, here = secrets.token_hex(4), route_uri(self.here)
        headers = [("Expires", str(regevent.EXPIRES)), ("Contact", f"<{here}>")]
        served.send(response(served.request, 200, headers=headers, to_tag=tag, record_route=True))
        body = regevent.document(registration, self.policy)
        self.forward(regevent.notification(served.request, tag, body, here), self.flow(self._pcscf), None)

    @staticmethod
    def _serve_own(served: Served, message: Message) -> None:
        if message.method == "OPTIONS":
            served.reply(200, headers=[("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE")])
        else:
            served.reply(405, headers=[("Allow", "OPTIONS, REGISTER")])

    def _terminate(self, served: Served, message: Message) -> None:
        border = self._borders.get(parse_uri(message.uri).host)
        if border is not None:
            self._leave(served, message, border)
            return
        called = self._identity(parse_uri(message.uri))
        if called is None:
            served.reply(404)
            return
        registration = self.registrar.registered(called)
        contact = registration.latest() if registration else None
        if contact is None:
            served.reply(480)
            return
        if not self.policy.breadth and registration is not None and message.method == "INVITE":
            self._spread(message, called, registration, contact)
        if not self.policy.contacts_end_here and registration is not None:
            own = self._follow(served, message, registration)
            if own is None:
                return
            contact = own
        if message.method in ("INVITE", "SUBSCRIBE", "REFER"):
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
        message.set("P-Called-Party-ID", f"<{called}>")
        message.remove(SEEN)
        message.uri = contact.uri
        message.remove("Route")
        for value in contact.path:
            message.add("Route", value)
        self.forward(message, self.flow(self._pcscf), served)

    def _spread(self, message: Message, called: str, registration: Registration, kept: Contact) -> None:
        """Fork to every other contact too, whatever Max-Breadth says (RFC 5393 clause 5.3.3)."""
        for contact in registration.contacts.values():
            if contact is not kept:
                fork = message.copy()
                fork.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
                fork.set("P-Called-Party-ID", f"<{called}>")
                fork.uri = contact.uri
                fork.remove("Route")
                for value in contact.path:
                    fork.add("Route", value)
                self.forward(fork, self.flow(self._pcscf), None)

    def _follow(self, served: Served, message: Message, registration: Registration) -> Contact | None:
        """Fork to each contact that is somebody of this network, as if called; return one that is a UE."""
        own = None
        for contact in registration.contacts.values():
            seen = self.policy.loops_by_uri and contact.uri in message.get_all(SEEN)
            if self._identity(parse_uri(contact.uri)) is None:
                own = contact
            elif (message.get("Max-Forwards") or "0") != "0" and not seen:
                fork = message.copy()
                fork.add(SEEN, contact.uri)
                fork.set("Max-Forwards", str(int(message.get("Max-Forwards") or "1") - 1))
                fork.uri = contact.uri
                self._terminate(served, fork)
        return own

    def _leave(self, served: Served, message: Message, border: Address) -> None:
        """Send a request to a far network by way of its border node."""
        if message.method in ("INVITE", "SUBSCRIBE", "REFER"):
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)
        message.remove("Route")
        self.forward(message, self.flow(border), served)

    def _identity(self, uri: Uri) -> str | None:
        """Return the IMPU of the home domain that a Request-URI names; ``None`` when nobody has it."""
        if uri.scheme == "sips":
            uri.scheme = "sip"
        if premium(uri):
            return FAR_UE.impus[0]  # stands for the way out to the telephone network
        names = [uri.aor]
        if uri.scheme == "sip" and uri.host == DOMAIN and uri.user.startswith("+"):
            names.append(f"tel:{uri.user.partition(';')[0]}")
        return next((name for name in names if self.registrar.hss.by_impu(name)), None)


async def _nothing(_impus: tuple[str, ...]) -> None:
    """Nobody is told."""


def route_uri(address: Address, user: str = "") -> str:
    """Write the URI of a node for Route and its like."""
    return str(Uri("sip", user, address[0], address[1], {"lr": None}))


def asserted(message: Message) -> str | None:
    """The asserted identity of a request's sender, as address of record; ``None`` without a readable one."""
    return first_identity(message, "P-Asserted-Identity")


def first_identity(message: Message, name: str) -> str | None:
    """The first readable address of record in a header; ``None`` when there is none."""
    for value in message.values(name):
        try:
            return parse_uri(parse_name_addr(value).uri).aor
        except SipSyntaxError:
            continue
    return None
