"""What every SIP node of the lab has: a socket, transactions (RFC 3261 17, as little as loopback needs), forwarding.

A node answers retransmissions from memory, acknowledges refused INVITEs towards the next hop, and forwards CANCEL
along the way that its INVITE took. Nothing that arrives can end it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.codec.sip import Message, SipSyntaxError, request, response
from imsproof.lab.sip import hops
from imsproof.lab.sip.tables import Table
from imsproof.lab.sip.transport import Address, Flow, UdpPort

if TYPE_CHECKING:
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sip.policy import SipPolicy
    from imsproof.lab.sip.robustness import RobustPolicy

log = logging.getLogger("imsproof.lab.sip")

SIP_PORT = 5060
TRANSACTION_SECONDS = 128.0
MAX_TRANSACTIONS = 20_000
MAX_TASKS = 5_000
ANSWER_SECONDS = 16.0
"""How long a node waits for the next hop's first answer before it says 408."""

OnResponse = Callable[[Message], Awaitable[Message | None]]
TransactionKey = tuple[object, ...]


@dataclass(eq=False)
class Served:
    """A server transaction: a request, whom to answer, and what was answered."""

    node: Node
    request: Message
    flow: Flow
    answer: Message | None = None
    clients: list[Client] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The last status sent; 0 before any."""
        return self.answer.status if self.answer else 0

    def send(self, message: Message) -> None:
        """Answer; after a final answer only a repeated 2xx goes out."""
        if self.status >= 300 or (self.status >= 200 and message.status != self.status):
            return
        self.answer = message
        self.flow.send(message.to_bytes())

    def reply(
        self, status: int, reason: str | None = None, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> None:
        """Write an answer of this node's own and send it (an ACK is never answered)."""
        if self.request.method != "ACK":
            tag = None if status == 100 else secrets.token_hex(4)
            own = [*headers, *self.node.tells(status)]
            self.send(response(self.request, status, reason, headers=own, body=body, to_tag=tag))


@dataclass(eq=False)
class Client:
    """A client transaction: what was sent to the next hop, and what to do with answers."""

    sent: Message
    target: Flow
    upstream: Served | None
    on_response: OnResponse | None
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    timer: asyncio.TimerHandle | None = None
    final: int = 0


