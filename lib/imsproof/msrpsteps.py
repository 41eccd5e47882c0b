"""What the testcases of message sessions do again and again: join a session as the control, and see that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge import alive, control, expect

if TYPE_CHECKING:
    from imsproof.actors.msrp import MsrpAnswer, MsrpCall, MsrpConnection, MsrpPeer

TRIES = 3


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


def still_serves(connection: MsrpConnection, *, newcomers: bool = True) -> None:
    """What the purpose is about: a session that has nothing to do with the abuse is served as before.

    So are sessions that begin afterwards (``newcomers``); the lab may need a while to tidy up what ended.
    """
    answer = connection.send("SEND in another session")
    expect(answer).serves()
    if not newcomers or not _taken(answer):
        return
    for _ in range(TRIES):
        answer = _newcomer(connection.call.peer)
        if _taken(answer):
            break
        connection.wait_end("time to tidy up")
    expect(answer).serves()


def _taken(answer: MsrpAnswer) -> bool:
    return 200 <= answer.status < 300


def _newcomer(peer: MsrpPeer) -> MsrpAnswer:
    call = peer.offer("INVITE of a newcomer")
    connection = call.connect("connection of a newcomer")
    answer = connection.send("SEND of a newcomer")
    connection.close()
    call.end()
    return answer
