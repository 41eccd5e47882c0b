"""The guard at the door: authorised scope, rate cap and stop switch, asked before every packet."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Protocol

from imsproof.seams import OutOfScopeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

BURST_SECONDS = 0.1
"""A bucket holds this many seconds' worth of its rate."""


class Limits(Protocol):
    """What the profile allows the link to do to a network (`imsproof.profile` has the model)."""

    @property
    def packets_per_second(self) -> float:
        """Packets (datagrams, or segments written) per second, all sockets together."""

    @property
    def bytes_per_second(self) -> float:
        """Payload bytes per second, all sockets together."""

    @property
    def flood_packets(self) -> int:
        """How many datagrams one burst may send at most."""

    @property
    def flood_rate(self) -> float:
        """Datagrams per second of a burst at most."""


class Timers(Protocol):
    """How long the link and the actors wait, in seconds (`imsproof.profile` has the model)."""

    @property
    def connect(self) -> float:
        """For a transport connection to be there."""

    @property
    def answer(self) -> float:
        """For an answer to a request."""

    @property
    def silence(self) -> float:
        """How long nothing must come before it counts as silence."""

    @property
    def handshake(self) -> float:
        """For a TLS or DTLS handshake to end."""

    @property
    def register_(self) -> float:
        """For a whole registration."""

    @property
    def call(self) -> float:
        """For a call to be answered."""


KNOWN = 1024
"""Addresses whose authorisation is remembered: the scope stays as it is while a process runs."""


class Bucket:
    """A token bucket that lends: a taker is told how long to wait before it may act.

    In any window of ``t`` seconds no more than ``rate * (t + BURST_SECONDS)`` units are let through, plus one
    request that is larger than the bucket.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a full bucket of ``rate`` units per second (more than 0)."""
        self._rate = max(float(rate), 1e-9)
        self._room = max(self._rate * BURST_SECONDS, 1.0)
        self._level = self._room
        self._clock = clock
        self._seen = clock()
        self._lock = threading.Lock()

    def take(self, units: float = 1) -> float:
        """Take units and return the seconds to wait before using them."""
        with self._lock:
            now = self._clock()
            self._level = min(self._room, self._level + (now - self._seen) * self._rate) - units
            self._seen = now
            return max(0.0, -self._level / self._rate)


class Guard:
    """Says of each packet whether and when it may go out. Safe to call from several threads."""

    def __init__(self, allows: Callable[[str], bool], limits: Limits, stop: threading.Event) -> None:
        """Build the guard from the scope's test, the limits and the stop switch."""
        self._allows = allows
        self._known: set[str] = set()
        self._packets = Bucket(limits.packets_per_second)
        self._bytes = Bucket(limits.bytes_per_second)
        self.stop = stop
        self.limits = limits

    def check(self, host: str) -> None:
        """Check scope and stop switch only; for a target that several packets are about to go to.

        Raises:
            OutOfScopeError: the profile does not authorise the address.
            StoppedError: the stop switch was thrown.
        """
        if self.stop.is_set():
            raise StoppedError("the stop switch was thrown; nothing more is sent")
        if host in self._known:
            return
        if not self._allows(host):
            raise OutOfScopeError(
                f"{host} is outside the profile's authorised scope; nothing was sent. "
                "Add its network to scope.networks if you are allowed to test it."
            )
        if len(self._known) < KNOWN:
            self._known.add(host)

    def delay(self, size: int, packets: int = 1) -> float:
        """Account for packets of ``size`` bytes together and return the seconds to wait before sending them."""
        return max(self._packets.take(packets), self._bytes.take(size))

    async def admit(self, host: str, size: int) -> None:
        """Wait until one packet of ``size`` bytes may go to ``host``; raises as :meth:`check` does."""
        self.check(host)
        wait = self.delay(size)
        if wait > 0:
            await asyncio.sleep(wait)
            self.check(host)
