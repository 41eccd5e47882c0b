"""One end of a protected leg: packets that are right or wrong on purpose, and what the other end sends, looked into.

Packets are made by hand (:mod:`imsproof.codec.srtp`), so that every number in them can be chosen. What comes in is
opened with the agreed key; the journal holds the packet as it crossed and, in its facts, what was inside.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from imsproof.codec.rtp import Packets, RtpPacket, RtpSyntaxError, classify
from imsproof.codec.srtp import Context, SrtpPacketError, guess_roc
from imsproof.link.subject import Exchange
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from imsproof.link.session import Session
    from imsproof.link.udp import UdpEndpoint
    from imsproof.seams import Address

PCMU = 0
TICKS = 160
_WRAP = 1 << 16
_APP, _REPORT, _BYE = 204, 201, 203
_ROC_AHEAD = 2


def b64(payload: bytes) -> str:
    """A payload as predicates take it."""
    return base64.b64encode(payload).decode("ascii")


@dataclass(slots=True)
class Source:
    """An RTP source: the next packet of it, and the next index of its reports.

    Attributes:
        ssrc: its identifier.
        index: rollover counter and sequence number of the packet that comes next (48 bits).
        timestamp: of the packet that comes next.
        report: index of the report that comes next.
    """

    ssrc: int
    index: int
    timestamp: int
    report: int = 1

    @classmethod
    def drawn(cls, random: random.Random) -> Source:
        """A new source, not near the wrap of its sequence numbers."""
        return cls(random.randrange(1 << 32), random.randrange(1 << 15), random.randrange(1 << 31))

    def next(self, payload: bytes) -> tuple[RtpPacket, int]:
        """Return the next packet with its rollover counter."""
        packet = RtpPacket(PCMU, self.index % _WRAP, self.timestamp % (1 << 32), self.ssrc, payload)
        roc = self.index // _WRAP
        self.index, self.timestamp = self.index + 1, self.timestamp + TICKS
        return packet, roc

    def report_with(self, data: bytes, *, bye: bool = False) -> tuple[bytes, int]:
        """Return the next compound report with its index: an empty RR, then APP with ``data`` or BYE (RFC 3550)."""
        sender = self.ssrc.to_bytes(4)
        data += bytes(-len(data) % 4)
        second = _rtcp(1, _BYE, sender) if bye else _rtcp(0, _APP, sender + b"TEST" + data)
        index, self.report = self.report, self.report + 1
        return _rtcp(0, _REPORT, sender) + second, index


def _rtcp(count: int, kind: int, body: bytes) -> bytes:
    return bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2) + body


class ProtectedLeg:
    """The tester's end of the access leg; as a subject it is about what came in.

    Attributes:
        own: keys of what the tester sends; ``None`` until they are agreed.
        theirs: keys of what the lab sends.
        others: further keys that the lab may send under (several in a line, with an MKI or without).
        remote: where the lab takes packets.
        reports: where the lab takes RTCP, ``None`` where that is the port of RTP (RFC 5761).
        source: the tester's RTP source.
    """

    def __init__(
        self, session: Session, udp: UdpEndpoint, rtcp: UdpEndpoint, actor: str, random: random.Random
    ) -> None:
        """Take the sockets of RTP and RTCP over; their events are written here."""
        self.session = session
        self.record = session.record
        self.exchange = session.exchange("access leg")
        self.udp = udp
        self.actor = actor
        self.own: Context | None = None
        self.theirs: Context | None = None
        self.others: tuple[Context, ...] = ()
        self.remote: Address | None = None
        self.reports: Address | None = None
        self.source = Source.drawn(random)
        self._states: dict[int, tuple[int, int]] = {}
        self._seen: list[bytes] = []
        self._early: list[bytes] = []
        self._sound = self._reported = 0
        self._changed = asyncio.Event()
        self._rtcp = rtcp
        udp.on_datagram = self.take
        rtcp.on_datagram = partial(self._take, rtcp)

    # What is sent

    def protected(self, payload: bytes) -> bytes:
        """The next packet, protected as agreed."""
        packet, roc = self.source.next(payload)
        return self.keys().protect(packet.to_bytes(), roc)

    def plain(self, payload: bytes) -> bytes:
        """The next packet, plain."""
        return self.source.next(payload)[0].to_bytes()

    def report(self, data: bytes, *, bye: bool = False) -> bytes:
        """The next report, protected as agreed."""
        return self.keys().protect_rtcp(*self.source.report_with(data, bye=bye))

    def keys(self) -> Context:
        """Keys to protect with (``InconclusiveError`` without)."""
        if self.own is None:
            raise InconclusiveError("there are no SRTP keys to protect with: the lab agreed on none")
        return self.own

    def send(
        self, label: str, *packets: bytes, how: str = "srtp", injected: bool = False, remote: Address | None = None
    ) -> Exchange:
        """Send packets as they are; ``how`` says in the journal what they are."""
        return self.session.run(self._send(label, packets, how, remote, injected=injected))

    async def _send(
        self, label: str, packets: tuple[bytes, ...], how: str, remote: Address | None, *, injected: bool
    ) -> Exchange:
        exchange = self.session.exchange(label)
        target = remote or self.remote
        if target is None:
            raise InconclusiveError("the lab named no address for media")
        for data in packets:
            facts = {"protected": how} | _header(data) | ({"injected": True} if injected else {})
            apart = self.reports if classify(data) is Packets.RTCP and remote is None else None
            udp, where = (self._rtcp, apart) if apart else (self.udp, target)
            self._emit(Kind.SENT, exchange, where, data, facts, udp)
            await udp.send(data, where)
        return Exchange(record=self.record, exchange=exchange)

    # What comes in

    def take(self, data: bytes, source: Address) -> None:
        """Look into a packet and write it down; every datagram is kept for who will do DTLS."""
        self.udp.keep(data, source)
        self._take(self.udp, data, source)

    def _take(self, udp: UdpEndpoint, data: bytes, source: Address) -> None:
        kind = classify(data)
        if kind not in {Packets.RTP, Packets.RTCP}:
            return
        facts: dict[str, Any] = _header(data)
        facts |= self._opened_report(data) if kind is Packets.RTCP else self._opened(data)
        self._emit(Kind.RECEIVED, self.exchange, source, data, facts, udp)
        self._seen.append(data)
        if kind is Packets.RTP and self.theirs is None:
            self._early.append(data)
        self._reported += kind is Packets.RTCP
        if facts.get("authentic"):
            self._sound += kind is Packets.RTP
            self._seen.append(base64.b64decode(facts["payload"]))
        self._changed.set()

    def look_back(self) -> None:
        """Open what came before there were keys, and note what it was; an empty packet has nothing to leak."""
        early, self._early = self._early, []
        for data in early:
            if _payload(data):
                text = "looked into again: it came before the keys"
                facts = {"text": text, "early": True} | _header(data) | self._opened(data)
                self.session.emit(Kind.NOTE, self.actor, self.exchange, transport="rtp", data=data, facts=facts)

    def _opened(self, data: bytes) -> dict[str, Any]:
        """Facts of an SRTP packet: whether it is authentic, its index, its payload in clear."""
        if self.theirs is None:
            return {"authentic": None}
        ssrc, sequence = int.from_bytes(data[8:12]), int.from_bytes(data[2:4])
        roc, highest = self._states.get(ssrc, (0, sequence))
        likely = guess_roc(roc, highest, sequence)
        keys = (self.theirs, *self.others)
        for candidate, theirs in product(dict.fromkeys((likely, *range(_ROC_AHEAD))), keys):
            try:
                plain = theirs.unprotect(data, candidate)
            except SrtpPacketError:
                continue
            if (candidate, sequence) > (roc, highest) or ssrc not in self._states:
                self._states[ssrc] = (candidate, sequence)
            facts = {"authentic": True, "index": candidate * _WRAP + sequence, "expected_roc": likely}
            return facts | {"roc": candidate, "payload": b64(plain)}
        return {"authentic": False}

    def _opened_report(self, data: bytes) -> dict[str, Any]:
        if self.theirs is None:
            return {"authentic": None, "rtcp": True}
        for theirs in (self.theirs, *self.others):
            try:
                plain, index, encrypted = theirs.unprotect_rtcp(data)
            except SrtpPacketError:
                continue
            return {"authentic": True, "rtcp": True, "index": index, "encrypted": encrypted, "payload": b64(plain)}
        return {"authentic": False, "rtcp": True}

    def wait_for(self, payload: bytes, within: float) -> bool:
        """Wait until a packet with this payload comes, in clear or in a packet that can be opened."""
        return self.session.run(self._wait(lambda: any(payload in one for one in self._seen), within))

    def wait_sound(self, count: int, within: float) -> bool:
        """Wait until so many authentic media packets came."""
        return self.session.run(self._wait(lambda: self._sound >= count, within))

    def wait_any(self, within: float) -> bool:
        """Wait until anything came."""
        return self.session.run(self._wait(lambda: bool(self._seen), within))

    def wait_reports(self, within: float) -> bool:
        """Wait until a report came."""
        return self.session.run(self._wait(lambda: self._reported > 0, within))

    async def _wait(self, done: Any, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _emit(
        self, kind: Kind, exchange: str, remote: Address, data: bytes, facts: Mapping[str, Any], udp: UdpEndpoint
    ) -> None:
        self.session.emit(
            kind, self.actor, exchange, transport="rtp", local=udp.local, remote=remote, data=data, facts=facts
        )


def _header(data: bytes) -> dict[str, Any]:
    """What stands in clear in a packet's header; what is too short has none."""
    if classify(data) is Packets.RTCP:
        return {"rtcp": True, "ssrc": int.from_bytes(data[4:8])}
    try:
        packet = RtpPacket.parse(data)
    except RtpSyntaxError:
        return {}
    return {"ssrc": packet.ssrc, "seq": packet.sequence, "pt": packet.payload_type}


