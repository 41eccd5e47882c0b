"""Doors behind an offered data channel: DTLS records, SCTP chunks, DCEP, and messages of applications."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.codec import dcep, sctp
from imsproof.fuzzing.doors import Door
from imsproof.link.session import ConnectionFailedError
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.actors.rawpeer import RawAssociation
    from imsproof.engine.rawsctp import Message
    from imsproof.fuzzing.target import Reaction
    from imsproof.link.session import Session
    from imsproof.seams import Address

BRIEF = 0.02
"""Seconds to listen after a case where an answer decides nothing."""
MOST_CALLS = 4
"""Calls for one volley, whose cases may end them."""
MOST_OCTETS = 16_000
"""Of a message; labs that say nothing of a limit take 64 KiB (RFC 8841 6.1)."""


class Channel(Door):
    """What the doors behind an offered data channel share: a call of their own for each volley."""

    def __init__(self, session: Session, peer: DataChannelPeer) -> None:
        """Offer as this peer does."""
        super().__init__(session)
        self.peer = peer
        call = self.peer.open("data channel")
        self._where = call.need_peer().where
        self.corpus = list(self.learn(call))
        call.close()

    def learn(self, call: DataChannelCall) -> Sequence[bytes]:
        """Return the corpus."""
        raise NotImplementedError

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes], reaction: Reaction) -> int:
        """Send cases within a call until it ends, and note what they met; returns how many were sent."""
        raise NotImplementedError

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send cases within a call of their own, and in a few more where a case ends the call."""
        for _ in range(MOST_CALLS):
            call = self.peer.open("data channel")
            try:
                cases = cases[self.spoil(call, cases, reaction) :]
            except (ConnectionFailedError, InconclusiveError):
                reaction.count(b"", -1)
            finally:
                call.close()
            if not cases:
                return

    def serves(self) -> bool:
        """Whether a right peer gets its association."""
        try:
            call = self.peer.open("data channel, alive?")
            association = call.connect("alive?")
        except (ConnectionFailedError, InconclusiveError):
            return False
        call.close()
        return association.connected

    def where(self) -> Address:
        """The media address of the first call."""
        return self._where


RECORDS = {20: b"\1", 21: b"\2\x28", 22: bytes(12), 23: b"data", 24: b"\1\0\4data", 64: b""}
"""A record of each content type: change of cipher, alert, handshake, data, heartbeat, and one that nobody knows."""


class DtlsRecords(Channel):
    """DTLS records from the address of the offer, before any association."""

    name = "dtls"

    def learn(self, call: DataChannelCall) -> Sequence[bytes]:
        """First flights of a client, and records of every other kind."""
        hello = call.hello()
        version = b"\xfe\xfd"
        others = [
            bytes((kind,)) + version + bytes(8) + len(body).to_bytes(2, "big") + body for kind, body in RECORDS.items()
        ]
        return [*hello, *others, hello[0] + others[1], *(one + hello[0] for one in others)]

    def wire(self, case: bytes) -> list[bytes]:
        """A record is a datagram, towards the port of an offered channel."""
        return [case] if case else []

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes], reaction: Reaction) -> int:
        """Throw them from the port of the offer; note which kinds of record came back."""
        answer = call.throw("records", [one for one in cases if one])
        for kind in {one[0] for one in answer.data if one}:
            reaction.count(cases[0] if len(cases) == 1 else b"", 1, f"record of type {kind}")
        return len(cases)


CHUNKS = {
    0: b"\0\0\0\1\0\0\0\0\0\0\0\x32\3\0\0\0\0\0\0\0\0\1\0\0a",
    **dict.fromkeys((1, 2, 64), bytes(16)),
    **dict.fromkeys((3, 128), bytes(12)),
    **dict.fromkeys((4, 5, 9), b"\0\1\0\x08abcd"),
    **dict.fromkeys((6, 8, 11, 14, 132), b""),
    7: bytes(4),
    10: b"cookie",
    130: b"\0\x0d\0\x10" + bytes(12),
    192: bytes(8),
    193: b"\0\0\0\1\xc0\1\0\x08abcd",
}
"""A chunk of each type that SCTP and its extensions know, by number."""


class SctpChunks(Channel):
    """Chunks of SCTP in packets with the right ports, tag and checksum, inside an association that stands."""

    name = "sctp"

    def learn(self, call: DataChannelCall) -> Sequence[bytes]:
        """Return a chunk of each kind, alone and bundled."""
        del call
        chunks = [_chunk(kind, body) for kind, body in CHUNKS.items()]
        return [*chunks, b"".join(chunks), chunks[0] * 20]

    def good(self) -> bytes:
        """There is none: what is right depends on the association."""
        return b""

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes], reaction: Reaction) -> int:
        """Send them inside DTLS."""
        raw = call.raw("association for malformed chunks")
        genuine = raw.sctp.packet(sctp.Chunk(11, b"")).to_bytes()
        for number, case in enumerate(cases, 1):
            heard = Heard(raw)
            self.session.run(self._send(raw, _packet(genuine, case[:1100])))
            heard.tell(case, reaction)
            if heard.ended:
                return number
        return len(cases)

    async def _send(self, raw: RawAssociation, packet: bytes) -> None:
        raw.endpoint.send_soon(packet)
        await asyncio.sleep(BRIEF / 10)


