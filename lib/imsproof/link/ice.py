"""ICE over the link's UDP: drives a memory agent on a socket that DTLS shares (RFC 7983), and journals its checks."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from imsproof.codec import stun
from imsproof.codec.sdpice import IceDescription
from imsproof.link.session import ConnectionFailedError
from imsproof.seams import Address, ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.engine.ice import IceAgent
    from imsproof.link.udp import UdpEndpoint


class IceEndpoint:
    """One end of ICE on a UDP socket, from the offer to the end of the session.

    What is not STUN waits in the socket until a protocol above takes over; that one hands STUN to :meth:`take`.

    Attributes:
        agent: the memory agent.
        exchange: the conversation that the checks belong to.
        left_out: addresses of the peer's candidates that are not in the profile's scope.
    """

    def __init__(self, udp: UdpEndpoint, agent: IceAgent, *, held: bool = False, left_out: Sequence[str] = ()) -> None:
        """Begin on a socket, or be deaf and dumb until :meth:`release`; must run on the link's loop."""
        self.udp = udp
        self.agent = agent
        self.left_out = left_out
        self.session = udp.session
        self.exchange = self.session.exchange("ICE")
        self._changed = asyncio.Event()
        self._outgoing: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._told: Address | None = None
        self._sender = asyncio.create_task(self._send_all())
        self._held = held
        self._seen: Address | None = None
        self.session.own(self)
        self.attach(udp)
        if not held:
            self.release()

    def release(self) -> None:
        """Begin to check and to answer checks."""
        self._held = False
        self.agent.start()
        self._pump()

    def hold(self) -> None:
        """Send and answer no check any more."""
        self._held = True
        if self._timer:
            self._timer.cancel()

    def attach(self, udp: UdpEndpoint) -> None:
        """Go on with another socket, of the same address and port."""
        self.udp = udp
        udp.on_datagram = self._on_datagram
        for data, source in udp.drain():
            self._on_datagram(data, source)

    def described(self) -> IceDescription:
        """What this end says of itself in SDP."""
        local = self.agent.local
        return IceDescription(local.ufrag, local.password, self.agent.lite, (self.udp.local,))

    async def connect(self, within: float) -> Address:
        """Wait for the address that both ends agree on (``ConnectionFailedError`` when there is none in time)."""
        try:
            async with asyncio.timeout(within):
                while self.agent.selected is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise ConnectionFailedError(f"ICE found no way to the peer within {within:.1f} s{self._why()}") from error
        assert self.agent.selected is not None
        return self.agent.selected

    def _why(self) -> str:
        """What is known of why there is no way."""
        tried = f"it was tried at {', '.join(f'{host} port {port}' for host, port in self.agent.candidates)}"
        if not self.agent.candidates:
            tried = "its answer names no address that may be tried"
        if self.left_out:
            tried += f"; {', '.join(self.left_out)} is not in scope.networks of the profile"
        return f" ({tried})"

    async def guess(self, within: float) -> Address:
        """Say where the peer may be before ICE says so: its best candidate, or whence its checks come.

        Raises:
            ConnectionFailedError: no candidate is in scope, and no check came in time.
        """
        if self.agent.candidates:
            return self.agent.candidates[0]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._seen is None:
                    self._changed.clear()
                    await self._changed.wait()
        if self._seen is None:
            raise ConnectionFailedError("the peer names no address in scope, and sends no check")
        return self._seen

    def take(self, data: bytes, source: Address) -> bool:
        """Take a datagram in if it is STUN; else ``False``."""
        if not stun.is_stun(data):
            return False
        if self.udp.quiet:
            self._emit(Kind.RECEIVED, data, source)
        self._seen = source
        self._changed.set()
        if not self._held:
            self.agent.receive(data, source)
            self._pump()
        return True

    def describe(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """Conversation and facts of a datagram, for a socket that journals them itself (see :class:`UdpEndpoint`)."""
        return (self.exchange, facts_of(data)) if stun.is_stun(data) else ("", {})

    async def aclose(self) -> None:
        """Answer no more; the socket stays."""
        if self._timer:
            self._timer.cancel()
        self._sender.cancel()
        await asyncio.wait([self._sender])
        self.session.disown(self)

    def _on_datagram(self, data: bytes, source: Address) -> None:
        if not self.take(data, source):
            self.udp.keep(data, source)

    def _pump(self) -> None:
        for one in self.agent.outgoing():
            self._outgoing.put_nowait(one)
        if self.agent.selected != self._told and self.agent.selected is not None:
            self._told = self.agent.selected
            kind = "lite" if self.agent.lite else "controlling" if self.agent.controlling else "controlled"
            text = f"ICE ({kind}) agreed on {self._told[0]} port {self._told[1]}"
            self.session.note(text, actor=self.udp.actor, exchange=self.exchange)
        self._changed.set()
        if self._timer:
            self._timer.cancel()
        seconds = self.agent.timeout()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire) if seconds is not None else None

    def _expire(self) -> None:
        self.agent.handle_timeout()
        self._pump()

    async def _send_all(self) -> None:
        while True:
            data, target = await self._outgoing.get()
            with contextlib.suppress(ImsproofError):  # out of scope (noted), or the socket is changed at this moment
                await self.udp.send(data, target, exchange=self.exchange, facts=facts_of(data))
                if self.udp.quiet:
                    self._emit(Kind.SENT, data, target)

    def _emit(self, kind: Kind, data: bytes, remote: Address) -> None:
        self.session.emit(
            kind,
            self.udp.actor,
            self.exchange,
            transport="udp",
            local=self.udp.local,
            remote=remote,
            data=data,
            facts=facts_of(data),
        )


def facts_of(data: bytes) -> dict[str, Any]:
    """What the journal says of a STUN message: its class, and what matters in it."""
    try:
        message = stun.Message.parse(data)
    except stun.StunError as error:
        return {"stun": "malformed", "text": str(error)}
    facts: dict[str, Any] = {"stun": message.class_, "transaction": message.transaction.hex()}
    if message.username:
        facts["username"] = message.username
    if message.first(stun.USE_CANDIDATE) is not None:
        facts["nominates"] = True
    if message.error_code:
        facts["error"] = message.error_code
    return facts
