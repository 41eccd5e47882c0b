"""Transactions of a SIP actor: retransmission, matching, ACK of refused INVITEs (RFC 3261 clause 17), all bounded."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.actors.sipsubject import SipAnswer
from imsproof.codec import sip
from imsproof.link.session import ConnectionFailedError
from imsproof.seams import ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from imsproof.actors.siptransport import SipTransport
    from imsproof.seams import Address

T1 = 0.5
TRYING = 100
T2 = 4.0
"""Retransmission timers in seconds (RFC 3261 clause 17.1.1.1)."""
MAX_REMEMBERED = 500
MAGIC = "z9hG4bK"
DEFAULT_PORT = 5060
PORT = re.compile(r":(\d{1,5})$")


def new_branch() -> str:
    """Make a Via branch."""
    return f"{MAGIC}{secrets.token_hex(8)}"


def branch_of(message: sip.Message) -> str:
    """Return the branch of the topmost Via, or ``""``."""
    vias = message.values("Via")
    return (sip.parse_params(vias[0].partition(";")[2]).get("branch") or "") if vias else ""


@dataclass(slots=True)
class _Client:
    """A request that waits for its answer."""

    request: sip.Message
    exchange: str
    provisional: list[sip.Message] = field(default_factory=list)
    final: sip.Message | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    limit: asyncio.Timeout | None = None
    seconds: float = 0.0

    def wait_at_least(self, seconds: float) -> None:
        """Wait for the final answer for so long from now on, if that is longer than was meant."""
        until = asyncio.get_running_loop().time() + seconds
        when = self.limit.when() if self.limit and not self.limit.expired() else None
        if self.limit and when is not None and when < until:
            self.limit.reschedule(until)
            self.seconds += until - when


class Transactions:
    """The transactions of one actor over one transport.

    Attributes:
        on_request: called with each new request, who sent it and its exchange.
        on_stray: called with each response that no transaction waits for.
        on_provisional: called with each 1xx and its exchange.
    """

    def __init__(self, transport: SipTransport) -> None:
        """Take over a transport's messages."""
        self.transport = transport
        self.on_request: Callable[[sip.Message, Address, str], None] = lambda *_: None
        self.on_stray: Callable[[sip.Message, str], None] = lambda *_: None
        self.on_provisional: Callable[[sip.Message, str], None] = lambda *_: None
        self._clients: dict[tuple[str, str], _Client] = {}
        self._answered: dict[tuple[str, str, str], bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        transport.on_message = self._take
        transport.on_end = self._wake

    async def request(
        self, message: sip.Message, exchange: str, within: float, *, data: bytes | None = None, injected: bool = False
    ) -> SipAnswer:
        """Send a request (its topmost Via has our branch) and wait for the final answer.

        A refused INVITE is acknowledged here; a 2xx is the dialog's to acknowledge.

        Args:
            message: the request as it is meant; answers are matched by it.
            exchange: the conversation.
            within: seconds until the final answer; where a 100 says that the lab is at work, at least the answer timer.
            data: the bytes to send instead.
            injected: mark what is sent as planted.

        Raises:
            OutOfScopeError, StoppedError: the guard says no.
        """
        session = self.transport.session
        answer = SipAnswer(record=session.record, exchange=exchange)
        client = _Client(message, exchange, seconds=within)
        key = (branch_of(message), message.method)
        self._clients[key] = client
        self.transport.labels.bind(message.get("Call-ID") or "", (message.get("CSeq") or "0").split()[0], exchange)
        try:
            async with asyncio.timeout(within) as client.limit:
                await self._send_until_final(client, data or message.to_bytes(), {"injected": True} if injected else {})
        except TimeoutError:
            why = f" ({self.transport.unheard})" if self.transport.unheard else ""
            answer.failed = f"no final answer to {message.method} within {client.seconds:.1f} s{why}"
            self._emit_timeout(exchange, answer.failed)
        except ImsproofError as error:
            if not (self.transport.failed or isinstance(error, ConnectionFailedError)):
                raise
            answer.failed = f"the connection ended: {error}"
        finally:
            if message.method != "INVITE" or client.final is None:
                self._clients.pop(key, None)
        answer.provisional, answer.message = client.provisional, client.final
        answer.status = client.final.status if client.final else 0
        return answer

    def _emit_timeout(self, exchange: str, reason: str) -> None:
        transport = self.transport
        transport.session.emit(
            Kind.TIMEOUT,
            transport.actor,
            exchange,
            transport=transport.name,
            local=transport.local,
            remote=transport.remote,
            facts={"reason": reason, **({"unheard": transport.unheard} if transport.unheard else {})},
        )

    async def _send_until_final(self, client: _Client, data: bytes, facts: dict[str, bool]) -> None:
        await self.transport.send(data, client.exchange, facts=facts)
        pause = T1
        while client.final is None:
            client.changed.clear()
            repeat = not self.transport.reliable and not (client.provisional and client.request.method == "INVITE")
            try:
                async with asyncio.timeout(pause if repeat else None):
                    await client.changed.wait()
                if client.final is None and self.transport.failed:
                    raise ConnectionFailedError(self.transport.failed)
            except TimeoutError:
                await self.transport.send(data, client.exchange, facts={**facts, "retransmission": True})
                pause = min(2 * pause, T2)

    def _wake(self) -> None:
        """Have nobody wait for an answer on a connection that ended."""
        for client in self._clients.values():
            client.changed.set()

    async def respond(
        self, request: sip.Message, response: sip.Message, to: Address, exchange: str, *, injected: bool = False
    ) -> None:
        """Send a response, and again whenever the request is repeated."""
        key = _server_key(request)
        while len(self._answered) >= MAX_REMEMBERED:
            self._answered.pop(next(iter(self._answered)))
        self._answered[key] = response.to_bytes()
        facts = {"injected": True} if injected else None
        await self.send_back(request, self._answered[key], to, exchange, facts=facts)

    async def send_back(
        self,
        request: sip.Message,
        data: bytes,
        source: Address,
        exchange: str,
        *,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Send an answer to where its request came from, and to the port in Via where that is another.

        Without rport the one in Via is right (RFC 3261 18.2.2, unchecked): a node may send from a port that takes
        nothing. A node behind a NAT reads at the other.
        """
        ways = [source]
        if self.transport.datagrams:
            sent_by, _, rest = (request.values("Via") or [""])[0].partition(";")
            named = PORT.search(sent_by.strip())
            port = int(named[1]) if named else DEFAULT_PORT
            if "rport" not in sip.parse_params(rest) and port != source[1] and 0 < port < 1 << 16:
                ways.append((source[0], port))
        for where in ways:
            await self.transport.send(data, exchange, to=where, facts=facts)

    def later(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run something beside; what the link refuses ends it silently (the journal has it)."""

        async def run() -> None:
            with contextlib.suppress(ImsproofError):
                await coroutine

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, data: bytes, source: Address, exchange: str) -> None:
        try:
            message = sip.Message.parse(data)
        except sip.SipSyntaxError:
            return
        if not message.is_request:
            self._take_response(message, exchange)
            return
        again = self._answered.get(_server_key(message))
        if again is not None and message.method != "ACK":
            self.later(self.send_back(message, again, source, exchange, facts={"retransmission": True}))
            return
        if again is None and message.method not in ("ACK", "CANCEL"):
            self._answered[_server_key(message)] = b""
        self.on_request(message, source, exchange)

    def _take_response(self, message: sip.Message, exchange: str) -> None:
        client = self._clients.get((branch_of(message), message.method))
        if client is None:
            self.on_stray(message, exchange)
            return
        if message.status < 200:
            client.provisional.append(message)
            if message.status == TRYING:
                client.wait_at_least(self.transport.session.timers.answer)
            self.on_provisional(message, exchange)
        elif client.final is None:
            client.final = message
        else:
            self.on_stray(message, exchange)
        if message.status >= 300 and message.method == "INVITE":
            ack = acknowledge_refusal(client.request, message)
            self.later(self.transport.send(ack.to_bytes(), client.exchange))
        client.changed.set()

    async def aclose(self) -> None:
        """Stop what still runs beside."""
        for task in list(self._tasks):
            task.cancel()


def _server_key(message: sip.Message) -> tuple[str, str, str]:
    return (branch_of(message), message.method, message.get("Call-ID") or "")


def acknowledge_refusal(request: sip.Message, response: sip.Message) -> sip.Message:
    """Write the ACK of a refused INVITE (RFC 3261 clause 17.1.1.3): same branch, To of the response."""
    return sip.request(
        "ACK",
        request.uri,
        [
            ("Via", (request.values("Via") or [""])[0]),
            *(("Route", route) for route in request.get_all("Route")),
            ("Max-Forwards", "70"),
            ("From", request.get("From") or ""),
            ("To", response.get("To") or ""),
            ("Call-ID", request.get("Call-ID") or ""),
            ("CSeq", f"{(request.get('CSeq') or '1').split()[0]} ACK"),
        ],
    )
