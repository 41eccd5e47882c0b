"""HTTP/2 of the SBI producer of any manners; see odd_producer.py."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import ChangedSetting, SettingCodes, Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from h2.events import Event

    Answering = Callable[["Request", x509.Certificate | None], Awaitable["Answer"]]

LONGEST = 1_000_000


@dataclass
class Request:
    """A request as it comes in."""

    headers: list[tuple[str, str]]
    body: bytearray = field(default_factory=bytearray)

    def all(self, name: str) -> list[str]:
        """Values of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def path(self) -> str:
        """With the query."""
        return next(iter(self.all(":path")), "/")


@dataclass
class Answer:
    """An answer as it goes out."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    refused: bool = False


class Strict(H2Connection):
    """What was announced holds from its acknowledgement on, the size of the decoder's table, too."""

    def _local_settings_acked(self) -> dict[SettingCodes | int, ChangedSetting]:
        self.decoder.max_allowed_table_size = self.local_settings.header_table_size
        return super()._local_settings_acked()


class Connection:
    """One HTTP/2 connection."""

    def __init__(
        self,
        traits: frozenset[str],
        answering: Answering,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.traits, self.answering, self.reader, self.writer = traits, answering, reader, writer
        self.h2 = Strict(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.requests: dict[int, Request] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.window = asyncio.Event()
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.certificate = x509.load_der_x509_certificate(der) if der else None

    async def run(self) -> None:
        """Serve until one side ends it."""
        settings: dict[str, dict[SettingCodes, int]] = {
            "one-stream": {SettingCodes.MAX_CONCURRENT_STREAMS: 1},
            "tiny-table": {SettingCodes.HEADER_TABLE_SIZE: 0},
            "long-frames": {SettingCodes.MAX_FRAME_SIZE: 16_777_215},
        }
        wanted = next((value for one, value in settings.items() if one in self.traits), {})
        if wanted:
            self.h2.local_settings = Settings(client=False, initial_values=wanted)
            self.h2.max_inbound_frame_size = self.h2.local_settings.max_frame_size
        self.h2.initiate_connection()
        if "small-window" in self.traits:  # in force when it is acknowledged: a client may have begun before
            self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
        if "new-settings" in self.traits:
            self.flush(b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00\xfa\xfa\x00\x00\x00\x01\x00\x09\x00\x00\x00\x01")
        if "unknown-frames" in self.traits:
            self.flush(b"\x00\x00\x05\xfb\x00\x00\x00\x00\x00hello\x00\x00\x02\x0c\x00\x00\x00\x00\x00\x00\x00")
        self.flush()
        try:
            while data := await self.reader.read(65536):
                for event in self.h2.receive_data(data):
                    self.take(event)
                self.flush()
        except (ProtocolError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.flush()
            for task in self.tasks:
                task.cancel()
            if "no-notify" in self.traits:
                self.writer.transport.abort()
            self.writer.close()

    def flush(self, after: bytes = b"") -> None:
        """Send what is to be sent."""
        if not self.writer.is_closing():
            self.writer.write(self.h2.data_to_send() + after)

    def take(self, event: Event) -> None:
        """Do what an event asks for."""
        if isinstance(event, RequestReceived) and event.headers and event.stream_id:
            self.requests[event.stream_id] = Request([(str(k), str(v)) for k, v in event.headers])
        elif isinstance(event, DataReceived) and event.stream_id:
            if len(self.requests[event.stream_id].body) <= LONGEST:
                self.requests[event.stream_id].body += event.data or b""
            self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        elif isinstance(event, StreamEnded) and event.stream_id:
            task = asyncio.ensure_future(self.reply(event.stream_id, self.requests.pop(event.stream_id)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif isinstance(event, WindowUpdated | StreamReset | ConnectionTerminated):
            self.window.set()

    async def reply(self, stream: int, request: Request) -> None:
        """Answer on a stream."""
        traits = self.traits
        try:
            if "slow" in traits:
                await asyncio.sleep(0.3)
            if "pings" in traits:
                self.h2.ping(b"01234567")
            if "interim" in traits:
                self.h2.send_headers(stream, [(":status", "103"), ("link", "</a>; rel=preload")])
            answer = await self.answering(request, self.certificate)
            if answer.refused and "closes-refused" in traits:
                self.writer.close()
                return
            if answer.refused and "goaway-refused" in traits:
                self.h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, last_stream_id=stream - 2 if stream > 2 else 0)
                self.flush()
                return
            if answer.refused and "resets-refused" in traits:
                self.h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
                self.flush()
                return
            await self.send(stream, answer)
        except (ProtocolError, ConnectionError):
            self.flush()

    async def send(self, stream: int, answer: Answer) -> None:
        """Send an answer in its manner."""
        traits = self.traits
        headers = [(":status", str(answer.status)), *answer.headers]
        if "odd-names" in traits:
            headers += [("x_odd", ""), ("server", "odd"), ("set-cookie", "a=b"), ("via", "1.1 odd"), ("x-utf", "ü")]
        if "hsts" in traits:
            headers += [("strict-transport-security", "max-age=1"), ("3gpp-sbi-correlation-info", "imsi-1")]
        body, last = answer.body, "trailers" not in traits
        self.h2.send_headers(stream, headers, end_stream=last and not body)
        size = 1 if "pieces" in traits else 16384
        for at in range(0, len(body), size):
            part = body[at : at + size]
            pad = 7 if "padded" in traits else None
            while self.h2.local_flow_control_window(stream) < len(part) + 8:
                self.flush()
                self.window.clear()
                await self.window.wait()
            self.h2.send_data(stream, part, end_stream=last and at + size >= len(body), pad_length=pad)
            self.flush()
        if not last:
            self.h2.send_headers(stream, [("x-sum", "1")], end_stream=True)
        if "goaway-each" in traits:
            self.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=stream)
        self.flush()
        if "closes-each" in traits:
            self.writer.close()
