"""A small SCTP of its own (RFC 9260, RFC 8831, RFC 8832), as a peer from elsewhere would have it; see odd_peer.py.

It shares nothing with the tester's or the lab's: cookies hold the state, everything that is not right is dropped, and
what the RFCs leave open is a trait (``abort-on-error``, ``slow-ack``, ``extensions``, ``heartbeats``, ...).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import struct
import time
from typing import TYPE_CHECKING

import google_crc32c

if TYPE_CHECKING:
    from collections.abc import Callable

DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR = range(10)
COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE, FORWARD_TSN = 10, 11, 14, 192
EXTENSIONS = struct.pack("!HHI", 0x8001, 8, 1)  # RFC 9653: needs no checksum, where something else protects it
EXTENSIONS += struct.pack("!HH4B", 0x8008, 8, 130, 192, 64, 194) + struct.pack("!HH", 0xC000, 4)
EXTENSIONS += struct.pack("!HH4x", 0x8765, 8) + struct.pack("!HHI", 0xC123, 8, 7)
BEATS_SECONDS, BEATS = 0.3, 6
TALK_SECONDS, TALKS = 0.1, 600
DCEP, TEXT, BINARY = 50, 51, 53
COOKIE = struct.Struct("!IIIId")  # both tags, both first TSNs, when it was made
LARGEST, SMALL = 65536, 1200
T_BIT, UNORDERED = 1, 4
OWN_STREAM, FEW = 600, 16
OPEN = struct.pack("!BBHIHH", 3, 0, 0, 0, 4, 0) + b"mine"
PIECE = 900
WHOLE = {DATA: 17, INIT: 20, INIT_ACK: 20, SACK: 16, HEARTBEAT: 4, COOKIE_ECHO: 4, FORWARD_TSN: 8}
"""Fewest bytes of chunks."""
HALF, MODULUS = 1 << 31, 1 << 32


class Sctp:
    """One association; ``on_message(stream, ppid, data)`` gets what comes."""

    def __init__(
        self,
        traits: frozenset[str],
        ports: tuple[int, int],
        parity: int,
        send: Callable[[bytes], None],
        on_message: Callable[[int, int, bytes], None],
    ) -> None:
        self.traits, self.ports, self.parity = traits, ports, parity
        self.open_streams = {0}
        self.up = self.gone = False
        self.tag, self.tsn = int.from_bytes(os.urandom(4)) | 1, int.from_bytes(os.urandom(3))
        self.tsn = MODULUS - 1 if "last-tsn" in traits else self.tsn
        self.peer_tag = self.taken = 0
        self._send, self._on_message = send, on_message
        self._key = os.urandom(16)
        self._early: dict[int, bytes] = {}
        self._parts: dict[int, bytes] = {}
        self._sequence: dict[int, int] = {}

    # Out

    def start(self) -> None:
        """Send INIT."""
        self._chunks(0, chunk(INIT, self._init() + self._parameters()))

    def say(self, stream: int, ppid: int, data: bytes) -> None:
        """Send a message, in pieces."""
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        number = self._sequence.get(stream, 0)
        self._sequence[stream] = (number + 1) % 65536
        for place, piece in enumerate(pieces):
            flags = (2 if place == 0 else 0) | (1 if place == len(pieces) - 1 else 0)
            flags |= UNORDERED if "unordered" in self.traits and ppid != DCEP else 0
            body = struct.pack("!IHHI", self.tsn, stream, number, ppid) + piece
            self.tsn = (self.tsn + 1) % MODULUS
            self._chunks(self.peer_tag, chunk(DATA, body, flags))

    def _init(self) -> bytes:
        streams = FEW if "few-streams" in self.traits else 65535
        return struct.pack("!IIHHI", self.tag, 131072, streams, streams, self.tsn)

    def _parameters(self) -> bytes:
        return EXTENSIONS if "extensions" in self.traits else b""

    def _sack(self) -> bytes:
        return chunk(SACK, struct.pack("!IIHH", self.taken, 131072, 0, 0))

    def _beside(self, *chunks: bytes) -> None:
        """Answer, with something beside it where the trait says so."""
        self._chunks(self.peer_tag, *chunks, *([self._sack()] if "bundled" in self.traits else []))

    def _is_up(self) -> None:
        first, self.up = not self.up, True
        if first and "heartbeats" in self.traits:
            self._beat(BEATS)
        if first and "opens-own" in self.traits:
            self.say(OWN_STREAM + 1 - self.parity, DCEP, OPEN)
            self._talk(TALKS)

    def _talk(self, left: int) -> None:
        if left and not self.gone:
            self.say(OWN_STREAM + 1 - self.parity, TEXT, b"here I am")
            asyncio.get_running_loop().call_later(TALK_SECONDS, self._talk, left - 1)

    def _beat(self, left: int) -> None:
        if left and not self.gone:
            self._chunks(self.peer_tag, chunk(HEARTBEAT, struct.pack("!HH4s", 1, 8, os.urandom(4))))
            asyncio.get_running_loop().call_later(BEATS_SECONDS, self._beat, left - 1)

    def _chunks(self, tag: int, *chunks: bytes) -> None:
        self._send_to(self.ports, tag, *chunks)

    def _send_to(self, ports: tuple[int, int], tag: int, *chunks: bytes) -> None:
        head = struct.pack("!HHI", *ports, tag)
        body = b"".join(chunks)
        self._send(head + struct.pack("<I", google_crc32c.value(head + bytes(4) + body)) + body)

    def _stop(self) -> None:
        if self.traits & {"abort-on-error", "small-size"} and self.up:
            self._chunks(self.peer_tag, chunk(ABORT, b""))
            self.gone = True

    # In

    def take(self, packet: bytes) -> None:
        """Take a packet; what is not of this association is dropped in silence."""
        if not self.gone and len(packet) >= 16 and self._is_whole(packet):
            self._take(packet)

    def _is_whole(self, packet: bytes) -> bool:
        check = google_crc32c.value(packet[:8] + bytes(4) + packet[12:])
        return struct.pack("<I", check) == packet[8:12] or "checksum" in self.traits

    def _take(self, packet: bytes) -> None:
        source, target, tag = struct.unpack_from("!HHI", packet)
        if (target, source) != self.ports and "ports" not in self.traits:
            if "aborts-strays" in self.traits:
                self._send_to((target, source), tag, chunk(ABORT, b"", T_BIT))
            return
        chunks = split(packet[12:])
        if not chunks:
            self._stop()
            return
        if chunks[0][0] == INIT:
            if tag == 0 and (len(chunks) == 1 or "bundled-init" in self.traits):
                self._on_init(chunks[0][2])
            return
        if tag != self.tag and not self._goes_without_tag(chunks[0]):
            return
        for kind, flags, body in chunks:
            if not self._one(kind, flags, body, tag):
                return

    def _goes_without_tag(self, first: tuple[int, int, bytes]) -> bool:
        reflected = "t-bit" in self.traits and first[:2] == (ABORT, T_BIT)
        return reflected or first[0] == COOKIE_ECHO or "tag" in self.traits

    def _one(self, kind: int, flags: int, body: bytes, tag: int) -> bool:
        """Take one chunk; whether the rest of the packet is to be looked at."""
        if kind == COOKIE_ECHO:
            self._on_cookie(body, tag)
        elif kind == INIT_ACK and not self.up:
            self._on_init_ack(body)
        elif kind == COOKIE_ACK:
            if self.peer_tag:
                self._is_up()
        elif self.up:
            return self._of_association(kind, flags, body)
        return True

    def _of_association(self, kind: int, flags: int, body: bytes) -> bool:
        """Take a chunk of an association that is up; whether the rest of the packet is to be looked at."""
        if kind == DATA:
            self._on_data(flags, body)
        elif kind == HEARTBEAT:
            self._beside(chunk(HEARTBEAT_ACK, body))
        elif kind == SHUTDOWN:
            self._chunks(self.peer_tag, chunk(SHUTDOWN_ACK, b""))
        elif kind in (ABORT, SHUTDOWN_COMPLETE):
            self.gone = True
        elif kind == SHUTDOWN_ACK:
            self._chunks(self.peer_tag, chunk(SHUTDOWN_COMPLETE, b""))
        elif kind not in range(15) and kind != FORWARD_TSN and "unknown-aborts" in self.traits:
            self._chunks(self.peer_tag, chunk(ABORT, b""))
            self.gone = True
        elif kind not in range(15) and kind != FORWARD_TSN:
            if kind & 0x40 and "report-errors" in self.traits:
                self._chunks(self.peer_tag, chunk(ERROR, struct.pack("!HH", 6, 4)))
            return bool(kind & 0x80)
        return not self.gone

    def _on_init(self, body: bytes) -> None:
        peer, _, outbound, inbound, tsn = struct.unpack_from("!IIHHI", body)
        if (not peer and "zero-tag" not in self.traits) or not outbound or not inbound:
            return
        if self.up and "init-resets" in self.traits:
            self.up, self.tag = False, int.from_bytes(os.urandom(4)) | 1
        if self.up and "answers-init" not in self.traits:
            return
        state = COOKIE.pack(self.tag, peer, self.tsn, tsn, time.monotonic())
        cookie = state + hmac.digest(self._key, state, "sha256")
        cookie = struct.pack("!HH", 7, 4 + len(cookie)) + cookie
        self._chunks(peer, chunk(INIT_ACK, self._init() + self._parameters() + cookie))

    def _on_init_ack(self, body: bytes) -> None:
        self.peer_tag, _, _, _, tsn = struct.unpack_from("!IIHHI", body)
        self.taken = (tsn - 1) % MODULUS
        rest = body[16:]
        while len(rest) >= 4:
            kind, length = struct.unpack_from("!HH", rest)
            if length < 4 or length > len(rest):
                return
            if kind == 7:
                self._chunks(self.peer_tag, chunk(COOKIE_ECHO, rest[4:length]))
            rest = rest[length + -length % 4 :]

    def _on_cookie(self, cookie: bytes, tag: int) -> None:
        state, mac = cookie[: COOKIE.size], cookie[COOKIE.size :]
        if "cookie" not in self.traits and not hmac.compare_digest(mac, hmac.digest(self._key, state, "sha256")):
            return
        own, peer, _, tsn, made = COOKIE.unpack(state)
        if own != tag or time.monotonic() - made > 60:
            return
        if not self.up:
            self.peer_tag, self.taken = peer, (tsn - 1) % MODULUS
        self._chunks(self.peer_tag, chunk(COOKIE_ACK, b""))
        self._is_up()

    def _on_data(self, flags: int, body: bytes) -> None:
        tsn = int.from_bytes(body[:4])
        if (tsn - self.taken) % MODULUS in range(1, 1024):
            self._early[tsn] = bytes((flags,)) + body
        while (self.taken + 1) % MODULUS in self._early:
            self.taken = (self.taken + 1) % MODULUS
            data = self._early.pop(self.taken)
            stream, _, ppid = struct.unpack_from("!HHI", data, 5)
            if stream >= FEW and "few-streams" in self.traits:
                continue
            self._piece(data[0], stream, ppid, data[13:])
        if "slow-ack" in self.traits:
            asyncio.get_running_loop().call_later(0.1, self._acknowledge)
        else:
            self._acknowledge()

    def _acknowledge(self) -> None:
        beside = [chunk(HEARTBEAT, struct.pack("!HH4s", 1, 8, os.urandom(4)))] if "bundled" in self.traits else []
        self._chunks(self.peer_tag, self._sack(), *beside)

    def _piece(self, flags: int, stream: int, ppid: int, data: bytes) -> None:
        whole = (b"" if flags & 2 else self._parts.pop(stream, b"")) + data
        if len(whole) > (SMALL if "small-size" in self.traits else LARGEST):
            self._parts.pop(stream, None)
            self._stop()
        elif not flags & 1:
            self._parts[stream] = whole
        elif ppid == DCEP:
            self._on_open(stream, whole)
        else:
            self._on_message(stream, ppid, whole)

    def _on_open(self, stream: int, data: bytes) -> None:
        label, protocol = struct.unpack_from("!HH", data, 8) if len(data) >= 12 else (65535, 65535)
        if data[0] != 3 or len(data) != 12 + label + protocol:
            self._stop()
            return
        wrong = stream in self.open_streams or stream % 2 != self.parity or stream == 65535
        if (wrong and "opens-all" not in self.traits) or "no-open" in self.traits:
            return
        self.open_streams.add(stream)
        wait = 0.2 if "slow-open" in self.traits else 0.0
        asyncio.get_running_loop().call_later(wait, self.say, stream, DCEP, b"\x02")


def chunk(kind: int, body: bytes, flags: int = 0) -> bytes:
    """One chunk, padded."""
    return struct.pack("!BBH", kind, flags, 4 + len(body)) + body + bytes(-len(body) % 4)


def split(data: bytes) -> list[tuple[int, int, bytes]]:
    """The chunks of a packet; none when one of them is not whole."""
    found = []
    while len(data) >= 4:
        kind, flags, length = struct.unpack_from("!BBH", data)
        if length < WHOLE.get(kind, 4) or length > len(data):
            return []
        found.append((kind, flags, data[4:length]))
        data = data[length + -length % 4 :]
    return found


def digest(der: bytes, name: str) -> str:
    """The fingerprint of a certificate, in capitals with colons."""
    return ":".join(f"{octet:02X}" for octet in hashlib.new(name.replace("-", ""), der).digest())
