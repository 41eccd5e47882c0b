"""From a capture to a journal: SIP, HTTP/2, MSRP, TLS, DTLS, SCTP and RTP, in clear or opened with the keys at hand."""

from __future__ import annotations

import base64
import re
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsproof.audit import secure, source, web
from imsproof.audit.draft import Draft, between, journal
from imsproof.audit.flows import Connections, Mark, Opener, Run, Seen
from imsproof.audit.media import RtpFlows
from imsproof.codec import http2, rtp, sctp
from imsproof.codec.sip import Message, StreamFramer
from imsproof.codec.sipaddress import SipSyntaxError
from imsproof.evidence import packets, pcapng, plaintext
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from imsproof.audit.flows import Connection, Way
    from imsproof.seams import Address

    Networks = Sequence[IPv4Network | IPv6Network]
    InScope = Callable[[str], bool]

SIP_LINE = re.compile(rb"(?:[A-Z]{3,20} [^\s]{1,2000} SIP/2\.0|SIP/2\.0 [1-6]\d\d [^\r\n]{0,500})\r?\n")
MSRP_LINE = re.compile(rb"MSRP [A-Za-z0-9.+%=-]{1,64} (?:[A-Z]{3,20}|\d{3})[^\r\n]{0,200}\r\n")
SIP_LIMIT = 256 << 10
TRIES = 200
"""Places in a stream at which SIP may begin again after something that is none."""
PIECE = 64 << 10
TRIED = 20
"""Datagrams of one way that are tried for SCTP in clear."""
ESP_LINE = re.compile(r'\s*"')
ESP_TRAILER, UDP_HEADER, TCP_HEADER = 2, 8, 20


@dataclass(slots=True)
class Reading:
    """A capture as a journal.

    Attributes:
        events: what was recognised, in order.
        about: what the file says of itself.
        notes: what was not looked at, and why; sentences for people.
        counts: how many of each kind were seen.
    """

    events: list[Event] = field(default_factory=list)
    about: source.About = field(default_factory=source.About)
    notes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def read(path: Path, keys: Sequence[str] = (), within: InScope | None = None) -> Reading:
    """Read a capture.

    Args:
        path: pcap or pcapng, also gzipped.
        keys: lines of TLS key logs, and of Wireshark's table ``esp_sa`` (those begin with a quotation mark).
        within: whether an address belongs to what is audited; a packet counts when one of its ends does.

    Raises:
        source.CaptureError: the file is no capture.
    """
    reader = _Reader(path, within or (lambda _: True))
    reader.first_pass()
    reader.connections()
    logs = b"".join(one + b"\n" for one in reader.reading.about.secrets).decode("ascii", "replace").splitlines()
    lines = [*logs, *keys]
    reader.decrypt([one for one in lines if not ESP_LINE.match(one)], [one for one in lines if ESP_LINE.match(one)])
    return reader.done()


