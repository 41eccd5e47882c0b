"""The link of a process and the session of one purpose: journal, tap, flows and keys in one place.

A `Link` owns the loop, the guard and the limits. A `Session` belongs to one purpose: what its sockets did lands in
its record, its tap and its key log, and closing it closes every socket that was opened for it.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from imsproof.link.guard import Guard, Limits, Timers
from imsproof.link.loop import LoopThread
from imsproof.seams import Address, Event, Flow, HarnessError, ImsproofError, Kind, OutOfScopeError, Record, TapPacket

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from imsproof.profile import Profile

T = TypeVar("T")

TAP_PACKETS = 50_000
TAP_BYTES = 64 * 1024 * 1024
CLOSE_SECONDS = 3.0
CLOSE_ATTEMPTS = 3
"""A thing that takes too long (a UE that says goodbye to a dead lab) is left, and the others are closed then."""


class ConnectionFailedError(ImsproofError):
    """A connection did not come up or went away; the journal has the event. Actors turn it into a subject."""


class Closeable(Protocol):
    """A socket's wrapper that a session closes at its end."""

    async def aclose(self) -> None:
        """Close, once or again."""


class Link:
    """The one door of a process.

    Attributes:
        loop: the background loop.
        guard: asked before each packet.
        timers: the profile's timers, in seconds.
        stop: the stop switch; set it and all sending ends.
    """

    def __init__(
        self,
        *,
        scope_allows: Callable[[str], bool],
        limits: Limits,
        timers: Timers,
        stop: threading.Event | None = None,
    ) -> None:
        """Start the loop; ``scope_allows`` takes a textual IP address."""
        self.stop = stop or threading.Event()
        self.limits = limits
        self.timers = timers
        self.guard = Guard(scope_allows, limits, self.stop)
        self.loop = LoopThread(self.stop)
        self._sessions: list[Session] = []

    def session(self, record: Record, *, source: str | None = None) -> Session:
        """Open a session that writes to ``record``; ``source`` is the local IP to bind to when none is given."""
        session = Session(self, record, source=source)
        self._sessions.append(session)
        return session

    def forget(self, session: Session) -> None:
        """Drop a closed session."""
        if session in self._sessions:
            self._sessions.remove(session)

    def close(self) -> None:
        """Close every session that is still open, then the loop."""
        for session in list(self._sessions):
            session.close()
        self.loop.close()


