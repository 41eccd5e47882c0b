"""The IMS-AGW's message legs: TLS towards the UE, TCP towards the core, paths untouched (TS 23.334 6.2.10.3, RFC 6714).

Only what a UE asks for with ``a=3ge2ae:requested`` is protected; the caller's side alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from imsproof.codec.msrp import TCP_PROTO, TLS_PROTO
from imsproof.codec.sdp import MediaSection, Sdp
from imsproof.engine.identity import Identity, fingerprint_matches, make_identity
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.msrp.tlspipe import TlsEndedError, TlsPipe, context

if TYPE_CHECKING:
    from imsproof.lab.media.msrp.policy import MsrpPolicy
    from imsproof.lab.policy import PolicyBox

READ = 65536
_ACCESS_ONLY = ("3ge2ae", "fingerprint", "setup", "tls-id")


def asks_protection(section: MediaSection) -> bool:
    """Whether a UE asks for a protected message leg."""
    asked = (section.attr("3ge2ae") or "").strip() == "requested"
    return section.kind == "message" and section.port > 0 and section.proto.upper() == TLS_PROTO and asked


class MessageLeg:
    """A TLS port for one UE; what comes over it goes to the core's address, and back.

    Args:
        box: the lab's policy.
        identity: the gateway's certificate.
        fingerprints: of the UE's certificate.
    """

    def __init__(self, box: PolicyBox, identity: Identity, fingerprints: tuple[str, ...]) -> None:
        self._box = box
        self._identity = identity
        self._fingerprints = fingerprints
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.core: tuple[str, int] | None = None

    @property
    def _policy(self) -> MsrpPolicy:
        return self._box.current.msrp

    @property
    def port(self) -> int:
        """Where the UE connects to."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else 0

    async def open(self, address: str) -> None:
        """Listen (``OSError`` when no port is to be had)."""
        self._server = await asyncio.start_server(self._serve, address, 0)

    def close(self) -> None:
        """Give the port back."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, TlsEndedError):
                await self._relay(reader, writer)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(READ)
        if self._policy.agw_plain_accepted and data.startswith(b"MSRP "):
            await self._between(None, data, reader, writer)
            return
        pipe = TlsPipe(context(self._policy, self._identity), server=True)
        plain = b""
        while data and not pipe.established:
            try:
                plain = pipe.feed(data)
            finally:
                writer.write(pipe.outgoing())
            data = b"" if pipe.established else await reader.read(READ)
        der = pipe.peer_der if pipe.established else None
        matches = der is not None and any(fingerprint_matches(der, line) for line in self._fingerprints)
        if pipe.established and (matches or not self._policy.agw_check_fingerprint):
            await self._between(pipe, plain, reader, writer)

    async def _between(
        self, pipe: TlsPipe | None, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.core is None:
            return
        core_reader, core_writer = await asyncio.open_connection(*self.core)
        try:
            core_writer.write(first)
            both = [
                asyncio.create_task(_inwards(pipe, reader, core_writer)),
                asyncio.create_task(_outwards(pipe, core_reader, writer)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        finally:
            core_writer.close()


async def _inwards(pipe: TlsPipe | None, reader: asyncio.StreamReader, core: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ):
        core.write(pipe.feed(data) if pipe is not None else data)
        await core.drain()


async def _outwards(pipe: TlsPipe | None, core: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await core.read(READ):
        if pipe is not None:
            pipe.write(data)
            data = pipe.outgoing()
        writer.write(data)
        await writer.drain()


class MessageGateway:
    """The IMS-AGW for message sessions.

    Args:
        address: IP address of its ports.
        box: the lab's policy.
    """

    def __init__(self, address: str, box: PolicyBox) -> None:
        self._address = address
        self._box = box
        self._identity = make_identity(name="agw messages")
        self._legs: dict[str, dict[int, MessageLeg]] = {}

    async def offer_from_access(self, call_id: str, sdp: bytes) -> bytes:
        """Take a UE's offer, return the one for the core.

        Raises:
            MediaRefusedError: protection is asked for without a fingerprint, or there is no port.
        """
        description = Sdp.parse(sdp)
        await self.release(call_id)
        for index, media in enumerate(description.media):
            if not asks_protection(media):
                continue
            usable = self._box.current.msrp.fingerprint_hashes
            lines = media.attrs("fingerprint") or description.session.attrs("fingerprint")
            fingerprints = tuple(line for line in lines if line.split(" ", 1)[0].lower() in usable)
            if not fingerprints:
                raise MediaRefusedError("a protected message leg needs a fingerprint that can be used")
            leg = MessageLeg(self._box, self._identity, fingerprints)
            try:
                await leg.open(self._address)
            except OSError as error:
                raise MediaRefusedError(f"no port at {self._address}: {error}") from error
            self._legs.setdefault(call_id, {})[index] = leg
            for name in _ACCESS_ONLY if self._box.current.msrp.attributes_stripped else ():
                media.remove_attr(name)
            media.proto = TCP_PROTO
        return description.to_bytes()

    async def answer_to_access(self, call_id: str, sdp: bytes) -> bytes:
        """Take the core's answer, return the one for the UE."""
        description = Sdp.parse(sdp)
        for index, leg in self._legs.get(call_id, {}).items():
            if index >= len(description.media) or description.media[index].port <= 0:
                continue
            media = description.media[index]
            leg.core = (description.address(media) or "", media.port)
            media.proto, media.port, media.connection = TLS_PROTO, leg.port, self._address
            media.set_attr("fingerprint", self._identity.sdp_fingerprint)
            media.set_attr("setup", "passive")
            media.set_attr("msrp-cema")
        return description.to_bytes()

    async def release(self, call_id: str) -> None:
        """Give back what a call had."""
        for leg in self._legs.pop(call_id, {}).values():
            leg.close()

    async def reset(self) -> None:
        """Give everything back."""
        for call_id in list(self._legs):
            await self.release(call_id)
