"""Volleys: many datagrams at once and what comes back to each, for campaigns of millions; only sums are journalled."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import TYPE_CHECKING, Self

from imsproof.link.udp import two
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.link.session import Session

READ_SIZE = 65536
READ_EVERY = 16
MAX_REPLIES = 10_000
STEP = 0.1
"""Seconds between two looks at the stop switch."""


class Volley:
    """One connected UDP socket that fires and listens. Use it as a context manager, from one thread.

    Attributes:
        sent, received: datagrams so far.
        refused: whether the last volley met an ICMP refusal (nobody listens there), before or after it was sent.
    """

    def __init__(
        self,
        session: Session,
        actor: str,
        exchange: str,
        target: Address,
        *,
        source: str | None = None,
        journal: bool = True,
    ) -> None:
        """Open the socket.

        Args:
            session: the campaign's or purpose's session.
            actor: whose it is.
            exchange: the conversation that its sums belong to.
            target: where to.
            source: local IP to bind to, the session's by default.
            journal: ``False`` for one of thousands of sockets, whose sums are kept elsewhere.

        Raises:
            OutOfScopeError, StoppedError: the guard says no.
            HarnessError: the socket cannot be had.
        """
        session.check(actor, exchange, target)
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.target = target
        self.sent = self.received = 0
        self.refused = False
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
            if source or session.source:
                self._socket.bind((source or session.source, 0))
            self._socket.connect(target)
        except OSError as error:
            self._socket.close()
            raise HarnessError(f"no UDP socket to {target[0]}: {error}") from error
        self.local = two(self._socket.getsockname())
        self._flow = session.open_flow("udp", self.local, target) if journal else None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket."""
        self.close()

    def close(self) -> None:
        """Close the socket and journal the sums."""
        self._socket.close()
        if self._flow is None:
            return
        self.session.close_flow(self._flow)
        self.session.emit(
            Kind.COUNTED,
            self.actor,
            self.exchange,
            transport="udp",
            local=self.local,
            remote=self.target,
            facts={"sent": self.sent, "received": self.received},
        )

    def fire(self, datagrams: Sequence[bytes], until: Callable[[bytes], bool], within: float) -> list[bytes]:
        """Send all, and take what comes back until ``until`` says so of a datagram, or the time is over.

        Args:
            datagrams: sent in order, as fast as the guard lets them through.
            until: told of each datagram that comes; ``True`` ends the volley.
            within: seconds to listen after the last was sent.
        """
        self.session.check(self.actor, self.exchange, self.target)
        self.refused = False
        came: list[bytes] = []
        for number, data in enumerate(datagrams):
            wait = self.session.link.guard.delay(len(data))
            if wait > 0:
                self._listen(came, until, wait)
            try:
                self._socket.send(data)
            except ConnectionRefusedError:
                self.refused = True  # of an earlier datagram; this one was not sent
                with contextlib.suppress(OSError):
                    self._socket.send(data)
            except OSError:  # a full buffer or too long: lost, as on a wire
                pass
            self.sent += 1
            if number % READ_EVERY == READ_EVERY - 1:
                self._listen(came, until, 0)
        self._listen(came, until, within)
        return came

    def _listen(self, came: list[bytes], until: Callable[[bytes], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.session.link.stop.is_set():
            try:
                data = self._socket.recv(READ_SIZE)
            except BlockingIOError:
                left = end - time.monotonic()
                if left <= 0:
                    return
                select.select([self._socket], [], [], min(left, STEP))
                continue
            except OSError as error:
                self.refused = self.refused or isinstance(error, ConnectionRefusedError)
                return
            self.received += 1
            if len(came) < MAX_REPLIES:
                came.append(data)
            if until(data):
                return
