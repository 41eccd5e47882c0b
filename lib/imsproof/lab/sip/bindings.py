"""What the P-CSCF knows of registered UEs: identities, contact, the flow that it registered over, Service-Route."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr, parse_uri
from imsproof.lab.sip import hops

if TYPE_CHECKING:
    from collections.abc import Collection

    from imsproof.lab.sip.transport import Flow


@dataclass(frozen=True, slots=True)
class Binding:
    """A registered contact.

    Attributes:
        contact: Contact URI.
        flow: where its REGISTER came from; only from there, or from the contact's address, it may send.
        impus: registered public identities; the first is the default one.
        service_route: URIs that its requests must be routed by.
        until: end of the registration (monotonic seconds).
    """

    contact: str
    flow: Flow
    impus: tuple[str, ...]
    service_route: tuple[str, ...]
    until: float

    def sends_from(self, flow: Flow, past: Collection[str] = ()) -> bool:
        """Whether a request on this flow comes from the registered UE; ``past`` names protections that do not count."""
        if flow == self.flow:
            return True
        if flow.transport != "udp" or self.flow.transport not in ("udp", *past):
            return False
        if self.flow.transport == "tls":
            return flow.peer[0] == self.flow.peer[0]
        return hops.same_place(parse_uri(self.contact), flow.peer)


class Bindings:
    """All registered contacts, by URI and flow."""

    def __init__(self) -> None:
        self._bindings: dict[tuple[str, Flow], Binding] = {}

    def clear(self) -> None:
        """Forget all."""
        self._bindings.clear()

    def add(self, binding: Binding) -> None:
        """Remember a contact."""
        self._bindings[binding.contact, binding.flow] = binding

    def all(self) -> list[Binding]:
        """Every contact that is remembered."""
        return list(self._bindings.values())

    def learn(self, register: Message, flow: Flow, answer: Message) -> None:
        """Take over what a 200 to REGISTER says (``SipSyntaxError`` when it cannot be read)."""
        impus = tuple(hops.uris(answer, "P-Associated-URI"))
        route = tuple(hops.uris(answer, "Service-Route"))
        now = time.monotonic()
        bound = {}
        for value in answer.values("Contact"):
            address = parse_name_addr(value)
            bound[str(parse_uri(address.uri))] = now + int(address.params.get("expires") or 0)
        self._bindings = {
            key: binding
            for key, binding in self._bindings.items()
            if binding.until > now and (binding.impus != impus or binding.contact in bound)
        }
        for value in register.values("Contact"):
            uri = value if value == "*" else str(parse_uri(parse_name_addr(value).uri))
            if uri in bound:
                self.add(Binding(uri, flow, impus, route, bound[uri]))

    def of_flow(self, flow: Flow, past: Collection[str] = ()) -> list[Binding]:
        """The registered contacts that this flow may speak for (``past`` as for :meth:`Binding.sends_from`)."""
        now = time.monotonic()
        return [one for one in self._bindings.values() if one.until > now and one.sends_from(flow, past)]

    def of_contact(self, uri: str) -> Binding | None:
        """The contact that a request from the core is for; the latest, when it registered over several flows."""
        try:
            wanted = parse_uri(uri)
        except SipSyntaxError:
            return None
        now = time.monotonic()
        for binding in reversed(self._bindings.values()):
            found = parse_uri(binding.contact)
            same = (found.user, found.host, found.port) == (wanted.user, wanted.host, wanted.port)
            if same and binding.until > now:
                return binding
        return None
