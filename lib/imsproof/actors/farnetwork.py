"""The tester as a far network behind a border node: it takes and makes calls there, and plays a visited P-CSCF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.ue import Ue
from imsproof.profile.gm import Subscriber

if TYPE_CHECKING:
    from imsproof.actors.call import Call
    from imsproof.actors.sipsubject import SipAnswer
    from imsproof.link.session import Session
    from imsproof.profile.gm import Gm
    from imsproof.profile.mw import Border


class FarNetwork(Ue):
    """A user agent at the far network's own address, whose next hop is the border node.

    Attributes:
        border: the border node.
        uri: somebody of the far network, whom the lab's subscribers can call.
    """

    def __init__(self, session: Session, gm: Gm, border: Border, subscriber: Subscriber | None = None) -> None:
        """Stand behind ``border``; with a ``subscriber`` of the lab it is the P-CSCF that this one visits."""
        self.uri = f"sip:somebody@{border.far_domain}"
        who = subscriber or Subscriber(name="far", impi=f"somebody@{border.far_domain}", impus=(self.uri,))
        outside = gm.model_copy(update={"udp": border.address, "tcp": None, "tls": None})
        super().__init__(session, outside, who, transport="udp", actor="far", source=border.far[0])
        self.border = border
        self._own = (border.far[0], border.far[1])

    def back(self, call: Call, method: str, label: str, routes: tuple[str, ...] | None = None) -> SipAnswer:
        """Send a request within a call that came from the lab, along its route or along another one."""
        if call.dialog is not None and routes is not None:
            call.dialog.routes = routes
        return call.request(method, label=label)
