"""HTTP/2 over the link's TLS (or plain TCP with prior knowledge): requests, resets and GOAWAY, all bounded.

Source: RFC 9113. Bodies are never decompressed; bodies beyond the bound are cut and the stream is reset; a header
list beyond the bound ends the connection (h2's own limit).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import HttpAnswer
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.seams import Address, ImsproofError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BODY = 4 * 1024 * 1024
MAX_HEADERS = 64 * 1024
JOURNAL_OCTETS = 256 * 1024
"""Of a longer body that is sent the journal keeps the beginning, and how long it is."""
FRAME_HEADER, TYPE_AT, SETTINGS = 9, 3, 4
"""A frame's header: its size, where the type stands in it, and the type of the first frame (RFC 9113 section 4.1)."""
READ_SECONDS = 3600.0
"""The reader waits for the connection's end, not for a time: each request has its own timer."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Pending:
    """An answer that is on its way."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    window: asyncio.Event = field(default_factory=asyncio.Event)
    headers: Pairs = ()
    trailers: Pairs = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    reset: int | None = None
    ended: bool = False


class _Patient(h2.connection.H2Connection):
    """h2 takes nothing after a GOAWAY, but a server that says it in peace still answers what it had (RFC 9113 6.8)."""

    def _receive_goaway_frame(self, frame: Any) -> tuple[list[Any], list[h2.events.Event]]:
        if frame.error_code:
            return super()._receive_goaway_frame(frame)
        event = h2.events.ConnectionTerminated()
        event.error_code, event.last_stream_id = h2.errors.ErrorCodes.NO_ERROR, frame.last_stream_id
        return [], [event]


