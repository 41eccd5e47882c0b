"""A border node, IBCF or I-CSCF: the way between the S-CSCF and one far network, with topology hiding."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError
from imsproof.lab.sip import hops, trust
from imsproof.lab.sip.hiding import BrokenTokenError, Curtain, Hider
from imsproof.lab.sip.node import Node, Served
from imsproof.lab.sip.scscf import route_uri

if TYPE_CHECKING:
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.transport import Address, Flow

log = logging.getLogger("imsproof.lab.sip")

DIALOG_METHODS = ("INVITE", "SUBSCRIBE", "REFER")


class Border(Node):
    """Takes requests from the S-CSCF and from its far network, and from nobody else.

    Args:
        name: of the node.
        address: its IP address.
        box: the lab's policy.
        scscf: where requests of the far network go.
        far: the far network's address.
        hider: how inner entries are hidden.
    """

    def __init__(self, name: str, address: str, box: PolicyBox, *, scscf: Address, far: Address, hider: Hider) -> None:
        super().__init__(name, address, box)
        self._scscf, self._far = scscf, far
        self._curtain = Curtain(hider, frozenset({self.here, far}))

    def admit(self, message: Message, flow: Flow) -> bool:
        """Refuse whoever is neither the S-CSCF nor the far network."""
        if flow.peer in (self._scscf, self._far) or not self.policy.trust_peers_only:
            return True
        Served(self, message, flow).reply(403)
        return False

    async def on_request(self, served: Served) -> None:
        """Pass a request to the other side."""
        message = served.request.copy()
        hops.count_down(message)
        if served.flow.peer == self._scscf:
            self._out(served, message)
        else:
            self._in(served, message)

    def _out(self, served: Served, message: Message) -> None:
        hops.pop_own_routes(message, self.here)
        trust.give_to_ue(message, self.policy)  # a far network is outside the trust domain too
        self._curtain.draw(message, self.policy)
        if message.method in DIALOG_METHODS and not hops.tag_of(message, "To"):
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)

        async def answered(answer: Message) -> Message:
            # What the far network answers with is told by its request: its Via may not be believed.
            answer.remove("Via")
            for value in reversed(served.request.get_all("Via")):
                answer.add("Via", value, first=True)
            self._curtain.lift(answer, self.policy, names=("Record-Route", "Path", "Service-Route"))
            return answer

        self.forward(message, self.flow(self._far), served, answered)

    def _in(self, served: Served, message: Message) -> None:
        hops.pop_own_routes(message, self.here)
        try:
            if self.policy.restore_hidden:
                self._curtain.lift(message, self.policy, names=("Route", "Path"))
        except (BrokenTokenError, SipSyntaxError):
            served.reply(403)
            return
        following = hops.top_route(message)
        if following is not None and not hops.same_place(following, self._scscf):
            served.reply(404)  # the far network routes nowhere but to the S-CSCF
            return
        if message.method in DIALOG_METHODS and not hops.tag_of(message, "To"):
            message.add("Record-Route", f"<{route_uri(self.here)}>", first=True)

        async def answered(answer: Message) -> Message:
            trust.give_to_ue(answer, self.policy)
            self._curtain.draw(answer, self.policy)
            return answer

        self.forward(message, self.flow(self._scscf), served, answered)
