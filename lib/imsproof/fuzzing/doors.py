"""The doors behind the front: offers of a registered UE, HTTP/2 frames inside TLS, DTLS records, SCTP inside DTLS.

Here each case costs a conversation, so that volleys are small; what is mutated is what the door carries (a session
description, frames, a record, chunks), and all around it is right.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec import sctp
from imsproof.codec.sdp import Fingerprint, data_channel_offer
from imsproof.codec.torture import sdp as offers
from imsproof.engine.identity import make_identity
from imsproof.fuzzing.target import Reaction, Told
from imsproof.fuzzing.watch import Health
from imsproof.link.session import ConnectionFailedError
from imsproof.link.tls import TlsStream
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.ue import Ue
    from imsproof.fuzzing.target import Target
    from imsproof.link.session import Session
    from imsproof.profile.sbi import Producer
    from imsproof.seams import Address

PLAIN = ("tcp", "udp")
"""Transports whose refusal says that nobody listens; a refusal in TLS or above comes from somebody."""
BRIEF = 0.02
"""Seconds to listen after a case where an answer decides nothing."""
ANSWER = 0.1
"""Seconds to wait for the first frames of a server."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Door:
    """What the doors share: cases one by one, then a probe; the journal is emptied, so that memory stays flat."""

    name = ""

    def __init__(self, session: Session, elsewhere: Callable[[], bool] | None = None) -> None:
        """Bind a session; ``elsewhere`` tries a right conversation from another address."""
        self.session = session
        self.elsewhere = elsewhere
        self.corpus: list[bytes] = []

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send cases."""
        raise NotImplementedError

    def serves(self) -> bool:
        """Whether a right conversation works."""
        raise NotImplementedError

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases, then see whether the lab lives."""
        reaction = Reaction()
        self.throw(cases, reaction)
        return reaction, self.probe()

    def probe(self) -> Health:
        """Try a right conversation, and once more when it fails."""
        begun = time.monotonic()
        self.session.clear()
        serves = self.serves()
        if not serves:
            begun = time.monotonic()
            serves = self.serves()
        refused = not serves and any(
            e.kind is Kind.REFUSED and e.transport in PLAIN for e in self.session.record.events
        )
        found = Health(serves, time.monotonic() - begun, refused=refused, gone=refused)
        if not serves and not refused and self.elsewhere is not None:
            other = self.elsewhere()
            found = replace(found, serves=other, elsewhere=other, asked_elsewhere=True)
        self.session.clear()
        return found

    def retell(self, messages: Sequence[bytes]) -> Told:
        """Send messages once more, and keep the journal and the packets of it."""
        self.session.clear()
        self.throw(messages, Reaction())
        self.serves()
        told = Told.of(self.session)
        self.session.clear()
        return told

    def good(self) -> bytes:
        """Return the case that all others are made from."""
        return self.corpus[0]

    def wire(self, case: bytes) -> list[bytes]:
        """A case takes a conversation here, more than datagrams."""
        del case
        return []

    def renew(self) -> None:
        """Make a new start after the lab was brought back."""

    def close(self) -> None:
        """Give back what it has."""