class _Reader:
    def __init__(self, path: Path, within: InScope) -> None:
        self.reading = Reading()
        self._path = path
        self._within = within
        self._drafts: list[Draft] = []
        self._tcp = Connections()
        self._dtls = secure.DtlsHandshakes()
        self._rtp = RtpFlows()
        self._tls: list[Connection] = []
        self._shut: set[frozenset[Address]] = set()
        """Ends of TLS and DTLS, which keys may open."""
        self._handshakes: dict[int, dict[str, Any]] = {}
        self._tried: Counter[Way] = Counter()
        self._sctp: set[Way] = set()

    def _packets(self, about: source.About) -> Iterator[Seen]:
        opener = Opener()
        for frame, packet in source.read(self._path, about):
            seen = opener.open(frame, packet)
            if seen is None:
                self.reading.counts["not IP, or not whole"] += 1
            elif self._within(seen.gram.source[0]) or self._within(seen.gram.target[0]):
                yield seen
            else:
                self.reading.counts["out of scope"] += 1

    def first_pass(self) -> None:
        """Take each packet once."""
        counts = self.reading.counts
        for seen in self._packets(self.reading.about):
            if seen.gram.protocol == packets.TCP:
                self._tcp.take(seen)
            elif seen.gram.protocol == packets.UDP:
                counts[
                    self._datagram(seen.frame, seen.utc_ns, (seen.gram.source, seen.gram.target), seen.gram.payload)
                ] += 1
            elif seen.gram.protocol == packets.ESP:
                counts["ESP"] += 1

    def _datagram(self, frame: int, utc_ns: int, way: Way, data: bytes) -> str:
        text = data.lstrip(b"\r\n")
        if SIP_LINE.match(text):
            self._sip(frame, utc_ns, way, text, "udp")
            return "SIP over UDP"
        kind = rtp.classify(data)
        if kind is rtp.Packets.DTLS and self._dtls.take(frame, utc_ns, way, data):
            self._shut.add(frozenset(way))
            return "DTLS"
        if kind is rtp.Packets.RTP:
            self._rtp.take(frame, utc_ns, way, data)
            return "RTP"
        if kind is rtp.Packets.UNKNOWN and self._is_sctp(frame, utc_ns, way, data):
            return "SCTP in clear"
        return kind.value.upper() if kind is not rtp.Packets.UNKNOWN else "other UDP"

    def _is_sctp(self, frame: int, utc_ns: int, way: Way, data: bytes) -> bool:
        if way in self._sctp:
            return True
        if len(data) % 4 or len(data) < 16 or self._tried[way] >= TRIED:
            return False
        self._tried[way] += 1
        packet = sctp.Packet.parse(data)
        if not packet.checksum_right or not packet.chunks:
            return False
        self._sctp.add(way)
        facts = {"chunks": [chunk.name for chunk in packet.chunks], "clear": True}
        self._drafts.append(Draft(frame, utc_ns, Kind.SENT, "sctp", between(way), way, data, facts))
        return True

    def _sip(self, frame: int, utc_ns: int, way: Way, data: bytes, transport: str) -> None:
        try:
            message = Message.parse(data)
        except SipSyntaxError:
            return
        self.reading.counts["SIP messages"] += 1
        facts: dict[str, object] = {"sip": "request" if message.is_request else "response", "method": message.method}
        facts |= {"call_id": message.get("Call-ID") or "", "cseq": message.get("CSeq") or ""}
        facts["clear"] = transport in {"udp", "tcp"}
        if not message.is_request:
            facts["status"] = message.status
        exchange = message.get("Call-ID") or between(way)
        self._drafts.append(Draft(frame, utc_ns, Kind.SENT, transport, exchange, way, data, facts))

    def connections(self) -> None:
        """Look at the TCP connections, now that they are whole."""
        lost = left = 0
        for one in self._tcp.finish():
            lost += one.there.lost + one.back.lost
            self._connection(one)
            left += 0 if one in self._tls[-1:] else one.there.left + one.back.left
        if lost:
            self.reading.notes.append(f"{lost} gaps in TCP streams: segments are missing from the capture")
        if left:
            self.reading.notes.append(f"{left} bytes of long TCP streams were not looked at")

    def _connection(self, one: Connection) -> None:
        counts = self.reading.counts
        if secure.is_tls(one.there.runs[0]) or secure.is_tls(one.back.runs[0]):
            counts["TLS connections"] += 1
            self._tls.append(one)
            self._shut.add(frozenset((one.client, one.server)))
            if (draft := secure.tls(one)) is not None:
                self._drafts.append(draft)
                self._handshakes[id(one)] = draft.facts
        elif one.there.runs[0].data.startswith(http2.PREFACE[:16]):
            counts["HTTP/2 connections in clear"] += 1
            there, back = one.there.runs[0], one.back.runs[0]
            clocks = _clock(there), _clock(back)
            way = (one.client, one.server)
            self._drafts += web.drafts(way, bytes(there.data), bytes(back.data), clocks, clear=True)
        else:
            for way, direction in one.directions():
                for run in direction.runs:
                    self._text(way, bytes(run.data), _clock(run), "tcp")

    def _text(self, way: Way, data: bytes, clock: web.Clock, transport: str) -> None:
        """Read SIP or MSRP from a stream."""
        if MSRP_LINE.match(data):
            self.reading.counts["MSRP connections"] += 1
            frame, utc_ns = clock(0)
            facts = {"msrp": data.count(b"\r\nMSRP ") + 1, "clear": transport == "tcp"}
            self._drafts.append(Draft(frame, utc_ns, Kind.SENT, "msrp", between(way), way, data[:400], facts))
            return
        at = tries = 0
        while tries < TRIES and (begins := SIP_LINE.search(data, at)) is not None:
            framer, at, tries = StreamFramer(SIP_LIMIT), begins.start(), tries + 1
            try:
                for piece in range(at, len(data), PIECE):
                    for message in framer.feed(data[piece : piece + PIECE]):
                        place = data.find(message, at)
                        self._sip(*clock(place), way, message, transport)
                        at = place + len(message)
            except SipSyntaxError:
                at += 1
                continue
            return
        if tries == TRIES:
            self.reading.notes.append(f"{between(way)}: what is between its SIP messages cannot be read")

    def decrypt(self, keys: Sequence[str], associations: Sequence[str]) -> None:
        """Open TLS, DTLS and ESP with the keys at hand."""
        counts = self.reading.counts
        if not self._shut and not counts["ESP"]:
            return
        if not keys and not associations and not counts["ESP"]:
            self.reading.notes.append(
                f"{len(self._shut)} TLS and DTLS conversations stayed closed: no keys came along (--keys FILE)"
            )
            return
        if why := plaintext.why_not():
            self.reading.notes.append(f"the keys were not used: {why}")
            return
        with tempfile.TemporaryDirectory(prefix="imsproof-audit-") as folder:
            copy = Path(folder) / "capture.pcapng"
            with copy.open("wb") as file:
                chosen = (
                    pcapng.Packet(seen.utc_ns, pcapng.LINK_RAW, seen.inner)
                    for seen in self._packets(source.About())
                    if seen.gram.protocol == packets.ESP
                    or frozenset((seen.gram.source, seen.gram.target)) in self._shut
                )
                pcapng.write(file, chosen, keys=list(keys))
            try:
                plain = plaintext.decrypt(copy, associations)
                if any(facts["version_number"] > secure.TLS_12 for facts in self._handshakes.values()):
                    self._certificates(plaintext.certificates(copy))
            except ValueError as error:
                self.reading.notes.append(f"the keys were not used: {error}")
                return
        self._opened(plain)

    def _certificates(self, shown: Sequence[tuple[int, Address, bytes]]) -> None:
        """Complete the handshakes with the certificates that TLS 1.3 encrypts."""
        for number, source_address, der in shown:
            one = self._tls[number] if number < len(self._tls) else None
            facts = self._handshakes.get(id(one), {})
            if one is None or source_address not in {one.client, one.server}:
                continue
            side = "server_certificates" if source_address == one.server else "client_certificates"
            if not facts.get(side):
                facts[side] = [base64.b64encode(der).decode("ascii")]

    def _opened(self, plain: plaintext.Plain) -> None:
        nth: defaultdict[frozenset[Address], int] = defaultdict(int)
        opened = 0
        for one in self._tls:
            ends = frozenset((one.client, one.server))
            number = nth[ends]
            nth[ends] += 1
            there, back = ((one.client, one.server), (one.server, one.client))
            said, answered = (_nth(plain, way, number) for way in (there, back))
            opened += bool(said or answered)
            if said and id(one) in self._handshakes:
                self._handshakes[id(one)]["spoke"] = True
            clock = _fixed(one)
            if said.startswith(http2.PREFACE[:16]):
                self.reading.counts["HTTP/2 connections opened"] += 1
                self._drafts += web.drafts(there, said, answered, (clock, clock), clear=False)
            else:
                for way, data in ((there, said), (back, answered)):
                    self._text(way, data, clock, "tls")
        esp = [(seen.frame, seen.utc_ns) for seen in self._packets(source.About()) if seen.gram.protocol == packets.ESP]
        for way, numbers in plain.esp.items():
            opened += 1
            records = plain.connections[way][0]
            self._from_esp(way, [(*esp[n], one) for n, one in zip(numbers, records, strict=True) if 0 <= n < len(esp)])
        self.reading.counts["conversations opened"] = opened
        if self.reading.counts["ESP"] and not plain.esp:
            self.reading.notes.append(
                f"{self.reading.counts['ESP']} ESP packets stayed closed: their keys are not at hand "
                "(--keys with lines of Wireshark's table esp_sa)"
            )

    def _from_esp(self, way: Way, records: Sequence[tuple[int, int, bytes]]) -> None:
        run = Run()
        for frame, utc_ns, record in records:
            if len(record) < ESP_TRAILER + UDP_HEADER:
                continue
            body = record[: len(record) - ESP_TRAILER - record[-2]]  # padding, its length, next header (RFC 4303 2)
            if record[-1] == packets.UDP:
                text = body[UDP_HEADER:].lstrip(b"\r\n")
                if SIP_LINE.match(text):
                    self._sip(frame, utc_ns, way, text, "esp")
            elif record[-1] == packets.TCP and len(body) > TCP_HEADER:
                run.marks.append(Mark(len(run.data), frame, utc_ns))
                run.data += body[(body[12] >> 4) * 4 :]
        if run.data:
            self._text(way, bytes(run.data), _clock(run), "esp")

    def done(self) -> Reading:
        """Return all of it as a journal, with notes on what was not looked at."""
        reading, about = self.reading, self.reading.about
        events, over = journal([*self._drafts, *self._dtls.drafts(), *self._rtp.drafts()])
        reading.events = events
        if about.damage:
            reading.notes.append(f"the capture is damaged, and was read up to there: {about.damage}")
        if about.cut:
            reading.notes.append(f"{about.cut} packets are cut (a snap length): what was behind is not known")
        for link, count in sorted(about.unknown.items()):
            reading.notes.append(f"{count} packets are of link type {link}, which is not read (editcap -T may help)")
        if over:
            reading.notes.append(f"{over} events were left out; split the capture (editcap -c)")
        if self._rtp.left or self._dtls.left:
            reading.notes.append(
                f"{self._rtp.left + self._dtls.left} packets of further media flows were not looked at"
            )
        return reading


def _clock(run: Run) -> web.Clock:
    def at(offset: int) -> tuple[int, int]:
        if not run.marks:
            return 0, 0
        mark = run.at(offset)
        return mark.frame, mark.utc_ns

    return at


def _fixed(one: Connection) -> web.Clock:
    """Of what was opened the packets are not known one by one: all of it counts from the connection's first."""
    return lambda _: (one.frame, one.utc_ns)


def _nth(plain: plaintext.Plain, way: Way, number: int) -> bytes:
    all_of_it = plain.connections.get(way, [])
    return b"".join(all_of_it[number]) if number < len(all_of_it) else b""