class Heard:
    """What an association says to a case: the kinds of its chunks, and where its messages came."""

    def __init__(self, raw: RawAssociation) -> None:
        """Listen from now on."""
        self._kinds: set[str] = set()
        chunk, message = raw.sctp.on_chunk, raw.sctp.on_message

        def on_chunk(one: sctp.Chunk) -> None:
            self._kinds.add(one.name)
            chunk(one)

        def on_message(one: Message) -> None:
            self._kinds.add(f"ppid {one.ppid} {len(one.data).bit_length()}")
            message(one)

        self._raw, self._before = raw, (chunk, message)
        raw.sctp.on_chunk, raw.sctp.on_message = on_chunk, on_message

    @property
    def ended(self) -> bool:
        """Whether the association is over, so that no case would reach anybody in it."""
        return bool(self._raw.sctp.ended) or self._raw.endpoint.state != "connected"

    def tell(self, case: bytes, reaction: Reaction) -> None:
        """Note it, and listen no more."""
        self._raw.sctp.on_chunk, self._raw.sctp.on_message = self._before
        reaction.count(case, int(bool(self._kinds)), ",".join(sorted(self._kinds)) or "nothing")


class Messages(Channel):
    """Messages on streams of an association that stands: what a data channel's users read."""

    ppid = dcep.PPID_STRING

    def stream(self, number: int) -> int:
        """Which stream a case goes to."""
        raise NotImplementedError

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes], reaction: Reaction) -> int:
        """Send each as a whole message, its TSN and sequence right."""
        raw = call.raw("association for malformed messages")
        for number, case in enumerate(cases):
            heard = Heard(raw)
            self.session.run(self._send(raw, self.stream(number), case))
            heard.tell(case, reaction)
            if heard.ended:
                return number + 1
        return len(cases)

    async def _send(self, raw: RawAssociation, stream: int, case: bytes) -> None:
        raw.sctp.send_message(stream, self.ppid, case[:MOST_OCTETS])
        await asyncio.sleep(BRIEF)


OPENS = (
    dcep.Open(b"label", b"http"),
    dcep.Open(b"", b"", channel_type=dcep.RELIABLE_UNORDERED),
    dcep.Open(b"label", b"", channel_type=dcep.PARTIAL_TIMED, reliability=2**32 - 1),
    dcep.Open(b"x" * 1000, b"y" * 1000, priority=65535),
    dcep.Open(b"label", b"http", label_length=65535),
    dcep.Open(b"label", b"http", protocol_length=65535),
    dcep.Open(b"label", b"http", channel_type=255, trailing=b"more"),
)


class DcepMessages(Messages):
    """DCEP (RFC 8832), each on a stream of its own that the tester may open."""

    name = "dcep"
    ppid = dcep.PPID_DCEP

    def learn(self, call: DataChannelCall) -> Sequence[bytes]:
        """Open channels of each type, rightly and wrongly; an ACK of nothing; types that nobody knows."""
        self._parity = 0 if call.is_client else 1  # RFC 8832 section 6: the DTLS client opens even streams
        return [*(one.to_bytes() for one in OPENS), bytes((dcep.DATA_CHANNEL_ACK,)), b"\0", b"\xff" * 12]

    def stream(self, number: int) -> int:
        """One after the other, beyond those that applications use."""
        return 1000 + 2 * number + self._parity


class MsrpMessages(Messages):
    """What applications say on their channels: MSRP (RFC 4975, RFC 8873) and HTTP, on the streams of the answer."""

    name = "msrp"

    def learn(self, call: DataChannelCall) -> Sequence[bytes]:
        """A SEND, a REPORT and a cut SEND of MSRP; requests of HTTP to the bootstrap channel."""
        self._streams = call.need_peer().streams or (0,)
        return MSRP

    def stream(self, number: int) -> int:
        """The streams of the answer in turn."""
        return self._streams[number % len(self._streams)]


_PATHS = b"To-Path: msrp://a.invalid:9/s1;dc\r\nFrom-Path: msrp://b.invalid:9/s2;dc\r\nMessage-ID: m1\r\n"
MSRP = (
    b"MSRP d93k SEND\r\n" + _PATHS + b"Byte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------d93k$\r\n",
    b"MSRP d93k SEND\r\n" + _PATHS + b"Byte-Range: 1-*/8\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------d93k+\r\n",
    b"MSRP d93k REPORT\r\n" + _PATHS + b"Byte-Range: 1-2/2\r\nStatus: 000 200 OK\r\n-------d93k$\r\n",
    b"MSRP d93k 200 OK\r\n" + _PATHS + b"-------d93k$\r\n",
    b"GET / HTTP/1.1\r\nHost: dc\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: dc\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /%00/../%ff HTTP/1.1\r\nHost: dc\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
)


def _chunk(kind: int, body: bytes) -> bytes:
    whole = bytes((kind, 3 if kind == 0 else 0)) + (len(body) + 4).to_bytes(2, "big") + body
    return whole + bytes(-len(whole) % 4)


def _packet(genuine: bytes, chunks: bytes) -> bytes:
    """Put chunks behind a genuine common header, with the checksum over all (RFC 9260 6.8)."""
    bare = genuine[:8] + bytes(4) + chunks
    return bare[:8] + sctp.crc32c(bare).to_bytes(4, "little") + chunks