class Node:
    """Base of the nodes; a node overrides :meth:`admit` and :meth:`on_request`."""

    def __init__(self, name: str, address: str, box: PolicyBox) -> None:
        self.name = name
        self.here: Address = (address, SIP_PORT)
        self.box = box
        self.udp: UdpPort | None = None
        self.frozen = False
        self._served: Table[TransactionKey, Served] = Table(TRANSACTION_SECONDS, MAX_TRANSACTIONS)
        self._clients: Table[str, Client] = Table(TRANSACTION_SECONDS, MAX_TRANSACTIONS)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def policy(self) -> SipPolicy:
        """The policy of this moment."""
        return self.box.current.sip

    @property
    def robust(self) -> RobustPolicy:
        """How it bears what is malformed or too much, at this moment."""
        return self.box.current.robust

    async def start(self) -> None:
        """Open the sockets (``OSError`` when an address cannot be had)."""
        self.udp = await UdpPort.open(self.here, self.receive)

    async def stop(self) -> None:
        """Close the sockets and forget what is under way."""
        if self.udp is not None:
            self.udp.close()
            self.udp = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reset(self) -> None:
        """Forget every transaction; a node that had died or frozen lives again."""
        for task in list(self._tasks):
            task.cancel()
        self._served.clear()
        for client in self._clients:
            if client.timer:
                client.timer.cancel()
        self._clients.clear()
        if self.frozen:
            self.frozen = False
        if self.udp is None:
            await self.start()

    def flow(self, peer: Address) -> Flow:
        """The flow to another node of the lab."""
        return self.udp.flow(peer) if self.udp else Flow("udp", peer)

    # --- what arrives ---

    def receive(self, data: bytes, flow: Flow) -> None:
        """Take one message from a socket."""
        if self.frozen or not data.strip(b"\r\n\0"):
            return
        try:
            message = Message.parse(data)
        except SipSyntaxError:
            self.on_garbage(data, flow)
            return
        try:
            if message.is_request:
                self._take_request(message, flow)
            else:
                self._take_response(message, flow)
        except Exception:
            log.exception("%s: a message could not be handled", self.name)

    def on_garbage(self, data: bytes, flow: Flow) -> None:
        """Take bytes that have no start line; dropped."""

    def admit(self, message: Message, flow: Flow) -> bool:
        """Decide at the door whether a request is looked at; whoever refuses also answers."""
        del message, flow
        return True

    async def on_request(self, served: Served) -> None:
        """Serve an admitted request."""
        raise NotImplementedError

    def _take_request(self, message: Message, flow: Flow) -> None:
        if not self.admit(message, flow):
            return
        method = message.method
        key = self._key(message, flow, "INVITE" if method in ("ACK", "CANCEL") else method)
        known = self._served.get(key)
        if known is None and method == "CANCEL" and not self.policy.check_cancel_source:
            known = self._invite_of(message)
        if method == "ACK" and known and known.status >= 300:
            return
        if method == "CANCEL":
            self._cancel(message, flow, known)
            return
        if known is not None and method != "ACK":
            if known.answer:
                flow.send(known.answer.to_bytes())
            return
        served = Served(self, message, flow)
        if method != "ACK":
            self._served.put(key, served)
        if method == "INVITE":
            served.reply(100)
        self.spawn(self._serve(served))

    def _invite_of(self, message: Message) -> Served | None:
        """The INVITE that waits with the Call-ID of a CANCEL, whoever sent it."""
        wanted = message.get("Call-ID")
        waiting = (one for one in self._served if one.request.method == "INVITE" and one.status < 200)
        return next((one for one in waiting if one.request.get("Call-ID") == wanted), None)

    def tells(self, status: int) -> list[tuple[str, str]]:
        """What an answer of this node's own says of the node: nothing, unless it is planted to."""
        told = [("Server", self.policy.banner)] if self.policy.banner else []
        if status >= 400 and not self.policy.quiet_errors:
            told.append(("Warning", f'399 {self.here[0]} "KeyError in /opt/ims/{self.name}/route.py line 212"'))
        return told

    @staticmethod
    def _key(message: Message, flow: Flow, method: str) -> TransactionKey:
        via = hops.top_via(message)
        branch = (via.branch, via.host, via.port) if via else ()
        return flow, branch, message.get("Call-ID"), hops.sequence(message), hops.tag_of(message, "From"), method

    async def _serve(self, served: Served) -> None:
        try:
            await self.on_request(served)
        except SipSyntaxError as error:
            served.reply(400, "Bad Request")
            log.debug("%s: %s", self.name, error)
        except Exception:
            log.exception("%s: %s could not be served", self.name, served.request.start_line)
            served.reply(500)

    def _cancel(self, message: Message, flow: Flow, invite: Served | None) -> None:
        cancel = Served(self, message, flow)
        if invite is None:
            cancel.reply(481)
            return
        cancel.reply(200)
        for client in invite.clients:
            if not client.final:
                client.target.send(_same_hop(client.sent, "CANCEL").to_bytes())

    def _take_response(self, message: Message, flow: Flow) -> None:
        via = hops.top_via(message)
        client = self._clients.get(via.branch) if via else None
        if client is None or not 100 <= message.status <= 699:
            return  # nobody asked for it, or it is no answer
        if flow != client.target and self.policy.check_response_source:
            return  # somebody else answers
        if message.method != client.sent.method:
            return  # the next hop's answer to our CANCEL ends here
        if client.timer:
            client.timer.cancel()
        hops.replace_first(message, "Via", None)
        if message.status >= 300 and client.sent.method == "INVITE":
            ack = _same_hop(client.sent, "ACK")
            ack.set("To", message.get("To") or "")
            client.target.send(ack.to_bytes())
        if message.status >= 200:
            if client.final and (client.final >= 300 or client.sent.method != "INVITE"):
                return
            client.final = message.status
        self.spawn(self._answered(client, message))

    async def _answered(self, client: Client, message: Message) -> None:
        async with client.order:
            answer: Message | None = message
            try:
                if client.on_response:
                    answer = await client.on_response(message)
            except Exception as error:
                known = isinstance(error, SipSyntaxError)
                log.log(logging.DEBUG if known else logging.ERROR, "%s: %s", self.name, error, exc_info=not known)
                if client.upstream and message.status >= 200:
                    client.upstream.reply(500)
                return
            if answer and client.upstream and answer.status > 100:
                client.upstream.send(answer)

    # --- what is sent ---

    def forward(
        self, message: Message, target: Flow, upstream: Served | None, on_response: OnResponse | None = None
    ) -> None:
        """Send a request on with a Via of this node; answers go through ``on_response`` to ``upstream``."""
        branch = hops.MAGIC + secrets.token_hex(8)
        transport = "UDP" if target.transport == "esp" else target.transport.upper()
        via = f"SIP/2.0/{transport} {self.here[0]}:{self.here[1]};branch={branch}"
        message.add("Via", via, first=True)
        client = Client(message, target, upstream, on_response)
        if message.method != "ACK":
            self._clients.put(branch, client)
            client.timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._unanswered, client)
            if upstream:
                upstream.clients.append(client)
        target.send(message.to_bytes())

    def _unanswered(self, client: Client) -> None:
        if client.upstream and not client.final:
            client.final = 408
            self.spawn(self._answered(client, response(client.upstream.request, 408, to_tag=secrets.token_hex(4))))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work beside; too much of it is dropped."""
        if len(self._tasks) >= MAX_TASKS:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _same_hop(sent: Message, method: str) -> Message:
    """Write the ACK or CANCEL that belongs to a sent INVITE (RFC 3261 9.1, 17.1.1.3)."""
    wanted = {"route", "from", "to", "call-id"}
    headers = [("Via", sent.values("Via")[0]), ("Max-Forwards", str(hops.MAX_FORWARDS))]
    headers += [(header.name, header.value) for header in sent.headers if header.key in wanted]
    headers.append(("CSeq", f"{hops.sequence(sent)} {method}"))
    return request(method, sent.uri, headers)
