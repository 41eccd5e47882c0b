"""Doors behind an offered data channel: DTLS records, SCTP chunks, DCEP, and messages of applications."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.codec import sctp
from imsproof.fuzzing.doors import Door
from imsproof.link.session import ConnectionFailedError
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.fuzzing.target import Reaction
    from imsproof.link.session import Session
    from imsproof.seams import Address

BRIEF = 0.02
"""Seconds to listen after a case where an answer decides nothing."""


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

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes]) -> None:
        """Send cases within a call."""
        raise NotImplementedError

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send cases within a call of their own."""
        call = self.peer.open("data channel")
        try:
            self.spoil(call, cases)
        except (ConnectionFailedError, InconclusiveError):
            reaction.count(b"", -1)
        finally:
            call.close()

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

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes]) -> None:
        """Throw them from the port of the offer."""
        call.throw("records", [one for one in cases if one])


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

    def spoil(self, call: DataChannelCall, cases: Sequence[bytes]) -> None:
        """Send them inside DTLS."""
        raw = call.raw("association for malformed chunks")
        genuine = raw.sctp.packet(sctp.Chunk(11, b"")).to_bytes()

        async def send() -> None:
            for case in cases:
                raw.endpoint.send_soon(_packet(genuine, case[:1100]))
            await asyncio.sleep(BRIEF)

        self.session.run(send())


def _chunk(kind: int, body: bytes) -> bytes:
    whole = bytes((kind, 3 if kind == 0 else 0)) + (len(body) + 4).to_bytes(2, "big") + body
    return whole + bytes(-len(whole) % 4)


def _packet(genuine: bytes, chunks: bytes) -> bytes:
    """Put chunks behind a genuine common header, with the checksum over all (RFC 9260 6.8)."""
    bare = genuine[:8] + bytes(4) + chunks
    return bare[:8] + sctp.crc32c(bare).to_bytes(4, "little") + chunks
