"""An HTTP/2 server over mutual TLS that shows its handlers who the client is, and that hostile clients cannot end."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from imsproof.lab.nodes import SBI_PORT, Nf
from imsproof.lab.sbi.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import Policy, PolicyBox
    from imsproof.lab.sbi.http2policy import Http2Policy
    from imsproof.lab.sbi.messages import Handler, Peer, Request
    from imsproof.lab.sbi.policy import SbiPolicy

FATAL: dict[str, Callable[[Request], bool]] = {
    "deep": lambda request: max(request.body.count(b"["), request.body.count(b"{")) > 5_000,
    "multipart": lambda request: (request.header("content-type") or "").startswith("multipart/"),
    "query": lambda request: request.query.startswith("="),
    "number": lambda request: re.search(rb"\d{5000}", request.body) is not None,
}
"""What a planted fault cannot survive, by the names of ``JsonPolicy.crashes_on``."""
BUFFER_LIMIT = 128 * 1024 * 1024
"""Octets of request bodies that a server holds at most, over all its connections."""


class SbiServer:
    """Listens at one address for one NF.

    Args:
        nf: whose certificate it shows.
        pki: where the certificates lie.
        box: the lab's policy; each connection goes by the policy of the moment it is accepted.
        handler: answers the requests.
    """

    def __init__(self, nf: Nf, pki: Pki, box: PolicyBox, handler: Handler) -> None:
        self.nf = nf
        self.pki = pki
        self._box = box
        self._handler = handler
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._buffered = 0
        self._fallen_under: Policy | None = None
        self._seen: dict[str, Peer] = {}

    @property
    def policy(self) -> SbiPolicy:
        """The SBI policy of this moment."""
        return self._box.current.sbi

    @property
    def http2(self) -> Http2Policy:
        """The policy of HTTP/2 of this moment."""
        return self._box.current.h2

    def remembered(self, peer: Peer, *, resumed: bool) -> Peer:
        """Say whose a connection is, as a planted fault has it: a resumed session is the last one's of the address."""
        if not resumed:
            self._seen[peer.address] = peer
        return self._seen.get(peer.address, peer)

    async def start(self, address: str, port: int = SBI_PORT) -> None:
        """Listen at ``address`` (``OSError`` when it cannot)."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self, self._handler), address, port, backlog=512, reuse_address=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._listener is None:
            raise RuntimeError("the server has not been started")
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, close every connection, end the handlers."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def falls(self, request: Request) -> bool:
        """Whether a planted fault has ended this node's service, by this request or an earlier one."""
        policy = self._box.current
        if not policy.json.crashes_on:
            return False
        if self._fallen_under is not policy and any(FATAL[name](request) for name in policy.json.crashes_on):
            self._fallen_under = policy
        return self._fallen_under is policy

    # --- for the connections --------------------------------------------------------------------------------------

    def admit(self, connection: Connection) -> bool:
        """Count a connection in; ``False`` when there are too many."""
        if len(self._connections) >= self.policy.max_connections:
            return False
        self._connections.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)

    def reserve(self, octets: int) -> bool:
        """Take room for a request body; ``False`` when the server holds too much already."""
        if self._buffered + octets > BUFFER_LIMIT:
            return False
        self._buffered += octets
        return True

    def release(self, octets: int) -> None:
        """Give room back."""
        self._buffered -= octets

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a handler beside everything else, and hold on to it until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
