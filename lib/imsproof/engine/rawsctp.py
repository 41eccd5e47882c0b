"""An SCTP association by hand (RFC 9260): the handshake, acknowledgements and messages, and nothing kept from anybody.

Where :mod:`imsproof.engine.sctp` plays a good peer, this one lets its owner send any packet under the association's
tags and numbers. It retransmits nothing: the carrier is DTLS on a bench, and what is lost shows as silence.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec import sctp

if TYPE_CHECKING:
    from collections.abc import Callable

_COOKIE = 7
_INIT_SIZE = 16
_TSN_MODULUS = 1 << 32
_PIECE = 1000
"""Bytes of a message in one DATA chunk, so that a packet fits into one DTLS record of any path."""
MAX_MESSAGE = 1 << 22
"""Bytes of one unfinished message that are kept."""


@dataclass(slots=True)
class Message:
    """A whole message: stream, payload protocol identifier, contents."""

    stream: int
    ppid: int
    data: bytes


@dataclass(slots=True)
class RawSctp:
    """One association.

    Attributes:
        send: called with each packet that is to be sent.
        local_port, remote_port: SCTP ports.
        passive: leave an INIT of the peer unanswered, so that only the own handshake can succeed.
        tag: the own verification tag; ``peer_tag``: the peer's, 0 until it is known.
        tsn: the next TSN.
        peer_streams: how many streams the peer takes, as its INIT or INIT ACK says.
        established: whether the association is up.
        ended: how the peer ended it (``ABORT``, ``SHUTDOWN``), or ``""``.
        cookie: the peer's state cookie, once it came.
        hold_cookie: do not echo the cookie by itself.
    """

    send: Callable[[bytes], None]
    local_port: int = 5000
    remote_port: int = 5000
    passive: bool = False
    hold_cookie: bool = False
    tag: int = field(default_factory=lambda: secrets.randbelow((1 << 32) - 1) + 1)
    tsn: int = field(default_factory=lambda: secrets.randbelow(1 << 31))
    peer_tag: int = 0
    peer_streams: int = 65535
    established: bool = False
    ended: str = ""
    cookie: bytes = b""
    on_chunk: Callable[[sctp.Chunk], None] = lambda _: None
    on_message: Callable[[Message], None] = lambda _: None
    on_established: Callable[[], None] = lambda: None
    _cumulative: int | None = None
    _early: dict[int, sctp.Data] = field(default_factory=dict)
    _pieces: dict[int, bytearray] = field(default_factory=dict)
    _sequences: dict[int, int] = field(default_factory=dict)

    @property
    def acknowledged(self) -> int:
        """The last TSN of the peer's that was taken without a gap (0 before its INIT)."""
        return self._cumulative or 0

    def start(self) -> None:
        """Send INIT."""
        self.send_chunks(sctp.init_chunk(self.tag, self.tsn), tag=0)

    def packet(self, *chunks: sctp.Chunk, tag: int | None = None) -> sctp.Packet:
        """Return a packet of this association (with the peer's tag unless another is given)."""
        return sctp.Packet(self.local_port, self.remote_port, self.peer_tag if tag is None else tag, chunks)

    def taken_stream(self, stream: int) -> int:
        """That stream, or another of its parity but for 0 and 1, where the peer takes fewer."""
        if stream < self.peer_streams:
            return stream
        return 2 + stream % max(2, self.peer_streams // 2 * 2 - 2)

    def send_chunks(self, *chunks: sctp.Chunk, tag: int | None = None) -> None:
        """Send chunks in one packet."""
        self.send(self.packet(*chunks, tag=tag).to_bytes())

    def data_chunk(
        self, stream: int, ppid: int, payload: bytes, *, flags: int = sctp.WHOLE, sequence: int | None = None
    ) -> sctp.Chunk:
        """Return the next DATA chunk; its TSN is used up."""
        if sequence is None:
            sequence = self._sequences.get(stream, 0)
            if flags & sctp.LAST_FRAGMENT:
                self._sequences[stream] = (sequence + 1) % (1 << 16)
        data = sctp.Data(self.tsn, stream, sequence, ppid, payload, flags)
        self.tsn = (self.tsn + 1) % _TSN_MODULUS
        return data.chunk()

    def send_message(self, stream: int, ppid: int, payload: bytes) -> None:
        """Send a message, in pieces where it is long."""
        for chunk in self.data_chunks(stream, ppid, payload):
            self.send_chunks(chunk)

    def data_chunks(self, stream: int, ppid: int, payload: bytes) -> list[sctp.Chunk]:
        """Return a message as DATA chunks, each for a packet of its own; their TSNs are used up."""
        pieces = [payload[at : at + _PIECE] for at in range(0, len(payload), _PIECE)] or [b""]
        chunks = []
        for number, piece in enumerate(pieces):
            first = sctp.FIRST_FRAGMENT if number == 0 else 0
            last = sctp.LAST_FRAGMENT if number == len(pieces) - 1 else 0
            chunks.append(self.data_chunk(stream, ppid, piece, flags=first | last))
        return chunks

    def heartbeat(self, info: bytes) -> sctp.Chunk:
        """Return a HEARTBEAT that carries ``info`` (RFC 9260 section 3.3.5)."""
        return sctp.Chunk(sctp.HEARTBEAT, b"\0\1" + (len(info) + 4).to_bytes(2, "big") + info)

    def receive(self, data: bytes) -> None:
        """Take a packet; what is none, or not of this association, is left alone."""
        try:
            packet = sctp.Packet.parse(data)
        except sctp.SctpSyntaxError:
            return
        acknowledge = False
        for chunk in packet.chunks:
            if packet.tag not in (self.tag, 0):
                continue
            self.on_chunk(chunk)
            acknowledge |= self._take(chunk)
        if acknowledge and self._cumulative is not None:
            self.send_chunks(
                sctp.Chunk(sctp.SACK, self._cumulative.to_bytes(4, "big") + (1 << 20).to_bytes(4, "big") + bytes(4))
            )

    def _take(self, chunk: sctp.Chunk) -> bool:
        """Take one chunk; whether it asks for a SACK."""
        if chunk.kind == sctp.DATA:
            return self._take_data(chunk)
        if chunk.kind == sctp.INIT and not self.passive:
            self._learn(chunk)
            ack = sctp.init_chunk(self.tag, self.tsn, params=b"\0\7\0\14imsproof")
            self.send_chunks(sctp.Chunk(sctp.INIT_ACK, ack.value))
        elif chunk.kind == sctp.INIT_ACK and not self.established:
            self._learn(chunk)
            self.cookie = _cookie(chunk.value[_INIT_SIZE:])
            if not self.hold_cookie:
                self.send_chunks(sctp.Chunk(sctp.COOKIE_ECHO, self.cookie))
        elif chunk.kind == sctp.COOKIE_ECHO:
            self.send_chunks(sctp.Chunk(sctp.COOKIE_ACK))
            self._up()
        elif chunk.kind == sctp.COOKIE_ACK:
            self._up()
        elif chunk.kind == sctp.HEARTBEAT:
            self.send_chunks(sctp.Chunk(sctp.HEARTBEAT_ACK, chunk.value))
        elif chunk.kind in (sctp.ABORT, sctp.SHUTDOWN):
            self.ended = chunk.name
        return False

    def _learn(self, chunk: sctp.Chunk) -> None:
        self.peer_tag = int.from_bytes(chunk.value[:4], "big")
        self.peer_streams = int.from_bytes(chunk.value[10:12], "big")
        if self._cumulative is None:
            self._cumulative = (int.from_bytes(chunk.value[12:16], "big") - 1) % _TSN_MODULUS

    def _up(self) -> None:
        if not self.established:
            self.established = True
            self.on_established()

    def _take_data(self, chunk: sctp.Chunk) -> bool:
        try:
            data = sctp.Data.parse(chunk)
        except sctp.SctpSyntaxError:
            return False
        if self._cumulative is None or (data.tsn - self._cumulative - 1) % _TSN_MODULUS >= 1 << 31:
            return True
        self._early[data.tsn] = data
        while (following := (self._cumulative + 1) % _TSN_MODULUS) in self._early:
            self._cumulative = following
            self._assemble(self._early.pop(following))
        return True

    def _assemble(self, data: sctp.Data) -> None:
        pieces = self._pieces.setdefault(data.stream, bytearray())
        if data.flags & sctp.FIRST_FRAGMENT:
            pieces.clear()
        if len(pieces) < MAX_MESSAGE:
            pieces += data.payload
        if data.flags & sctp.LAST_FRAGMENT:
            del self._pieces[data.stream]
            self.on_message(Message(data.stream, data.ppid, bytes(pieces)))


def _cookie(parameters: bytes) -> bytes:
    while len(parameters) >= 4:
        kind, length = int.from_bytes(parameters[:2], "big"), int.from_bytes(parameters[2:4], "big")
        if length < 4:
            break
        if kind == _COOKIE:
            return parameters[4:length]
        parameters = parameters[length + -length % 4 :]
    return b""
