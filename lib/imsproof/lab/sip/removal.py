"""The operator's way to de-register a subscriber, as an HSS would have the S-CSCF do it (TS 24.229 5.4.1.5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from imsproof.lab.media.http1 import Request, Response, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PORT = 8081
_PATH = "/subscribers/"


class Removal:
    """Serves ``DELETE /subscribers/IMPI/registration`` with 204, or 404 for who is not registered.

    Args:
        address: IP address to listen on.
        remove: ends the registration of a private identity; whether there was one.
    """

    def __init__(self, address: str, remove: Callable[[str], Awaitable[bool]]) -> None:
        self._address = address
        self._remove = remove
        self._server: asyncio.Server | None = None
        self.port = PORT

    async def start(self) -> None:
        """Listen (``OSError`` when the port is taken)."""
        self._server = await asyncio.start_server(
            lambda reader, writer: serve(reader, writer, self._answer), self._address, PORT
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, request: Request) -> Response:
        impi = unquote(request.target.removeprefix(_PATH).removesuffix("/registration"))
        if request.method != "DELETE" or not request.target.startswith(_PATH):
            return Response(405)
        return Response(204 if await self._remove(impi) else 404)