class Session:
    """The view that one purpose has of the link. Its methods may be called from any thread.

    Attributes:
        record: where events go.
        flows: the sockets opened so far, with their times.
        packets: the tap: payloads as they crossed, in order (at most 50 000 packets and 64 MiB).
        untapped: packets that no longer fitted into the tap.
        keys: key log lines in NSS format, of TLS and DTLS.
        extra_files: further files for the evidence folder by name, e.g. ``esp_sa`` (Wireshark's table of ESP keys).
        source: default local IP to bind to, or ``None`` for the system's choice.
    """

    def __init__(self, link: Link, record: Record, *, source: str | None = None) -> None:
        """Bind a record to a link; use :meth:`Link.session`."""
        self.link = link
        self.record = record
        self.source = source
        self.flows: list[Flow] = []
        self.packets: list[TapPacket] = []
        self.untapped = 0
        self.keys: list[str] = []
        self.extra_files: dict[str, bytes] = {}
        self._tapped_bytes = 0
        self._exchanges = 0
        self._owned: list[Closeable] = []
        self._lock = threading.RLock()
        self.closed = False

    @property
    def timers(self) -> Timers:
        """The profile's timers."""
        return self.link.timers

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine on the link's loop and wait for it (see :meth:`LoopThread.run`)."""
        return self.link.loop.run(coroutine, timeout)

    def exchange(self, label: str) -> str:
        """Name a new conversation: ``<running number>:<label>``."""
        with self._lock:
            self._exchanges += 1
            return f"{self._exchanges}:{label}"

    def emit(
        self,
        kind: Kind,
        actor: str,
        exchange: str,
        *,
        transport: str = "",
        local: Address | None = None,
        remote: Address | None = None,
        data: bytes = b"",
        facts: Mapping[str, Any] | None = None,
    ) -> Event:
        """Append an event to the journal, stamped now. After the session's end it is made but not kept."""
        with self._lock:
            event = Event(
                seq=len(self.record.events) + 1,
                utc=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
                mono_ns=time.monotonic_ns(),
                actor=actor,
                kind=kind,
                exchange=exchange,
                transport=transport,
                local=local,
                remote=remote,
                data=bytes(data),
                facts=dict(facts or {}),
            )
            if not self.closed:
                self.record.events.append(event)
            return event

    def note(self, text: str, *, actor: str = "harness", exchange: str = "", **facts: Any) -> Event:
        """Append a note; ``facts`` are plain JSON values that stand beside ``text``."""
        return self.emit(Kind.NOTE, actor, exchange, facts={"text": text, **facts})

    async def admit(self, actor: str, exchange: str, remote: Address, size: int) -> None:
        """Ask the guard for one packet; an address out of scope is noted in the journal before the error."""
        try:
            await self.link.guard.admit(remote[0], size)
        except OutOfScopeError as error:
            self.emit(Kind.NOTE, actor, exchange, remote=remote, facts={"text": str(error), "out_of_scope": True})
            raise

    def check(self, actor: str, exchange: str, remote: Address) -> None:
        """Check scope and stop switch for a target, without sending; noted and raised as :meth:`admit` does."""
        try:
            self.link.guard.check(remote[0])
        except OutOfScopeError as error:
            self.emit(Kind.NOTE, actor, exchange, remote=remote, facts={"text": str(error), "out_of_scope": True})
            raise

    def tap(self, protocol: str, source: Address, target: Address, data: bytes, flags: str = "") -> None:
        """Keep one payload as it crossed; beyond the cap it is only counted."""
        with self._lock:
            if len(self.packets) >= TAP_PACKETS or self._tapped_bytes + len(data) > TAP_BYTES:
                self.untapped += 1
                return
            self._tapped_bytes += len(data)
            self.packets.append(TapPacket(time.time_ns(), protocol, source, target, bytes(data), flags))

    def clear(self) -> None:
        """Forget what crossed so far, for campaigns without end: journal, tap and keys; sockets that are open stay."""
        with self._lock:
            for some in (self.record.events, self.record.judgements, self.packets, self.keys):
                some.clear()
            self.untapped = self._tapped_bytes = 0

    def open_flow(self, protocol: str, local: Address, remote: Address | None) -> int:
        """Note a socket that is opened now and return its number for :meth:`close_flow`."""
        with self._lock:
            self.flows.append(Flow(protocol, local, remote, time.monotonic_ns()))
            return len(self.flows) - 1

    def close_flow(self, number: int) -> None:
        """Note that a socket is closed now; again is harmless."""
        with self._lock:
            if self.flows[number].closed_ns is None:
                self.flows[number] = replace(self.flows[number], closed_ns=time.monotonic_ns())

    def own(self, thing: Closeable) -> None:
        """Have something closed when the session ends."""
        with self._lock:
            self._owned.append(thing)

    def disown(self, thing: Closeable) -> None:
        """Forget something that was closed already."""
        with self._lock:
            if thing in self._owned:
                self._owned.remove(thing)

    async def aclose(self) -> None:
        """Close everything that was opened, the youngest first; one that fails does not keep the others open."""
        while self._owned:
            thing = self._owned.pop()
            try:
                await thing.aclose()
            except Exception as error:  # noqa: BLE001 - closing goes on whatever one socket says
                self.note(f"closing {type(thing).__name__} failed: {error!r}")

    def close(self) -> None:
        """Close everything that the session opened, also after the stop switch; a second call does nothing."""
        if self.closed:
            return
        for _ in range(CLOSE_ATTEMPTS):
            if self.link.loop.closed:
                break
            try:
                self.link.loop.run(self.aclose(), CLOSE_SECONDS, heed_stop=False)
                break
            except HarnessError as error:
                self.note(f"not everything could be closed in time: {error}")
        self.closed = True
        self.link.forget(self)


@contextmanager
def looking(profile: Profile, record: Record) -> Iterator[Session]:
    """A session for who looks at the lab of a profile outside of a run; the link ends with it."""
    link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
    try:
        yield link.session(record)
    finally:
        link.close()