class Http2Connection:
    """One HTTP/2 connection of the tester, used for one request or several, one by one or at once.

    Attributes:
        stream: the TLS (or TCP) connection beneath.
        h2: the library's state machine, for frames that :meth:`request` does not make; call :meth:`flush` after.
        goaway: error code of the GOAWAY that the lab sent, or ``None``.
        ended: why no more answers come, or ``""``.
    """

    def __init__(self, stream: TlsStream | TcpStream, *, max_body: int) -> None:
        """Use :meth:`open`."""
        self.stream = stream
        self.session: Session = stream.session
        self.exchange = stream.exchange
        self.actor = stream.actor
        self.goaway: int | None = None
        self.ended = ""
        self._max_body = max_body
        self._pending: dict[int, _Pending] = {}
        self._reader: asyncio.Task[None] | None = None
        self._first: bytes | None = b""
        self.h2 = _Patient(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.h2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADERS,
            },
        )
        self.h2.decoder.max_header_list_size = MAX_HEADERS

    @classmethod
    async def open(  # noqa: PLR0913 - a connection has that many sides
        cls,
        session: Session,
        actor: str,
        exchange: str,
        remote: Address,
        options: TlsOptions | None,
        *,
        local: Address | None = None,
        within: float | None = None,
        max_body: int = MAX_BODY,
        held: bool = False,
    ) -> Http2Connection:
        """Connect, shake hands and send the preface; ``options`` of ``None`` is plain TCP with prior knowledge.

        A preface that is ``held`` goes out together with what is sent first.

        Raises:
            ConnectionFailedError: no connection, no handshake, or ALPN chose something else than h2.
            OutOfScopeError, StoppedError, HarnessError: as :meth:`TlsStream.open`.
        """
        stream: TlsStream | TcpStream
        if options is None:
            stream = await TcpStream.open(session, actor, exchange, remote, local=local, within=within, quiet=True)
        else:
            stream = await TlsStream.open(
                session, actor, exchange, remote, options, local=local, within=within, quiet=True
            )
            chosen = stream.facts.get("alpn")
            if chosen not in ("", "h2"):
                await stream.aclose()
                raise ConnectionFailedError(f"ALPN chose {chosen!r}, not h2")
        connection = cls(stream, max_body=max_body)
        connection.h2.initiate_connection()
        connection._reader = asyncio.create_task(connection._read())
        session.own(connection)
        if not held:
            with contextlib.suppress(ConnectionFailedError):  # the reader notes why, and the request says so
                await connection.flush()
        return connection

    async def flush(self) -> None:
        """Send what the state machine has to say."""
        data = self.h2.data_to_send()
        if data:
            await self.stream.send(data)

    async def request(  # noqa: PLR0913 - a request has that many sides
        self,
        method: str,
        path: str,
        *,
        authority: str = "",
        scheme: str = "https",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        within: float | None = None,
        exchange: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        """Send a request and wait for its answer; what goes wrong stands in the answer, not in an exception.

        Args:
            method: e.g. ``POST``.
            path: path and query.
            authority: the ``:authority``; the remote address by default.
            scheme: the ``:scheme``.
            headers: more headers, sent as they are (names in lower case where the sender cares).
            body: the body, possibly empty.
            within: seconds for the whole answer; the profile's ``timers.answer`` by default.
            exchange: the conversation; the connection's own by default.
            facts: more facts for the ``sent`` event, e.g. ``{"injected": True}``.

        Raises:
            OutOfScopeError, StoppedError: the guard says no.
        """
        exchange = exchange or self.exchange
        remote = self.stream.tcp.remote if isinstance(self.stream, TlsStream) else self.stream.remote
        host = f"[{remote[0]}]" if ":" in remote[0] else remote[0]
        pairs = [
            (":method", method),
            (":scheme", scheme),
            (":authority", authority or f"{host}:{remote[1]}"),
            (":path", path),
            *headers,
        ]
        if self.ended:
            return HttpAnswer(record=self.session.record, exchange=exchange, failed=self.ended, goaway=self.goaway)
        pending = _Pending()
        seconds = self.session.timers.answer if within is None else within
        try:
            number = self.h2.get_next_available_stream_id()
            self._pending[number] = pending
            self.h2.send_headers(number, [(k.encode(), v.encode()) for k, v in pairs], end_stream=not body)
        except h2.exceptions.ProtocolError as error:
            return HttpAnswer(record=self.session.record, exchange=exchange, failed=f"cannot be sent: {error}")
        self._emit(
            Kind.SENT,
            exchange,
            {
                "method": method,
                "path": path,
                "headers": [list(p) for p in pairs],
                "stream": number,
                "octets": len(body),
                **(facts or {}),
            },
            body[:JOURNAL_OCTETS],
        )
        timed_out = False
        try:
            async with asyncio.timeout(seconds):
                await self._send_body(number, pending, body)
                await pending.done.wait()
        except TimeoutError:
            timed_out = True
        except (ConnectionFailedError, h2.exceptions.ProtocolError) as error:
            await self._drain()
            self.ended = self.ended or str(error)
        late = f"no complete answer within {seconds:.1f} s" if timed_out else ""
        return self._answer(number, pending, exchange, late)

    async def _send_body(self, number: int, pending: _Pending, body: bytes) -> None:
        """Send the body in pieces, the first of them together with the headers."""
        sent = 0
        while sent < len(body) and not pending.done.is_set():
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room <= 0:
                await self.flush()
                pending.window.clear()
                await pending.window.wait()
                continue
            piece = body[sent : sent + room]
            sent += len(piece)
            self.h2.send_data(number, piece, end_stream=sent == len(body))
            await self.flush()
        await self.flush()

    async def _drain(self) -> None:
        """After a failed write: let the reader see what the lab said last (an alert, a GOAWAY)."""
        if self._reader:
            await asyncio.wait([self._reader], timeout=self.session.timers.silence)

    def _answer(self, number: int, pending: _Pending, exchange: str, late: str) -> HttpAnswer:
        self._pending.pop(number, None)
        answer = HttpAnswer(
            record=self.session.record,
            exchange=exchange,
            status=_status(pending.headers),
            headers=tuple(pair for pair in pending.headers + pending.trailers if not pair[0].startswith(":")),
            body=bytes(pending.body),
            truncated=pending.truncated,
            reset=pending.reset,
            goaway=self.goaway,
        )
        if late:
            answer.failed = late
            self._emit(Kind.TIMEOUT, exchange, {"reason": late, "stream": number, "status": answer.status})
            return answer
        if not pending.ended and pending.reset is None and not pending.truncated:
            answer.failed = self.ended or "the connection ended before the answer did"
        if pending.headers or pending.reset is not None or self.goaway is not None:
            self._emit(Kind.RECEIVED, exchange, _facts(answer, number), answer.body)
        else:
            reason = answer.failed or "no answer"
            self._emit(Kind.CLOSED, exchange, {"reason": reason, "by": "lab", "stream": number})
        if answer.reset is not None:
            answer.failed = f"the lab reset the stream with error {answer.reset}"
        return answer

    def _emit(self, kind: Kind, exchange: str, facts: Mapping[str, Any], data: bytes = b"") -> None:
        tcp = self.stream.tcp if isinstance(self.stream, TlsStream) else self.stream
        self.session.emit(
            kind, self.actor, exchange, transport="h2", local=tcp.local, remote=tcp.remote, data=data, facts=facts
        )

    async def _read(self) -> None:
        reason = ""
        try:
            while not reason:
                data = await self.stream.receive(READ_SECONDS)
                if data is None:
                    continue
                if not data:
                    reason = self.stream.ended or "closed by the lab"
                    break
                self._check_preface(data)
                for event in self.h2.receive_data(data):
                    self._handle(event)
                await self.flush()
        except h2.exceptions.ProtocolError as error:
            reason = f"the lab's HTTP/2 cannot be read: {error or type(error).__name__}"
            self._emit(Kind.CLOSED, self.exchange, {"reason": reason, "by": "tester"})
            await self._last_words()
        except ImsproofError as error:
            reason = self.stream.ended or str(error)
        finally:
            self.ended = self.ended or reason or "closed"
            for pending in self._pending.values():
                pending.window.set()
                pending.done.set()

    def _check_preface(self, data: bytes) -> None:
        """Hold the first bytes against RFC 9113 section 3.4: h2 would wait for megabytes of an HTTP/1.1 answer."""
        if self._first is None:
            return
        self._first += data[:FRAME_HEADER]
        if len(self._first) > TYPE_AT:
            first, self._first = self._first, None
            if first[TYPE_AT] != SETTINGS:
                raise h2.exceptions.ProtocolError(f"it begins with {first!r}, which is no SETTINGS frame")

    async def _last_words(self) -> None:
        with contextlib.suppress(ImsproofError):
            await self.flush()

    def _handle(self, event: h2.events.Event) -> None:
        pending = self._pending.get(getattr(event, "stream_id", None) or 0)
        match event:
            case h2.events.ConnectionTerminated():
                self._take_goaway(event)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                for waiting in self._pending.values():
                    waiting.window.set()
            case h2.events.DataReceived():
                self._take_data(event, pending)
            case _ if pending is not None:
                self._take_answer(event, pending)

    def _take_goaway(self, event: h2.events.ConnectionTerminated) -> None:
        self.goaway = int(event.error_code or 0)
        for number, waiting in self._pending.items():
            if self.goaway or number > (event.last_stream_id or 0):
                waiting.done.set()
        self.ended = f"the lab sent GOAWAY with error {self.goaway}"

    def _take_answer(self, event: h2.events.Event, pending: _Pending) -> None:
        match event:
            case h2.events.ResponseReceived():
                pending.headers = _text(event.headers)
            case h2.events.TrailersReceived():
                pending.trailers = _text(event.headers)
            case h2.events.StreamReset():
                pending.reset = int(event.error_code or 0)
                pending.done.set()
            case h2.events.StreamEnded():
                pending.ended = True
                pending.done.set()

    def _take_data(self, event: h2.events.DataReceived, pending: _Pending | None) -> None:
        data = event.data or b""
        self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        if pending is None or pending.truncated:
            return
        pending.body += data[: self._max_body - len(pending.body)]
        if len(pending.body) >= self._max_body:
            pending.truncated = True
            self.h2.reset_stream(event.stream_id or 0, h2.errors.ErrorCodes.CANCEL)
            pending.done.set()

    async def aclose(self) -> None:
        """Say GOAWAY and close."""
        if self._reader:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        last = b""
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self.h2.close_connection()
            last = self.h2.data_to_send()
        self.ended = self.ended or "closed by the tester"
        await self.stream.aclose(last)
        self.session.disown(self)


def _text(headers: Any) -> Pairs:
    return tuple((bytes(k).decode("latin-1").lower(), bytes(v).decode("latin-1")) for k, v in headers or ())


def _status(headers: Pairs) -> int:
    text = dict(headers).get(":status", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _facts(answer: HttpAnswer, number: int) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "status": answer.status,
        "headers": [list(pair) for pair in answer.headers],
        "stream": number,
    }
    for name in ("reset", "goaway"):
        if getattr(answer, name) is not None:
            facts[name] = getattr(answer, name)
    if answer.truncated:
        facts["truncated"] = True
    if answer.failed:
        facts["failed"] = answer.failed
    return facts
