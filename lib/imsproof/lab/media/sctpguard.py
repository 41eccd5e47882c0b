"""Which SCTP packets are hostile: what the lab's MF lets through to its SCTP stack, and what it drops (RFC 9260).

The stack is aiortc's, which is made for friendly peers: what RFC 9260 wants discarded and aiortc would act on is
dropped here. Planted faults make the MF die of a kind (``media.dies_of``) or take it for good (``media.obeys``).
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace

from imsproof.codec import sctp
from imsproof.codec.dcep import (
    DATA_CHANNEL_ACK,
    DATA_CHANNEL_OPEN,
    PPID_BINARY,
    PPID_BINARY_EMPTY,
    PPID_DCEP,
    PPID_STRING,
    PPID_STRING_EMPTY,
)

KINDS = frozenset(
    {
        "not-sctp",
        "wrong-checksum",
        "wrong-port",
        "wrong-tag",
        "forged-abort",
        "forged-shutdown",
        "init-again",
        "init-bundled",
        "init-empty",
        "cookie-tampered",
        "cookie-foreign",
        "cookie-stale",
        "zero-length-chunk",
        "overlong-chunk",
        "unknown-chunk",
        "forward-tsn",
        "re-config-malformed",
        "sack-ahead",
        "data-empty",
        "data-huge",
        "message-over-size",
        "dcep-malformed",
        "dcep-hostile",
        "open-in-use",
        "open-wrong-parity",
        "open-reserved",
        "stray-stream",
        "unknown-ppid",
    }
)
"""Names of hostile packets."""

DROPPED = KINDS - {"stray-stream", "unknown-ppid", "re-config-malformed", "unknown-chunk", "dcep-malformed"}
"""What never reaches the stack; the others it discards by itself."""

_ENDINGS = {sctp.ABORT: "forged-abort", sctp.SHUTDOWN: "forged-shutdown", sctp.SHUTDOWN_COMPLETE: "forged-shutdown"}
_PPIDS = {PPID_DCEP, PPID_STRING, PPID_BINARY, PPID_STRING_EMPTY, PPID_BINARY_EMPTY}
_FIRST_CHUNK = 12
_STATE_COOKIE = 7
_INIT_SIZE = 16
_HALF = 1 << 31
_PARAMETER_HEADER = 4
_RESERVED_STREAM = 65535
_LONGEST_LABEL = 1024
_GIVEN: deque[bytes] = deque(maxlen=1024)
"""Cookies that any association of this process gave."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the association knows when a packet comes.

    Attributes:
        tag: its own verification tag.
        local_port, remote_port: SCTP ports.
        established: whether it is up.
        next_tsn: the next TSN that it will send.
        streams: streams of negotiated channels.
        max_message: what it announced, in bytes.
        peer_parity: the parity of streams that the peer may open: 0 for a DTLS client, 1 for a server.
        cookie_seconds: how long a state cookie is good.
    """

    tag: int
    local_port: int
    remote_port: int
    established: bool
    next_tsn: int
    streams: frozenset[int]
    max_message: int
    peer_parity: int = 0
    cookie_seconds: float = 60.0


class SctpGuard:
    """Looks at the packets of one association."""

    def __init__(self) -> None:
        self._cookie = b""
        self._given_at = 0.0
        self._unfinished = 0

    def sent(self, packet: bytes) -> None:
        """Remember the cookie of an INIT ACK that goes out."""
        if packet[_FIRST_CHUNK : _FIRST_CHUNK + 1] != bytes((sctp.INIT_ACK,)):
            return
        for chunk in sctp.Packet.parse(packet).chunks:
            if chunk.kind == sctp.INIT_ACK:
                self._cookie = dict(parameters(chunk.value[_INIT_SIZE:])).get(_STATE_COOKIE, b"")
                self._given_at = time.monotonic()
                _GIVEN.append(self._cookie)

    def look(self, data: bytes, known: Known) -> set[str]:
        """Name what is hostile in a packet."""
        try:
            packet = sctp.Packet.parse(data)
        except sctp.SctpSyntaxError:
            return {"not-sctp"}
        kinds = {kind for chunk in packet.chunks for kind in self._of_chunk(chunk, known)}
        if not packet.checksum_right:
            kinds.add("wrong-checksum")
        if (packet.source_port, packet.target_port) != (known.remote_port, known.local_port):
            kinds.add("wrong-port")
        inits = [chunk for chunk in packet.chunks if chunk.kind == sctp.INIT]
        if inits and len(packet.chunks) > 1:
            kinds.add("init-bundled")
        if packet.tag != (0 if inits else known.tag):
            kinds |= {_ENDINGS.get(chunk.kind, "wrong-tag") for chunk in packet.chunks[:1]}
        return kinds

    def _of_chunk(self, chunk: sctp.Chunk, known: Known) -> set[str]:  # noqa: PLR0911 - one return for each type
        if chunk.length is not None:
            return {"zero-length-chunk" if chunk.length < _PARAMETER_HEADER else "overlong-chunk"}
        value = chunk.value
        if chunk.kind == sctp.DATA:
            return self._of_data(chunk, known)
        if chunk.kind == sctp.INIT:
            empty = len(value) < _INIT_SIZE or not int.from_bytes(value[:4]) or not value[8:10].strip(b"\0")
            return ({"init-empty"} if empty else set()) | ({"init-again"} if known.established else set())
        if chunk.kind == sctp.COOKIE_ECHO:
            return self._of_cookie(value, known)
        if chunk.kind == sctp.SACK:
            ahead = (int.from_bytes(value[:4]) - known.next_tsn) % (1 << 32) < _HALF
            return {"sack-ahead"} if ahead else set()
        if chunk.kind == sctp.FORWARD_TSN:
            return {"forward-tsn"}  # no channel of the lab is partially reliable
        if chunk.kind == sctp.RE_CONFIG:
            return {"re-config-malformed"} if not whole(value) else set()
        return {"unknown-chunk"} if chunk.kind not in sctp.CHUNK_NAMES else set()

    def _of_cookie(self, value: bytes, known: Known) -> set[str]:
        if value != self._cookie:
            return {"cookie-foreign" if value in _GIVEN else "cookie-tampered"}
        return {"cookie-stale"} if time.monotonic() - self._given_at > known.cookie_seconds else set()

    def _of_data(self, chunk: sctp.Chunk, known: Known) -> set[str]:
        try:
            data = sctp.Data.parse(chunk)
        except sctp.SctpSyntaxError:
            return {"data-empty"}
        kinds = set() if data.payload else {"data-empty"}
        self._unfinished = len(data.payload) + (0 if data.flags & sctp.FIRST_FRAGMENT else self._unfinished)
        if self._unfinished > known.max_message:
            kinds |= {"data-huge", "message-over-size"} if data.flags & sctp.LAST_FRAGMENT else {"data-huge"}
        if data.ppid == PPID_DCEP:
            return kinds | _of_dcep(data, known)
        if data.stream not in known.streams:
            kinds.add("stray-stream")
        if data.ppid not in _PPIDS:
            kinds.add("unknown-ppid")
        return kinds

    def careless(self, data: bytes, known: Known, kinds: set[str]) -> bytes:
        """Return the packet as one takes it that does not mind ``kinds``."""
        packet = sctp.Packet.parse(data)
        if "wrong-checksum" in kinds:
            packet = replace(packet, checksum=None)
        if kinds & {"wrong-tag", "forged-abort", "forged-shutdown"}:
            packet = replace(packet, tag=known.tag)
        if "init-bundled" in kinds:
            chunks = tuple(chunk for chunk in packet.chunks if chunk.kind == sctp.INIT)
            packet = replace(packet, tag=0, chunks=chunks)
        chunks = tuple(self._careless_chunk(chunk, known, kinds) for chunk in packet.chunks)
        return replace(packet, chunks=chunks).to_bytes()

    def _careless_chunk(self, chunk: sctp.Chunk, known: Known, kinds: set[str]) -> sctp.Chunk:
        if chunk.kind == sctp.COOKIE_ECHO and kinds & {"cookie-tampered", "cookie-foreign"}:
            return sctp.Chunk(sctp.COOKIE_ECHO, self._cookie)
        if chunk.kind != sctp.DATA or chunk.length is not None:
            return chunk
        try:
            data = sctp.Data.parse(chunk)
        except sctp.SctpSyntaxError:
            return chunk
        if "unknown-ppid" in kinds:
            data = replace(data, ppid=PPID_STRING)
        if "stray-stream" in kinds and known.streams:
            data = replace(data, stream=min(known.streams))
        return data.chunk()


def parameters(value: bytes) -> list[tuple[int, bytes]]:
    """Return the parameters that can be read (RFC 9260 section 3.2.1): type and contents."""
    found = []
    while len(value) >= _PARAMETER_HEADER:
        kind, length = int.from_bytes(value[:2]), int.from_bytes(value[2:4])
        if not _PARAMETER_HEADER <= length <= len(value):
            break
        found.append((kind, value[_PARAMETER_HEADER:length]))
        value = value[length + -length % 4 :]
    return found


def whole(value: bytes) -> bool:
    """Whether ``value`` is nothing but whole parameters."""
    sizes = (_PARAMETER_HEADER + len(body) + -len(body) % 4 for _, body in parameters(value))
    return bool(value) and sum(sizes) >= len(value)


def _of_dcep(data: sctp.Data, known: Known) -> set[str]:
    """Conditions of RFC 8832 section 6."""
    if data.payload == bytes((DATA_CHANNEL_ACK,)):
        return set()
    if not _whole_open(data):
        return {"dcep-malformed"}
    if _hostile(data.payload):
        return {"dcep-hostile"}
    if data.stream in known.streams:
        return {"open-in-use"}
    if data.stream == _RESERVED_STREAM:
        return {"open-reserved"}
    return {"open-wrong-parity"} if data.stream % 2 != known.peer_parity else set()


def _hostile(message: bytes) -> bool:
    """Whether label and protocol of a DATA_CHANNEL_OPEN are what no user would call a channel."""
    texts = message[12:]
    with suppress(UnicodeDecodeError):
        return len(texts) > _LONGEST_LABEL or not texts.decode("utf-8").isprintable()
    return True


def opened_stream(packet: bytes) -> int:
    """The stream that a DATA_CHANNEL_OPEN in this packet is for, -1 without one."""
    for chunk in sctp.Packet.parse(packet).chunks:
        if chunk.kind == sctp.DATA and chunk.length is None:
            data = sctp.Data.parse(chunk)
            if data.ppid == PPID_DCEP:
                return data.stream
    return -1


def _whole_open(data: sctp.Data) -> bool:
    body = data.payload
    fixed = 12
    declared = fixed + int.from_bytes(body[8:10]) + int.from_bytes(body[10:12]) if len(body) >= fixed else -1
    return declared == len(body) and body[0] == DATA_CHANNEL_OPEN
