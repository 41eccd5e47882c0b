"""Fixtures that several rooms' tests share: a link to loopback only, and small servers that do as they are told."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from imsproof.link.session import Link, Session
from imsproof.seams import Address, Event, Kind, Record

Serve = Callable[[Callable[[socket.socket], None]], Address]


@dataclass(frozen=True)
class LoopbackLimits:
    packets_per_second: float = 1_000_000
    bytes_per_second: float = 1e10
    flood_packets: int = 2000
    flood_rate: float = 5000


@dataclass(frozen=True)
class ShortTimers:
    connect: float = 2.0
    answer: float = 2.0
    silence: float = 0.2
    handshake: float = 3.0
    register_: float = 3.0
    call: float = 3.0


def is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


@pytest.fixture
def link() -> Iterator[Link]:
    """A link that may send to loopback addresses only."""
    made = Link(scope_allows=is_loopback, limits=LoopbackLimits(), timers=ShortTimers())
    yield made
    made.close()


@pytest.fixture
def session(link: Link) -> Session:
    """A session with a record of its own; the link closes it."""
    return link.session(Record("TEST-01"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a TCP server on loopback; the handler gets each connection in a thread of its own."""
    listeners: list[socket.socket] = []
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(handler: Callable[[socket.socket], None]) -> Address:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.settimeout(5)
                connections.append(connection)
                worker = threading.Thread(target=handle, args=(connection,), daemon=True)
                threads.append(worker)
                worker.start()

        def handle(connection: socket.socket) -> None:
            with connection:
                try:
                    handler(connection)
                except OSError:
                    return  # the tester went away: that is what some tests are about

        thread = threading.Thread(target=accept, daemon=True)
        threads.append(thread)
        thread.start()
        host, port = listener.getsockname()
        return (host, port)

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(timeout=5)


def kinds(session: Session, exchange: str = "") -> list[Kind]:
    """The kinds of a session's events in order, of one exchange or of all."""
    return [event.kind for event in events(session, exchange)]


def events(session: Session, exchange: str = "") -> list[Event]:
    """A session's events in order, of one exchange or of all."""
    return [event for event in session.record.events if not exchange or event.exchange == exchange]
