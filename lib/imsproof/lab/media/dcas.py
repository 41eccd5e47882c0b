"""The DC AS: serves each subscriber the list of its applications and their packages, to the MF alone (MDC2)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from imsproof.lab.media import apps
from imsproof.lab.media.http1 import Request, Response, serve

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from imsproof.lab.policy import PolicyBox

SUBSCRIBER_HEADER = "x-3gpp-asserted-identity"
"""How the MF tells the DC AS for whom it asks (the mechanism is left to operators; the name is of TS 24.109)."""

_PACKAGE = re.compile(r"packages/([a-z0-9-]{1,64})\.zip\Z")


class DcApplicationServer:
    """The DC AS.

    Args:
        address: IP address to listen on.
        policy: the lab's policy.
        apps_of: subscriber to the ids of the applications that it may use.
        all_apps: ids of every application there is.
        tls: server context; ``None`` serves plain HTTP.
        port: TCP port; 0 takes a free one.
    """

    def __init__(
        self,
        address: str,
        policy: PolicyBox,
        *,
        apps_of: Callable[[str], tuple[str, ...]],
        all_apps: tuple[str, ...],
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.address = address
        self.port = port
        self._policy = policy
        self._apps_of = apps_of
        self._all_apps = all_apps
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(
            lambda reader, writer: serve(reader, writer, self.answer), self.address, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def url(self, subscriber: str) -> str:
        """Return the replacement URL for the root of this subscriber's bootstrap channel."""
        scheme = "https" if self._tls else "http"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{scheme}://{host}:{self.port}/apps/{quote(subscriber, safe='')}/"

    async def answer(self, request: Request) -> Response:
        """Answer one request of the MF."""
        media = self._policy.current.media
        if request.method not in ("GET", "HEAD") and media.methods_checked:
            return Response(405, headers=(("Allow", "GET, HEAD"),))
        parts = request.target.split("/", 3)
        if len(parts) < 4 or parts[1] != "apps":
            return Response(404, b"no such resource\n")
        subscriber = unquote(parts[2])
        if media.identity_by_header:
            subscriber = request.header(SUBSCRIBER_HEADER)
        elif media.subscriber_checked and subscriber != request.header(SUBSCRIBER_HEADER):
            return Response(403, b"these applications are another subscriber's\n")
        return self._resource(subscriber, parts[3], request)

    def _resource(self, subscriber: str, path: str, request: Request) -> Response:
        allowed = self._apps_of(subscriber) if self._policy.current.media.apps_checked else self._all_apps
        head = request.method == "HEAD"
        if path == "":
            if "application/json" in request.header("accept"):
                body, kind = apps.list_as_json(subscriber, allowed), "application/json"
            else:
                body, kind = apps.list_as_html(subscriber, allowed), "text/html; charset=utf-8"
            return Response(200, body, kind, (("Cache-Control", "no-store"),), without_body=head)
        match = _PACKAGE.match(path)
        if match is None or match[1] not in allowed:
            return Response(404, b"no such resource\n")
        return Response(200, apps.application(match[1]).package, "application/zip", without_body=head)


def subscribers_apps(table: Mapping[str, tuple[str, ...]]) -> Callable[[str], tuple[str, ...]]:
    """Return a lookup over a table, by subscriber; one who is not in it may use none."""
    return lambda subscriber: table.get(subscriber, ())
