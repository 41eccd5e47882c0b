"""Idle connections: so many are opened, held, counted and closed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tests.conftest import events

from imsproof.actors.connections import Connections
from imsproof.seams import Kind

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session


def test_connections_are_held_until_they_are_closed(session: Session, serve: Serve) -> None:
    def hold(peer: socket.socket) -> None:
        peer.recv(1)

    holder = Connections(session, serve(hold))
    held = holder.open(60)
    counted = [one.facts for one in events(session, held.exchange) if one.kind is Kind.COUNTED]
    assert [(one["sent"], one["received"]) for one in counted] == [(60, 60)]
    holder.close()
    assert holder._held == []


def test_refused_connections_are_counted_as_tried(session: Session) -> None:
    held = Connections(session, ("127.0.0.1", 9)).open(3)
    counted = [one.facts for one in events(session, held.exchange) if one.kind is Kind.COUNTED]
    assert [(one["sent"], one["received"]) for one in counted] == [(3, 0)]


def test_who_hangs_up_sends_and_resets(session: Session, serve: Serve) -> None:
    got: list[bytes] = []

    def take(peer: socket.socket) -> None:
        with contextlib.suppress(ConnectionResetError):
            got.append(peer.recv(100))

    done = Connections(session, serve(take)).hang_up(b"hello", "hello and goodbye")
    kinds = [one.kind for one in events(session, done.exchange)]
    assert kinds[:2] == [Kind.OPENED, Kind.SENT]
    assert [one.facts["by"] for one in events(session, done.exchange) if one.kind is Kind.CLOSED] == ["tester"]
