"""One accepted SBI connection: TLS over memory BIOs, HTTP/2 over that, and limits on everything a peer may ask for."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from OpenSSL import SSL

from imsproof.codec.http2 import Flag, Type, frame
from imsproof.lab.sbi.frameguard import FrameGuard
from imsproof.lab.sbi.framemender import FrameMender
from imsproof.lab.sbi.looseh2 import make_connection, make_settings
from imsproof.lab.sbi.messages import Handler, Peer, Refused, Request, Response, problem
from imsproof.lab.sbi.rawhello import flawed_answer
from imsproof.lab.sbi.status import why_not_good
from imsproof.lab.sbi.tls import ALPN, peer_of, resumed, server_context

if TYPE_CHECKING:
    from imsproof.lab.sbi.policy import SbiPolicy
    from imsproof.lab.sbi.server import SbiServer

READ = 65_536
HANDSHAKE_RECORD = b"\x16"
WRITE_LIMIT = 4 * 1024 * 1024
REFILL_PER_SECOND = 100
EARNED_PER_ANSWER = 8
CHEAP_EVENTS = (
    h2.events.PingReceived,
    h2.events.RemoteSettingsChanged,
    h2.events.PriorityUpdated,
    h2.events.UnknownFrameReceived,
    h2.events.StreamReset,
    h2.events.WindowUpdated,
)
COSTS = {
    h2.events.PingReceived: "ping",
    h2.events.RemoteSettingsChanged: "settings",
    h2.events.PriorityUpdated: "priority",
    h2.events.UnknownFrameReceived: "unknown",
    h2.events.WindowUpdated: "window",
}
"""What events are called among the costly ones."""
FRAME = 16_384


class Budget:
    """A bucket of tokens: full at first, refilled with time; who empties it is sent away."""

    def __init__(self, size: int, now: float) -> None:
        self._size = self._left = float(size)
        self._then = now

    def spend(self, now: float) -> bool:
        """Take one token; ``False`` when none is left."""
        self._left = min(self._size, self._left + (now - self._then) * REFILL_PER_SECOND) - 1
        self._then = now
        return self._left >= 0

    def earn(self) -> None:
        """Give back what goes with a request that was answered: window updates, a ping."""
        self._left = min(self._size, self._left + EARNED_PER_ANSWER)


@dataclass(slots=True)
class _Stream:
    headers: list[tuple[bytes, bytes]]
    body: bytearray = field(default_factory=bytearray)
    deadline: asyncio.TimerHandle | None = None
    dispatched: bool = False


class Connection(asyncio.Protocol):
    """Serves one peer until it leaves, errs or abuses; whatever it sends, only this connection ends."""

    def __init__(self, server: SbiServer, handler: Handler) -> None:
        self._server = server
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._policy: SbiPolicy = server.policy
        self._transport: asyncio.Transport | None = None
        self._tls: SSL.Connection | None = None
        self._flaws = server.http2
        self._http = make_connection(self._flaws.tolerates)
        self._guard = FrameGuard(self._flaws.tolerates, self._flaws.refuses)
        self._mender = FrameMender(self._flaws.tolerates) if self._flaws.tolerates else None
        self._peer: Peer | None = None
        self._status: str | None = None
        self._heard = False
        self._streams: dict[int, _Stream] = {}
        self._unsent: dict[int, bytes] = {}
        self._budget = Budget(self._policy.abuse_budget, self._loop.time())
        self._timer: asyncio.TimerHandle | None = None
        self._address = ""

    # --- asyncio ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the TLS handshake, by the policy of this moment."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._server.admit(self):
            transport.abort()
            return
        self._tls = SSL.Connection(server_context(self._server.pki, self._server.nf.name, self._policy), None)
        self._tls.set_accept_state()
        self._set_timer(self._policy.handshake_seconds)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the peer; handlers that run go on to their end."""
        self._server.leave(self)
        self._set_timer(None)
        for stream in self._streams.values():
            self._drop(stream)
        self._streams.clear()

    def data_received(self, data: bytes) -> None:
        """Take cipher text from the peer."""
        heard, self._heard = self._heard, True
        try:
            if not heard and self._flawed(data):
                return
            if self._tls is None:
                if self._peer is not None:
                    self._http_received(data)
                return
            self._tls.bio_write(data)
            if self._peer is None and not self._shake_hands():
                return
            while (plain := self._read()) is not None:
                self._http_received(plain)
        except SSL.Error:
            self._flush_tls()
            self.close()
        except Exception as error:  # noqa: BLE001 - a hostile peer must not end the server, whatever it found
            sys.stderr.write(f"{self._server.nf.name}: {type(error).__name__} on a connection: {error}\n")
            self.close()

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not read."""
        if self._transport:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        if self._transport:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close after what is written has gone out, but wait no longer than a second for that."""
        if self._transport and not self._transport.is_closing():
            self._set_timer(None)
            self._transport.close()
            self._loop.call_later(1.0, self._transport.abort)

    # --- TLS ----------------------------------------------------------------------------------------------------

    def _flawed(self, data: bytes) -> bool:
        """Do to the first octets what a planted fault asks for; ``False`` where there is none."""
        if self._policy.clear_text and data[:1] != HANDSHAKE_RECORD:
            self._tls, self._peer = None, Peer(self._address)
            self._greet()
            return False
        answer = flawed_answer(data, self._policy.hello_flaws) if self._policy.hello_flaws else None
        if answer is None or self._transport is None:
            return False
        self._tls = None
        self._transport.write(answer)
        self.close()
        return True

    def _shake_hands(self) -> bool:
        tls = self._tls
        if tls is None:
            return False
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            self._flush_tls()
            return False
        self._peer = peer_of(tls, self._address, by_subject=self._policy.identity_from_subject)
        if self._policy.sessions_by_address:
            self._peer = self._server.remembered(self._peer, resumed=resumed(tls))
        if tls.get_alpn_proto_negotiated() != ALPN:
            self._flush_tls()
            self.close()
            return False
        self._greet()
        return True

    def _greet(self) -> None:
        """Begin HTTP/2."""
        self._set_timer(self._policy.idle_seconds)
        self._http.local_settings = make_settings(
            {
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._policy.max_streams,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: self._policy.max_header_octets,
            },
            self._flaws.tolerates,
        )
        self._http.decoder.max_header_list_size = self._policy.max_header_octets
        self._http.initiate_connection()
        self._flush()

    def _read(self) -> bytes | None:
        if self._tls is None or self._transport is None or self._transport.is_closing():
            return None
        try:
            return self._tls.recv(READ)
        except SSL.WantReadError:
            self._flush_tls()
        except SSL.ZeroReturnError:
            self.close()
        return None

    def _flush_tls(self) -> None:
        if self._tls is None or self._transport is None or self._transport.is_closing():
            return
        while True:
            try:
                self._transport.write(self._tls.bio_read(READ))
            except SSL.WantReadError:
                break
        if self._transport.get_write_buffer_size() > WRITE_LIMIT:
            self._transport.abort()

    def _flush(self) -> None:
        data = self._http.data_to_send()
        if data and self._tls is not None:
            self._tls.sendall(data)
            self._flush_tls()
        elif data and self._peer is not None and self._transport is not None:
            self._transport.write(data)

    # --- HTTP/2 -------------------------------------------------------------------------------------------------

    def _http_received(self, data: bytes) -> None:
        error = self._guard.refuses(data)
        if error is not None:
            self._send_away(error)
            return
        try:
            events = self._http.receive_data(self._mender.mend(data) if self._mender else data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self.close()
            return
        for event in events:
            self._on_event(event)
            if self._transport is None or self._transport.is_closing():
                return
        self._flush()

    def _on_event(self, event: h2.events.Event) -> None:
        if self._works_at(event):
            pass
        elif isinstance(event, CHEAP_EVENTS) and not self._budget.spend(self._loop.time()):
            self._send_away()
            return
        if isinstance(event, h2.events.RequestReceived) and event.stream_id and event.headers:
            self._on_request(event.stream_id, list(event.headers))
        elif isinstance(event, h2.events.DataReceived) and event.stream_id:
            self._on_data(event, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self._streams:
            self._dispatch(event.stream_id)
        elif isinstance(event, h2.events.StreamReset) and event.stream_id:
            self._unsent.pop(event.stream_id, None)
            self._forget(event.stream_id)
        elif isinstance(event, h2.events.WindowUpdated):
            for stream_id in list(self._unsent):
                self._send_body(stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.close()

    def _works_at(self, event: h2.events.Event) -> bool:
        """Let a planted fault have the server's only thread work at an event, however cheap it is for the peer."""
        if not self._flaws.costly:
            return False
        name = COSTS.get(type(event))
        if isinstance(event, h2.events.RequestReceived):
            name = "request" if event.stream_ended else "open"
        elif isinstance(event, h2.events.DataReceived) and not event.data:
            name = "data"
        if name not in self._flaws.costly:
            return False
        time.sleep(self._flaws.cost_seconds)
        return True

    def _on_request(self, stream_id: int, headers: list[tuple[bytes, bytes]]) -> None:
        stream = _Stream(headers)
        stream.deadline = self._loop.call_later(self._policy.request_seconds, self._too_slow, stream_id)
        self._streams[stream_id] = stream
        self._set_timer(None)

    def _on_data(self, event: h2.events.DataReceived, stream_id: int) -> None:
        data = event.data or b""
        free = "data" in self._flaws.costly
        if not data and event.stream_ended is None and not free and not self._budget.spend(self._loop.time()):
            self._send_away()
            return
        if event.flow_controlled_length:
            self._http.acknowledge_received_data(event.flow_controlled_length, stream_id)
        stream = self._streams.get(stream_id)
        if stream is None or stream.dispatched:
            return
        if len(stream.body) + len(data) > self._policy.max_body or not self._server.reserve(len(data)):
            self._answer(stream_id, problem(413, "PAYLOAD_TOO_LARGE", f"more than {self._policy.max_body} octets"))
            return
        stream.body += data

    def _dispatch(self, stream_id: int) -> None:
        stream = self._streams[stream_id]
        if stream.dispatched or self._peer is None:
            return
        stream.dispatched = True
        self._server.run(self._handle(stream_id, _request(stream, self._peer)))

    async def _handle(self, stream_id: int, request: Request) -> None:
        if self._server.falls(request):
            self.close()
            return
        try:
            async with asyncio.timeout(self._policy.request_seconds):
                await self._vouched_for(request.peer)
                response = await self._handler(request)
        except Refused as refusal:
            response = refusal.response
        except TimeoutError:
            response = problem(504, "TIMED_OUT_REQUEST", "the request could not be served in time")
        except Exception as error:  # noqa: BLE001 - the node serves on, and says what broke
            sys.stderr.write(f"{self._server.nf.name}: {request.method} {request.path}: {error!r}\n")
            response = problem(500, "SYSTEM_FAILURE", "the node failed to serve the request")
        self._answer(stream_id, response)
        self._flush()

    async def _vouched_for(self, peer: Peer) -> None:
        """Ask, once a connection, whether the peer's certificate is revoked (``Refused`` when it is)."""
        if self._status is None:
            self._status = await why_not_good(peer.der, self._server.pki, self._policy) if peer.der else ""
        if self._status:
            raise Refused(problem(403, "CERTIFICATE_NOT_TRUSTED", self._status))

    def _answer(self, stream_id: int, response: Response) -> None:
        if stream_id not in self._streams or self._transport is None or self._transport.is_closing():
            return
        ended = self._streams[stream_id].dispatched
        headers = [(b":status", b"%d" % response.status)]
        headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.headers]
        headers.append((b"content-length", b"%d" % len(response.body)))
        try:
            self._http.send_headers(stream_id, headers, end_stream=not response.body)
            self._unsent[stream_id] = response.body
            self._send_body(stream_id)
            self._budget.earn()
            if not ended:  # the peer is still sending: it may stop (RFC 9113 section 8.1)
                self._http.reset_stream(stream_id, h2.errors.ErrorCodes.NO_ERROR)
        except h2.exceptions.ProtocolError:
            self._unsent.pop(stream_id, None)
        self._forget(stream_id)

    def _send_body(self, stream_id: int) -> None:
        try:
            body = self._unsent[stream_id]
            while body:
                window = self._http.local_flow_control_window(stream_id)
                size = min(window, self._http.max_outbound_frame_size, len(body))
                if size <= 0 and "overrun" in self._flaws.tolerates:
                    self._overrun(stream_id, body)
                    break
                if size <= 0:
                    if "unsent" in self._flaws.costly:
                        time.sleep(self._flaws.cost_seconds)
                    self._unsent[stream_id] = body
                    return
                self._http.send_data(stream_id, body[:size], end_stream=size == len(body))
                body = body[size:]
        except h2.exceptions.ProtocolError:
            pass
        self._unsent.pop(stream_id, None)

    def _overrun(self, stream_id: int, body: bytes) -> None:
        """Send a body past the window, as a planted fault has it."""
        if self._tls is not None:
            self._flush()
            self._tls.sendall(frame(Type.DATA, Flag.END_STREAM, stream_id, body[:FRAME]))
            self._flush_tls()

    def _too_slow(self, stream_id: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.dispatched:
            self._answer(stream_id, problem(408, "TIMED_OUT_REQUEST", "the request did not come to its end"))
            self._flush()

    def _forget(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._drop(stream)
        if not self._streams:
            self._set_timer(self._policy.idle_seconds)

    def _drop(self, stream: _Stream) -> None:
        if stream.deadline is not None:
            stream.deadline.cancel()
        self._server.release(len(stream.body))

    def _send_away(self, error: h2.errors.ErrorCodes = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM) -> None:
        self._http.close_connection(error)
        self._flush()
        self.close()

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        closing = self._transport is None or self._transport.is_closing()
        self._timer = None if seconds is None or closing else self._loop.call_later(seconds, self.close)


def _request(stream: _Stream, peer: Peer) -> Request:
    pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in stream.headers)
    pseudo = dict(pair for pair in pairs if pair[0].startswith(":"))
    path, _, query = pseudo.get(":path", "/").partition("?")
    headers = tuple(pair for pair in pairs if not pair[0].startswith(":"))
    return Request(pseudo.get(":method", ""), path, query, headers, bytes(stream.body), peer)
