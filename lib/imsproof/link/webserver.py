"""A plain HTTP server of the tester that nodes of the lab fetch from: OCSP responses, revocation lists.

HTTP/1.1 without TLS, one request a connection: what it carries is signed (RFC 6960 appendix A, RFC 5280 4.2.1.13).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imsproof.link.udp import two
from imsproof.seams import Address, HarnessError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imsproof.link.session import Session

MAX_ARRIVALS = 64
MAX_HEAD, MAX_BODY = 16_384, 65_536
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A request: method, path with its query, body."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """An answer: content type, body, status."""

    content_type: str = ""
    body: bytes = b""
    status: int = 200


class WebServer:
    """Answers until the session ends; each request and answer is an event of its conversation.

    Attributes:
        exchange: that conversation.
        address: where it listens.
    """

    def __init__(self, session: Session, actor: str, exchange: str, answer: Callable[[Fetched], Served]) -> None:
        """Use :meth:`open`."""
        self.session = session
        self.actor = actor
        self.exchange = exchange
        self.address: Address = ("", 0)
        self._answer = answer
        self._arrivals = 0
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls, session: Session, actor: str, exchange: str, host: str, answer: Callable[[Fetched], Served]
    ) -> WebServer:
        """Listen at a local address, at a port of the system's choice.

        Args:
            session: the purpose's session.
            actor: whose server it is.
            exchange: the conversation that requests belong to.
            host: the IP address.
            answer: makes the answer to a request; called on the link's loop.

        Raises:
            HarnessError: no port can be had.
        """
        web = cls(session, actor, exchange, answer)
        try:
            web._server = await asyncio.start_server(web._take, host, 0, backlog=MAX_ARRIVALS, limit=MAX_HEAD)
        except OSError as error:
            raise HarnessError(f"no TCP port can be opened at {host}: {error}") from error
        web.address = two(web._server.sockets[0].getsockname())
        session.own(web)
        text = f"listening at {web.address[0]} port {web.address[1]}"
        web._emit(Kind.NOTE, None, {"text": text, "listening": True}, transport="tcp")
        return web

    @property
    def url(self) -> str:
        """Its root, without a slash at the end."""
        host, port = self.address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def aclose(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.session.disown(self)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._arrivals += 1
        if self._arrivals > MAX_ARRIVALS:
            writer.close()
            return
        remote, local = two(writer.get_extra_info("peername")), two(writer.get_extra_info("sockname"))
        flow = self.session.open_flow("tcp", local, remote)
        self.session.tap("tcp", remote, local, b"", "open")
        try:
            async with asyncio.timeout(self.session.timers.answer):
                await self._serve(reader, writer, local, remote)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError) as error:
            self._emit(Kind.CLOSED, remote, {"reason": f"no whole request: {error!r}", "by": "lab"})
        finally:
            writer.close()
            self.session.tap("tcp", local, remote, b"", "close")
            self.session.close_flow(flow)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, local: Address, remote: Address
    ) -> None:
        head = await reader.readuntil(HEAD_END)
        lines = head.decode("latin-1").split("\r\n")
        method, path, _version = lines[0].split(" ", 2)
        pairs = [
            (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
        ]
        headers = dict(pairs)
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(headers.get("content-length") or 0)
        body = await reader.readexactly(min(length, MAX_BODY)) if length > 0 else b""
        self.session.tap("tcp", remote, local, head + body)
        asked = [[name, value] for name, value in pairs if name]
        self._emit(Kind.RECEIVED, remote, {"method": method, "path": path, "headers": asked}, body)
        served = self._answer(Fetched(method, path, body))
        told = [
            ("content-type", served.content_type),
            ("content-length", str(len(served.body))),
            ("connection", "close"),
        ]
        told = [(name, value) for name, value in told if value]
        reason = "OK" if served.status < 300 else "Not OK"
        text = f"HTTP/1.1 {served.status} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told)
        whole = f"{text}\r\n".encode("latin-1") + served.body
        self.session.tap("tcp", local, remote, whole)
        self._emit(Kind.SENT, remote, {"status": served.status, "headers": [list(one) for one in told]}, served.body)
        writer.write(whole)
        with contextlib.suppress(OSError):
            await writer.drain()

    def _emit(
        self,
        kind: Kind,
        remote: Address | None,
        facts: Mapping[str, Any],
        data: bytes = b"",
        *,
        transport: str = "http",
    ) -> None:
        self.session.emit(
            kind,
            self.actor,
            self.exchange,
            transport=transport,
            local=self.address,
            remote=remote,
            data=data,
            facts=facts,
        )