class GmSdp(Door):
    """Session descriptions in INVITEs of a registered UE."""

    name = "gm-sdp"

    def __init__(self, ue: Ue, callee: str, front: Target) -> None:
        """Call ``callee``; ``front`` probes the SIP door."""
        super().__init__(ue.session)
        self._ue = ue
        self._callee = callee
        self._front = front
        own = make_identity()
        good = data_channel_offer(
            ue.local[0],
            9,
            fingerprints=[Fingerprint("SHA-256", own.sha256)],
            tls_id=own.sha256.replace(":", "")[:32],
            audio_port=40000,
        ).to_bytes()
        self.corpus = [good, *(one.body(good) for one in offers.ALL if len(one.body(good)) < 8_000)]

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Call with each description, and end what was accepted."""
        for body in cases:
            call = self._ue.invite(self._callee, body, within=self.session.timers.silence)
            reaction.count(body, call.status)
            if call.ok:
                call.bye()

    def probe(self) -> Health:
        """Ask the front, which knows throttling from death."""
        self.session.clear()
        return self._front.probe()

    def serves(self) -> bool:
        """Whether a good request of somebody is answered."""
        return self._front.probe().serves

    def where(self) -> Address:
        """The address of SIP."""
        return self._front.where()

    def renew(self) -> None:
        """Register again."""
        self._ue.register()

    def close(self) -> None:
        """End calls and registration."""
        self._ue.close()
        self._front.close()


class SbiFrames(Door):
    """Frames of HTTP/2 inside TLS, towards the producer under test."""

    name = "sbi"

    def __init__(self, consumer: NfConsumer, producer: Producer, elsewhere: NfConsumer | None = None) -> None:
        """Speak as this consumer to this producer; ``elsewhere`` is the same one at another address."""
        super().__init__(consumer.session, None if elsewhere is None else self._serves_other)
        self._other = elsewhere
        self._consumer = consumer
        self._producer = producer
        self.corpus = list(_frames(producer))

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Write each case to a connection of its own."""

        async def one(data: bytes) -> int:
            options = self._consumer.options(self._producer)
            where = self.where()
            exchange = self.session.exchange("frames")
            try:
                stream = await TlsStream.open(self.session, "fuzzer", exchange, where, options, quiet=True)
            except ConnectionFailedError:
                return -1
            try:
                await stream.send(data)
                return len(await stream.receive(ANSWER) or b"")
            except ConnectionFailedError:
                return 0
            finally:
                await stream.aclose()

        async def together() -> list[int]:
            return await asyncio.gather(*(one(data) for data in cases))

        for data, came in zip(cases, self.session.run(together()), strict=True):
            reaction.count(data, min(came, 1), f"{came.bit_length()} bits of answer")

    def serves(self) -> bool:
        """Whether the producer answers a request at all."""
        return self._consumer.call(self._producer, "GET", "/", label="alive?").answered

    def _serves_other(self) -> bool:
        assert self._other is not None
        served = self._other.call(self._producer, "GET", "/", label="alive, at another address?").answered
        self._other.session.clear()
        return served

    def where(self) -> Address:
        """The producer's address."""
        return (self._producer.url.host, self._producer.url.port)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _frames(producer: Producer) -> list[bytes]:
    from hpack import Encoder  # noqa: PLC0415 - only here

    def headers(method: str, path: str, *more: tuple[str, str]) -> bytes:
        fields = [
            (":method", method),
            (":scheme", "https"),
            (":authority", producer.fqdn or "producer"),
            (":path", path),
            *more,
        ]
        return bytes(Encoder().encode(fields))

    begin = PREFACE + _frame(4, 0, 0, b"")
    json_type = ("content-type", "application/json")
    probe = producer.probe
    path = probe.path if probe else "/"
    body = json.dumps(probe.body if probe and probe.body else {"a": [1, {"b": None}]}).encode()
    post = begin + _frame(1, 4, 1, headers("POST", path, json_type)) + _frame(0, 1, 1, body)
    token = headers("POST", path, json_type, ("authorization", "Bearer a.b.c"))
    return [
        begin + _frame(1, 5, 1, headers("GET", "/")),
        post,
        begin + _frame(1, 4, 1, token) + _frame(0, 1, 1, body),
        begin + _frame(4, 0, 0, b"\0\3\0\0\0\1\0\4\0\0\xff\xff\0\5\0\0\x40\0") + _frame(4, 1, 0, b""),
        begin + _frame(6, 0, 0, bytes(8)) + _frame(8, 0, 0, b"\0\0\x10\0") + _frame(2, 0, 1, b"\0\0\0\0\x10"),
        begin + _frame(1, 1, 1, headers("GET", "/")[:8]) + _frame(9, 4, 1, headers("GET", "/")[8:]),
        post + _frame(3, 0, 1, bytes(4)) + _frame(7, 0, 0, bytes(8)),
    ]


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
