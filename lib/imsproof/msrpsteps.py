"""What the testcases of message sessions do again and again: join a session as the control, and see that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge import alive, control, expect

if TYPE_CHECKING:
    from imsproof.actors.msrp import MsrpCall, MsrpConnection, MsrpPeer


def joined(peer: MsrpPeer, label: str = "message session", call: MsrpCall | None = None) -> MsrpConnection:
    """Offer a message session, connect, and send a message that must be accepted: the control."""
    call = call or peer.offer(f"INVITE, {label}")
    control(call).holds("message-session-given")
    connection = call.connect(f"connection, {label}")
    control(connection.send(f"SEND, {label}")).accepted()
    return connection


def serves(*connections: MsrpConnection) -> None:
    """Messages are still taken: on the first connection, or on another one."""
    alive(*(one.send("SEND afterwards") for one in connections))


def still_serves(connection: MsrpConnection) -> None:
    """What the purpose is about: a session that has nothing to do with the abuse is served as before."""
    expect(connection.send("SEND in another session")).serves()
