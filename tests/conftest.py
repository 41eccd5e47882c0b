"""Fixtures that several rooms' tests share: a link to loopback only, and small servers that do as they are told."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import hypothesis
import pytest

from imsproof.link.session import Link, Session
from imsproof.seams import Address, Event, Kind, Record

hypothesis.settings.register_profile("any-load", deadline=None)  # nothing is asserted about speed
hypothesis.settings.load_profile("any-load")

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


class Servers:
    """TCP servers on loopback; each connection is handled in a thread of its own."""

    def __init__(self) -> None:
        self.listeners: list[socket.socket] = []
        self.connections: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    def start(self, handler: Callable[[socket.socket], None]) -> Address:
        listener = socket.create_server(("127.0.0.1", 0))
        self.listeners.append(listener)
        self._run(self._accept, listener, handler)
        host, port = listener.getsockname()
        return (host, port)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, handler: Callable[[socket.socket], None]) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(5)
                self.connections.append(connection)
                self._run(self._handle, connection, handler)

    def _handle(self, connection: socket.socket, handler: Callable[[socket.socket], None]) -> None:
        with connection, contextlib.suppress(OSError):  # the tester went away: that is what some tests are about
            handler(connection)

    def stop(self) -> None:
        for one in (*self.listeners, *self.connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for listener in self.listeners:
            listener.close()
        for thread in self.threads:
            thread.join(timeout=5)


@pytest.fixture
def serve(link: Link) -> Iterator[Serve]:
    """Start a TCP server with the handler given."""
    servers = Servers()
    yield servers.start
    for session in list(link._sessions):
        session.close()  # so that no handler waits for a tester that has nothing more to say
    servers.stop()


def kinds(session: Session, exchange: str = "") -> list[Kind]:
    """The kinds of a session's events in order, of one exchange or of all."""
    return [event.kind for event in events(session, exchange)]


def events(session: Session, exchange: str = "") -> list[Event]:
    """A session's events in order, of one exchange or of all."""
    return [event for event in session.record.events if not exchange or event.exchange == exchange]
