"""The lab's private control channel: JSON lines over a unix socket that only the owner may open.

Requests are ``{"op": "faults", "names": [...]}``, ``{"op": "reset"}``, ``{"op": "state"}`` and ``{"op": "stop"}``;
every answer has ``ok``, and ``error`` when that is false.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MAX_LINE = 65_536

Operate = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ControlServer:
    """Listens on a unix socket and hands each request to ``operate``; its ``ValueError`` becomes the answer."""

    def __init__(self, path: Path, operate: Operate) -> None:
        self._path = path
        self._operate = operate
        self._server: asyncio.Server | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Listen (``OSError`` when it cannot; a path of more than about 100 characters is too long for the kernel)."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE)
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # the client left, or sent a line without end
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                return {"ok": False, "error": "a request is a JSON object"}
            async with self._lock:
                return {"ok": True, **await self._operate(request)}
        except (ValueError, RecursionError) as error:
            return {"ok": False, "error": str(error)}
