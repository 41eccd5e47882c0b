"""A tap behind the lab: a command of the profile that prints what crosses there, as a pcap capture."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from imsproof.actors.ownprocess import start_command
from imsproof.codec.pcap import PcapSyntaxError, flows
from imsproof.link.subject import Exchange
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.link.session import Session

MAX_CAPTURE = 8 << 20
"""Octets of a capture that are looked at."""
START_SECONDS = 0.3
"""What a capture may need to begin; tcpdump does not say when it listens."""


class Tap:
    """Runs the command while the testcase acts; each flow that it saw becomes an event.

    Args:
        session: the purpose's session.
        command: words of the command (no shell), which runs until it is ended.
    """

    def __init__(self, session: Session, command: Sequence[str]) -> None:
        self._session = session
        self._command = list(command)
        self._seen = bytearray()
        self._news = asyncio.Event()
        self._process, self._reader = session.run(self._start())
        session.own(self)

    async def _start(self) -> tuple[asyncio.subprocess.Process, asyncio.Task[None]]:
        process = await start_command(self._session, self._command, "the tap's", actor="tap")
        reader = asyncio.create_task(self._read(process))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._news.wait()
        return process, reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while piece := await process.stdout.read(65536):
            self._seen += piece[: MAX_CAPTURE - len(self._seen)]
            self._news.set()

    def stop(self, label: str) -> Exchange:
        """Wait as long as silence for what is on its way, end the command, and note what it saw.

        Raises:
            InconclusiveError: what it printed is no capture.
        """
        return self._session.run(self._stop(label))

    async def _stop(self, label: str) -> Exchange:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._session.timers.silence):
                await self._reader
        await self.aclose()
        exchange = self._session.exchange(label)
        try:
            found = flows(bytes(self._seen)) if self._seen else []
        except PcapSyntaxError as error:
            raise InconclusiveError(f"what the tap's command printed is no capture: {error}") from error
        for flow in found:
            way = " to ".join(f"{host} port {port}" for host, port in (flow.source, flow.target))
            facts = {"flow": flow.protocol, "text": f"{len(flow.data)} octets of {flow.protocol} from {way}"}
            self._session.emit(Kind.RECEIVED, "tap", exchange, transport="", data=flow.data, facts=facts)
        self._session.emit(Kind.COUNTED, "tap", exchange, facts={"flows": len(found), "bytes": len(self._seen)})
        return Exchange(record=self._session.record, exchange=exchange)

    async def aclose(self) -> None:
        """End the command, by its process group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is not None:
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._process.wait()
        self._reader.cancel()
        self._session.disown(self)