def _payload(data: bytes) -> bytes:
    try:
        return RtpPacket.parse(data).payload
    except RtpSyntaxError:
        return b""


# What is wrong on purpose


def changed(packet: bytes, place: int, bit: int = 1) -> bytes:
    """The packet with one octet changed; a negative place counts from the end."""
    place %= len(packet)
    return packet[:place] + bytes((packet[place] ^ bit,)) + packet[place + 1 :]


def lying(leg: ProtectedLeg, payload: bytes) -> dict[str, bytes]:
    """Authentic packets whose header announces what is not there (RFC 3550 section 5.1), and ones too short."""
    keys = leg.keys()

    def sealed(alter: Any) -> bytes:
        packet, roc = leg.source.next(payload)
        return keys.protect(alter(packet), roc)

    return {
        "15 CSRCs announced, none there": sealed(lambda one: _first(replace(one, payload=b""), 0x0F)),
        "a header extension longer than the packet": sealed(
            lambda one: _first(replace(one, payload=b"\xbe\xde\xff\xff" + one.payload), 0x10)
        ),
        "a header extension without its length": sealed(lambda one: _first(replace(one, payload=b"\xbe"), 0x10)),
        "more padding than payload": sealed(lambda one: replace(one, padding=True, payload=b"\xff" * 4).to_bytes()),
        "padding of none": sealed(lambda one: replace(one, padding=True, payload=bytes(4)).to_bytes()),
        "no payload": sealed(lambda one: replace(one, payload=b"").to_bytes()),
        "a header alone": leg.plain(b""),
        "half a header": leg.plain(b"")[:6],
        "two octets": b"\x80\x00",
        "a tag alone": leg.plain(b"")[:8] + bytes(4),
    }


def _first(packet: RtpPacket, bits: int) -> bytes:
    made = packet.to_bytes()
    return bytes((made[0] | bits,)) + made[1:]
