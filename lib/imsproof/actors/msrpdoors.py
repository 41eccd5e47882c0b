"""Ports of the tester beside a message session: one that the lab is to connect to, and one that it must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.msrp import key_pem
from imsproof.link.listen import TrapListener
from imsproof.link.tlslisten import TlsListener

if TYPE_CHECKING:
    from imsproof.actors.msrp import MsrpPeer
    from imsproof.engine.identity import Identity
    from imsproof.seams import Address


def open_door(peer: MsrpPeer, label: str, shown: Identity) -> TlsListener:
    """Listen for the lab's TLS, with this certificate."""
    session = peer.session
    exchange = session.exchange(label)
    return session.run(TlsListener.open(session, peer.actor, exchange, peer.address, shown.pem, key_pem(shown)))


def set_trap(peer: MsrpPeer, label: str, toward: Address) -> TrapListener:
    """Listen where the lab must not be led to; ``toward`` is the lab's address."""
    session = peer.session
    return session.run(TrapListener.open(session, peer.actor, session.exchange(label), toward))
