"""DTLS over the link's UDP: drives a memory engine, writes its handshake, alerts and data to the journal."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from imsproof.codec.dtls import CLIENT_HELLO, handshake_types, server_hello
from imsproof.codec.tlssuites import suite_name
from imsproof.engine.dtls import DtlsError
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Attempt
from imsproof.seams import Address, ImsproofError, Kind, OutOfScopeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imsproof.engine.dtls import DtlsEngine
    from imsproof.engine.identity import Identity
    from imsproof.link.udp import UdpEndpoint

MAX_WAITING = 2000
NO_HELLO = "no ClientHello came, though its a=setup makes it the DTLS client"
HELLO_OF_SERVER = "it sent a ClientHello, though its a=setup makes it the DTLS server"
CLEAR_DATA, EPOCH_ZERO = b"\x17", b"\0\0"
"""Type of a record of application data, and the epoch in which nothing is protected."""
FIRST_DTLS, LAST_DTLS = 20, 63
"""First bytes of DTLS datagrams where several protocols share a port (RFC 7983 section 7)."""


class DtlsEndpoint:
    """A DTLS association over a UDP socket that this object takes over.

    Attributes:
        session, actor, exchange: whose it is, and the conversation that events belong to.
        udp: the socket; make it quiet, so that datagrams are tapped but not written as events.
        engine: the memory engine; its facts, keys and peer certificate are there after the handshake.
        remote: the peer; a server without one takes the first datagram's source.
        formerly: where the peer was before, and may still send from (RFC 8445 section 9).
        on_data: called with each piece of application data instead of queueing it for :meth:`receive`.
        on_state: called with each new state of the engine.
        on_other: called with datagrams that are not DTLS (RTP, STUN) by their first byte.
        alter: turns each datagram about to be sent into those that are sent instead: drop, double, change.
    """

    def __init__(
        self,
        udp: UdpEndpoint,
        engine: DtlsEngine,
        remote: Address | None = None,
        *,
        exchange: str = "",
        quiet: bool = False,
    ) -> None:
        """Bind an engine to a socket; must run on the link's loop. ``quiet``: a protocol above journals data."""
        self.udp = udp
        self.engine = engine
        self.session: Session = udp.session
        self.actor = udp.actor
        self.exchange = exchange or udp.exchange
        self.remote = remote or udp.remote
        self.formerly: set[Address] = set()
        self.quiet = quiet
        self.on_data: Callable[[bytes], None] | None = None
        self.on_other: Callable[[bytes, Address], object] | None = None
        self.on_state: Callable[[str], None] | None = None
        self.on_datagram: Callable[[bytes], object] | None = None
        self.alter: Callable[[bytes], Sequence[bytes]] | None = None
        self.failed = ""
        self._forbidden: ImsproofError | None = None
        self._told = "new"
        self._selected = ""
        self._heard = False
        self._other_role = ""
        self._alerts = [0, 0]
        self._changed = asyncio.Event()
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send_all())
        self._timer: asyncio.TimerHandle | None = None
        udp.on_datagram = self._take
        udp.on_refused = self._give_up
        self.session.own(self)

    @property
    def state(self) -> str:
        """The engine's state, or ``failed`` when the way to the peer failed."""
        return "failed" if self.failed else self.engine.state

    async def handshake(self, within: float | None = None) -> dict[str, Any]:
        """Run the handshake (a server waits for the client) and return its facts.

        Args:
            within: seconds; the profile's ``timers.handshake`` by default.

        Raises:
            ConnectionFailedError: refused, failed or not done in time; the journal says which.
            OutOfScopeError, StoppedError: nothing was sent, for the guard said no.
        """
        seconds = self.session.timers.handshake if within is None else within
        self.engine.start()
        self._pump()
        for datagram, source in self.udp.drain():
            self._take(datagram, source)  # an active peer may have begun before this end was there
        try:
            async with asyncio.timeout(seconds):
                while self.state in ("new", "handshaking"):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            reason = f"the DTLS handshake did not end within {seconds:.1f} s"
            told = {} if self._heard or self.engine.role == "client" else {"unheard": NO_HELLO}
            self._emit(Kind.TIMEOUT, {"reason": reason, **told})
            raise ConnectionFailedError(reason) from error
        if self._forbidden is not None:
            raise self._forbidden
        if self.state != "connected":
            raise ConnectionFailedError(f"the DTLS handshake failed: {self.failed or self.engine.reason}")
        return self.engine.facts()

    async def renegotiate(self, exchange: str, identity: Identity, *, within: float) -> Attempt:
        """Begin another handshake in the association with another certificate; its events belong to ``exchange``."""
        before, self.exchange = self.exchange, exchange
        attempt = Attempt(record=self.session.record, exchange=exchange)
        self._emit(Kind.SENT, {"text": "another handshake with another certificate", "injected": True})
        try:
            self.engine.renegotiate(identity)
            self._told = self.engine.state
            attempt.facts = await self.handshake(within)
            attempt.connected = True
        except (DtlsError, ConnectionFailedError) as error:
            attempt.failed = str(error)
        finally:
            self.exchange = before
        return attempt

    async def beside(self, engine: DtlsEngine, exchange: str, *, within: float) -> Attempt:
        """Run the handshake of another association from this one's address, as a man on the path would.

        The socket is this association's again afterwards; of the other one nobody says goodbye.
        """
        attempt = Attempt(record=self.session.record, exchange=exchange)
        other = DtlsEndpoint(self.udp, engine, self.remote, exchange=exchange, quiet=True)
        other._emit(Kind.SENT, {"text": "another handshake from the same address", "injected": True})
        try:
            attempt.facts = await other.handshake(within)
            attempt.connected = True
            await other.receive(self.session.timers.silence)  # some judge the certificate only now
        except ConnectionFailedError as error:
            attempt.failed = str(error)
        finally:
            other._forsake()
            self.udp.on_datagram, self.udp.on_refused = self._take, self._give_up
        return attempt

    async def send(self, data: bytes, facts: Mapping[str, Any] | None = None) -> None:
        """Send one record of application data (``ConnectionFailedError`` unless connected)."""
        self.send_soon(data, facts)
        await asyncio.sleep(0)

    def send_soon(self, data: bytes, facts: Mapping[str, Any] | None = None) -> None:
        """Hand over one record of application data from the loop; the guard delays it where it must."""
        if self.state != "connected":
            raise ConnectionFailedError(f"the DTLS association is {self.state}: {self.failed or self.engine.reason}")
        if not self.quiet:
            self._emit(Kind.SENT, facts or {}, data)
        self.engine.write(data)
        self._pump()

    def share(self, other: Callable[[bytes, Address], object]) -> None:
        """Take the socket again from who shares it, and hand over to ``other`` what is not DTLS."""
        self.on_other = other
        self.udp.on_datagram = self._take

    def moved(self, remote: Address) -> None:
        """Send to another address of the peer from now on; what comes from the former one is still taken."""
        if self.remote is not None:
            self.formerly.add(self.remote)
        self.remote = remote

    def inject(self, datagram: bytes) -> None:
        """Send a datagram below the engine, as it is, behind what the engine sent already."""
        self.session.emit(
            Kind.SENT,
            self.actor,
            self.exchange,
            transport="udp",
            local=self.udp.local,
            remote=self.remote,
            data=datagram,
            facts={"injected": True},
        )
        self._outgoing.put_nowait(datagram)

    async def receive(self, within: float) -> bytes | None:
        """Return the next record of application data; ``b""`` at the end; ``None`` when nothing came in time."""
        try:
            async with asyncio.timeout(within):
                while not self._waiting and self.state in ("new", "handshaking", "connected"):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None
        return self._waiting.popleft() if self._waiting else b""

    async def aclose(self) -> None:
        """Say close_notify and close the socket too."""
        await self.say_goodbye()
        await self.udp.aclose()

    async def say_goodbye(self) -> None:
        """Say close_notify and leave the socket open, to whoever takes it."""
        if self._timer:
            self._timer.cancel()
        if self.engine.state == "connected":
            self.engine.close()
            self._told = "closed"
            self._pump()
            self._emit(Kind.CLOSED, {"reason": "closed by the tester", "by": "tester"})
        self._sender.cancel()
        await asyncio.wait([self._sender])
        with contextlib.suppress(ImsproofError):
            while not self._outgoing.empty():
                await self._send_one(self._outgoing.get_nowait())
        self.session.disown(self)

    def _forsake(self) -> None:
        """Stop, and leave the socket to whoever has it."""
        if self._timer:
            self._timer.cancel()
        self._sender.cancel()
        self.session.disown(self)

    def _take(self, data: bytes, source: Address) -> None:
        if data and not FIRST_DTLS <= data[0] <= LAST_DTLS:
            if self.on_other:
                self.on_other(data, source)
            else:
                self._in_clear(data)
            return
        if data[:1] == CLEAR_DATA and data[3:5] == EPOCH_ZERO:
            self._in_clear(data)
        if self.remote is None:
            self.remote = source
        if source != self.remote and source not in self.formerly:
            self.session.note(
                f"a DTLS datagram of {len(data)} bytes from {source[0]} port {source[1]} is not from the peer",
                actor=self.actor,
                exchange=self.exchange,
            )
            return
        self._heard = True
        if not self._selected and self._told in ("new", "handshaking") and (hello := server_hello(data)):
            self._selected = suite_name(hello.suite)
        if self.engine.role == "client" and self._told == "handshaking" and CLIENT_HELLO in handshake_types(data):
            self._other_role = HELLO_OF_SERVER
        if self.on_datagram:
            self.on_datagram(data)
        self.engine.receive(data)
        self._pump()

    def _in_clear(self, data: bytes) -> None:
        self.session.emit(
            Kind.RECEIVED,
            self.actor,
            self.exchange,
            transport="udp",
            local=self.udp.local,
            remote=self.remote,
            data=data,
            facts={"text": "in clear"},
        )

    def _pump(self) -> None:
        """Carry over what the engine has: datagrams, data, alerts, a new state, its timer."""
        for datagram in self.engine.outgoing():
            for altered in self.alter(datagram) if self.alter else (datagram,):
                self._outgoing.put_nowait(altered)
        self._write_alerts()
        if self.engine.state != self._told:
            self._tell_state()
        for data in self.engine.read():
            if not self.quiet:
                self._emit(Kind.RECEIVED, {}, data)
            if self.on_data:
                self.on_data(data)
            else:
                self._waiting.append(data)
        self._arm()
        self._changed.set()

    def _write_alerts(self) -> None:
        both = ((Kind.ALERT, self.engine.alerts_seen), (Kind.ALERT_SENT, self.engine.alerts_sent))
        for index, (kind, alerts) in enumerate(both):
            for name, level in alerts[self._alerts[index] :]:
                self._emit(kind, {"alert": name, "level": level})
            self._alerts[index] = len(alerts)

    def _tell_state(self) -> None:
        before, self._told = self._told, self.engine.state
        selected = {"selected": self._selected} if self._selected else {}
        if self._told == "connected":
            self._selected = ""
            self._emit(Kind.HANDSHAKE, self.engine.facts())
        elif self._told == "closed":
            if before != "connected":
                self._emit(Kind.HANDSHAKE, self.engine.facts())
            self._emit(Kind.CLOSED, {"reason": self.engine.reason or "closed", "by": "lab"})
        elif self._told == "failed" and not self.engine.alerts_seen:
            stage = "established" if before == "connected" else "handshake"
            by = {"by": "tester"} if self.engine.refused_peer else {}
            self._emit(
                Kind.REFUSED, {"reason": self._other_role or self.engine.reason, "stage": stage, **selected, **by}
            )
        if self.on_state:
            self.on_state(self._told)

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        seconds = self.engine.timeout()
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self.engine.handle_timeout()
        self._pump()

    def _give_up(self, reason: str) -> None:
        self.failed = self.failed or reason
        self._changed.set()

    async def _send_all(self) -> None:
        try:
            while True:
                await self._send_one(await self._outgoing.get())
        except (OutOfScopeError, StoppedError) as error:
            self._forbidden = error
            self._give_up(str(error))
        except ImsproofError as error:
            self._give_up(str(error))

    async def _send_one(self, datagram: bytes) -> None:
        if self.remote is not None:
            await self.udp.send(datagram, self.remote)

    def _emit(self, kind: Kind, facts: Mapping[str, Any], data: bytes = b"") -> None:
        self.session.emit(
            kind,
            self.actor,
            self.exchange,
            transport="dtls",
            local=self.udp.local,
            remote=self.remote,
            data=data,
            facts=facts,
        )
