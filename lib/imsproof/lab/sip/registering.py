"""The P-CSCF's part in registrations: the agreement on protection, Path, the keys that stay here (TS 24.229 5.2.2)."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, parse_name_addr, parse_uri
from imsproof.codec.sipauth import format_challenge, format_credentials, parse_challenge, parse_credentials
from imsproof.lab.sip import hops, trust
from imsproof.lab.sip.agreement import Agreement, Agreements, RefusedError, confirm, verified
from imsproof.lab.sip.associations import Associations, AssociationSet
from imsproof.lab.sip.bindings import Bindings
from imsproof.lab.sip.node import Node, Served
from imsproof.lab.sip.scscf import route_uri
from imsproof.lab.sip.subscribers import DOMAIN, by_impi

if TYPE_CHECKING:
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.transport import Address, Flow


class Registering(Node):
    """A node that stands between UEs and the S-CSCF when they register.

    Attributes:
        scscf: where registrations go.
        bindings: who is registered, and over which flow.
        hidden: addresses whose UEs are not found any more (planted).
        associations: ESP with the UEs.
    """

    def __init__(self, name: str, address: str, box: PolicyBox, scscf: Address) -> None:
        super().__init__(name, address, box)
        self.scscf = scscf
        self.bindings = Bindings()
        self.hidden: set[str] = set()
        self.associations = Associations(address, lambda: self.policy, self.receive)
        self._agreements = Agreements()

    def forget(self) -> None:
        """Forget registrations, agreements and associations."""
        self.bindings.clear()
        self.hidden.clear()
        self._agreements.clear()
        self.associations.clear()

    def register(self, served: Served, message: Message) -> None:
        """Send a REGISTER on to the S-CSCF, and bring its answer back."""
        credentials = _credentials(message)
        current = self.associations.of_flow(served.flow)
        try:
            agreement = self._agree(message, served.flow, current, credentials)
        except RefusedError as refused:
            served.reply(refused.status, headers=refused.headers)
            return
        protected = self._is_protected(served.flow, current, credentials, message)
        trust.take_from_ue(message, self.policy)
        message.remove("Route")
        if self.policy.drop_ue_path:
            message.remove("Path")
        message.add("Path", f"<{route_uri(self.here)}>", first=True)
        message.add("Require", "path")
        message.add("P-Visited-Network-ID", f'"{DOMAIN}"')
        if credentials:
            if self.policy.overwrite_integrity_claim or "integrity-protected" not in credentials:
                credentials["integrity-protected"] = "yes" if protected else "no"
            message.set("Authorization", format_credentials("Digest", credentials))

        async def answered(answer: Message) -> Message:
            if answer.status == 401:
                self._hide(served)
                self._hand_out_challenge(answer, agreement, credentials.get("username", ""), served.flow)
            elif answer.status == 200:
                self.bindings.learn(served.request, served.flow, answer)
                self._settle(current, answer, served.request)
            elif current is not None and not current.impus:
                self.associations.drop(current)
            if answer.status >= 400 and credentials.get("response") and self.policy.tls_close_on_failure:
                self._close_session(served.flow)
            trust.give_to_ue(answer, self.policy)
            return answer

        self.forward(message, self.flow(self.scscf), served, answered)

    def _hide(self, served: Served) -> None:
        if self.policy.search_ends_at_names and not _is_address(served.request):
            self.hidden.add(served.flow.peer[0])

    def _agree(
        self, message: Message, flow: Flow, current: AssociationSet | None, credentials: dict[str, str]
    ) -> Agreement | None:
        """Serve the security agreement of a REGISTER; ``RefusedError`` when there is none or it was bid down."""
        if credentials.get("auts") or not credentials.get("response"):
            user = by_impi(credentials.get("username", ""))
            return self._agreements.propose(message, flow, self.policy, must=user is not None and user.must_agree)
        if current is not None:
            confirm(current.agreement, message, self.policy)
        else:
            self._agreements.unprotected_answer(message, flow, self.policy)
        return None

    @staticmethod
    def _close_session(flow: Flow) -> None:
        """Close a TLS connection whose user failed authentication (TS 33.203 O.3.1.1), after the answer went out."""
        if flow.transport == "tls":
            asyncio.get_running_loop().call_soon(flow.close)

    def _is_protected(
        self, flow: Flow, current: AssociationSet | None, credentials: dict[str, str], message: Message
    ) -> bool:
        """Whether a REGISTER came through an association of the user that it names."""
        if current is None:
            own_session = flow.transport == "tls" and bool(self.bindings.of_flow(flow))
            return own_session and not self.policy.tls_bind_identity
        if not self.policy.bind_identity:
            return True
        named = parse_uri(parse_name_addr(message.get("To") or "").uri).aor
        return current.impi == credentials.get("username") and (not current.impus or named in current.impus)

    def _settle(self, current: AssociationSet | None, answer: Message, register: Message) -> None:
        if current is None:
            return
        if self.policy.choose_by_verify and (suite := verified(register)) is not None:
            self.associations.widen(current, *suite)
        if self.bindings.of_flow(current.flow):
            until = max(one.until for one in self.bindings.of_flow(current.flow))
            self.associations.settle(current, tuple(hops.uris(answer, "P-Associated-URI")), until)
        elif self.policy.end_associations:
            self.associations.end(current.impi)

    def _hand_out_challenge(self, answer: Message, agreement: Agreement | None, impi: str, flow: Flow) -> None:
        """Keep CK and IK from the UE (TS 24.229 5.2.2.2, secondary), make the associations, say what was agreed."""
        scheme, params = parse_challenge(answer.get("WWW-Authenticate") or "")
        keys = [bytes.fromhex(params.get(name, "")) for name in ("ck", "ik")]
        if self.policy.strip_keys:
            params = {name: value for name, value in params.items() if name not in ("ck", "ik")}
        answer.set("WWW-Authenticate", format_challenge(scheme, params))
        if agreement is None:
            return
        answer.add("Security-Server", agreement.header)
        if all(keys):
            self.associations.make(agreement, impi, flow.peer[0], *keys)


def _credentials(message: Message) -> dict[str, str]:
    """Read the digest credentials of a REGISTER; empty when there are none (``SipSyntaxError``)."""
    for text in message.get_all("Authorization"):
        scheme, params = parse_credentials(text)
        if scheme.lower() == "digest":
            return params
    return {}


def _is_address(register: Message) -> bool:
    """Whether the contact's host is an IP address."""
    with suppress(ValueError):
        ipaddress.ip_address(parse_uri(parse_name_addr(register.get("Contact") or "").uri).host.strip("[]"))
        return True
    return False
