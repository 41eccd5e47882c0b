"""What stood inside TLS, DTLS and ESP in a capture: opened by tshark with the keys that lie with it.

Another program than the one that wrote the journal decrypts, so that what the journal says was said can be held
against what crossed. Nothing is sent; without tshark there is no plain text, and :func:`why_not` says so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import hpack

from imsproof.codec import dtls, http2, sctp
from imsproof.evidence import packets, pcapng

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import IO

    from imsproof.seams import Address

Way = tuple["Address", "Address"]
"""Source and target."""

SECONDS = 120
"""For tshark to read one capture."""
CONNECTIONS = 3000
"""TCP connections of one capture that are followed, at most."""
ASSOCIATIONS = 1000
"""Security associations of one capture that are used, at most."""
ESP = ("-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_null_encryption_decode_heuristic:TRUE")
UNASKED = ("--disable-protocol", "http2", "--disable-protocol", "http")
"""What stands inside TLS is read here; tshark would inflate compressed bodies, bombs among them, for minutes."""
UDP_HEADER = 8
KNOWN_BY = 64
"""Octets by which the begin of a message is known."""
APPLICATION_DATA = 23
_DUMP = re.compile(r"^[0-9a-f]{4,8}  ((?:[0-9a-f]{2} )+)")
_TITLE = re.compile(r"^([A-Za-z].*) \(\d+ bytes\):")
_FOLLOW = re.compile(r"^Filter: tcp\.stream eq (\d+)")
_NODE = re.compile(r"^Node 0: \[?([0-9A-Fa-f.:]+?)\]?:(\d+)$")


def why_not() -> str:
    """Return why nothing can be decrypted here, one sentence; ``""`` when it can."""
    return "" if shutil.which("tshark") else "tshark is not installed (Debian, Ubuntu: apt install tshark)"


@dataclass(slots=True)
class Plain:
    """The plain text of a capture: for each way, the records of each connection, in order.

    ``partly`` are the ways on which something could not be decrypted (tampered records, or a hello that tshark takes
    for a new connection's). ``esp`` says for each record out of ESP which of the capture's ESP packets held it.
    """

    connections: dict[Way, list[list[bytes]]] = field(default_factory=lambda: defaultdict(list))
    partly: set[Way] = field(default_factory=set)
    esp: dict[Way, list[int]] = field(default_factory=lambda: defaultdict(list))
    _texts: dict[Way, list[bytes]] = field(default_factory=dict)
    _headers: dict[Way, list[dict[int, list[tuple[bytes, bytes]]] | None]] = field(default_factory=dict)

    def partly_shut(self, way: Way) -> bool:
        """Whether something that went this way could not be decrypted; of ESP, whatever its ports."""
        return way in self.partly or ((way[0][0], 0), (way[1][0], 0)) in self.partly

    def opened(self, way: Way) -> bool:
        """Whether anything that went this way could be decrypted."""
        return any(self.connections.get(way, ()))

    def holds(self, way: Way, data: bytes) -> bool:
        """Whether the bytes stand in what went this way: as they are, as an HTTP/2 body, or as an SCTP message."""
        return any(data in text for text in self._all(way))

    def ends_within(self, way: Way, data: bytes) -> bool:
        """Whether what went this way ends in the middle of these bytes: the rest of them did not cross."""
        if len(data) <= KNOWN_BY:
            return False
        places = ((text, text.rfind(data[:KNOWN_BY])) for text in self._all(way))
        ends = [text[place:] for text, place in places if place >= 0]
        return any(len(end) < len(data) and data.startswith(end) for end in ends)

    def _all(self, way: Way) -> list[bytes]:
        if way not in self._texts:
            self._texts[way] = [text for records in self.connections.get(way, ()) for text in _texts(records)]
        return self._texts[way]

    def has_headers(self, way: Way, stream: int, pairs: Iterable[tuple[bytes, bytes]]) -> bool | None:
        """Whether these header fields went this way on a stream of HTTP/2; ``None`` when its headers cannot be read."""
        if way not in self._headers:
            self._headers[way] = [_headers(b"".join(records)) for records in self.connections.get(way, ())]
        known = self._headers[way]
        wanted = list(pairs)
        if any(one is not None and all(pair in one.get(stream, ()) for pair in wanted) for one in known):
            return True
        return None if None in known else False


def decrypt(capture: Path, associations: Sequence[str] = ()) -> Plain:
    """Decrypt a capture with the keys in it, and ESP with ``associations`` (lines of Wireshark's table ``esp_sa``).

    Raises:
        ValueError: tshark is missing, cannot read the capture, or takes too long.
    """
    with capture.open("rb") as file:
        about = pcapng.Section()
        streams = list(_tcp_connections(pcapng.read(file, about)))[:CONNECTIONS]
    program = shutil.which("tshark")
    if program is None:
        raise ValueError(why_not())
    follow = [part for number in range(len(streams)) for part in ("-z", f"follow,tls,raw,{number}")]
    esp = [part for line in associations[:ASSOCIATIONS] for part in ("-o", f"uat:esp_sa:{line}")]
    command = [program, "-n", "-r", str(capture), *UNASKED, *ESP, *esp, "-Y", "dtls or esp", "-x", *follow]
    said = capture.with_suffix(".plain")
    try:
        with said.open("w+", encoding="ascii", errors="replace") as out:
            done = subprocess.run(  # noqa: S603 - a program found by its fixed name, arguments as a list
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, timeout=SECONDS, check=False
            )
            out.seek(0)
            plain = _read(out, streams, about.links[0] if about.links else pcapng.LINK_RAW)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"tshark did not decrypt it within {SECONDS} s") from error
    except OSError as error:
        raise ValueError(f"tshark did not decrypt it: {error}") from error
    finally:
        said.unlink(missing_ok=True)
    if done.returncode != 0:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ValueError(f"tshark ended with {done.returncode}: {words[-1] if words else 'it said nothing'}")
    return plain


def certificates(capture: Path) -> list[tuple[int, Address, bytes]]:
    """Return the certificates that were shown in TLS, also those that TLS 1.3 encrypts, where the keys are in it.

    For each the number of its TCP connection (from 0, in the order of their first packets), who showed it, and the
    first of the chain (DER).

    Raises:
        ValueError: as :func:`decrypt`.
    """
    program = shutil.which("tshark")
    if program is None:
        raise ValueError(why_not())
    fields = ("tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "tls.handshake.certificate")
    wanted = [part for field_name in fields for part in ("-e", field_name)]
    command = [program, "-n", "-r", str(capture), "-Y", fields[-1], "-T", "fields", "-E", "occurrence=f", *wanted]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - own arguments
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"tshark read no certificates: {error}") from error
    found = []
    for line in done.stdout.decode("ascii", "replace").splitlines():
        with suppress(ValueError):
            stream, four, six, port, der = line.split("\t")
            found.append((int(stream), (packets.text(packets.packed(four or six)), int(port)), bytes.fromhex(der)))
    return found


def _tcp_connections(captured: Iterable[pcapng.Packet]) -> Iterator[Way]:
    """Yield the two ends of each TCP connection, in the order in which tshark numbers them."""
    first: dict[frozenset[Address], int | None] = {}
    for packet in captured:
        gram = packets.parse(packet.link, packet.data)
        if gram is None or gram.protocol != packets.TCP:
            continue
        ends = frozenset((gram.source, gram.target))
        begins = gram.flags & (packets.SYN | packets.ACK) == packets.SYN
        if ends not in first or (begins and first[ends] not in {None, gram.seq}):
            yield gram.source, gram.target
            first[ends] = gram.seq if begins else None


def _read(said: IO[str], streams: list[Way], link: int) -> Plain:
    """Read what tshark printed: hex dumps of frames and what was inside, then each TLS connection followed."""
    plain = Plain()
    dumps = _Dumps(plain, link)
    for line in said:
        if line.startswith("====="):
            break
        dumps.take(line)
    dumps.end()
    _read_followed(said, streams, plain)
    return plain


@dataclass(slots=True)
class _Dumps:
    """Reads hex dumps: a frame, then what was inside: DTLS records, or ESP (from the UDP or TCP header on)."""

    plain: Plain
    link: int
    _title: str = "Frame"
    _dump: bytearray = field(default_factory=bytearray)
    _way: Way | None = None
    _shut: int = 0
    """What is protected in the frame and was not opened yet."""
    _esp: int = -1

    def take(self, line: str) -> None:
        """Take one line."""
        if row := _DUMP.match(line):
            if row[0].startswith("0000"):
                self._end_of_dump()
            self._dump += bytes.fromhex(row[1])
        elif found := _TITLE.match(line):
            self._end_of_dump()
            self._title = found[1]
        elif not line.strip():
            self._end_of_dump()
            self._title = "Frame"

    def end(self) -> None:
        """Note what the last frame held."""
        self._end_of_dump()
        if self._way and self._shut > 0:
            self.plain.partly.add(self._way)

    def _end_of_dump(self) -> None:
        dump = bytes(self._dump)
        self._dump.clear()
        if dump and self._title == "Frame":
            self.end()
            gram = packets.parse(self.link, dump)
            self._way = (gram.source, gram.target) if gram else None
            self._shut = _protected_parts(gram) if gram else 0
            self._esp += gram is not None and gram.protocol == packets.ESP
        elif len(dump) > UDP_HEADER and self._title.startswith("Reassembled IPv") and self._way:
            # The last fragment of a datagram: the ports stand in the first one.
            self._way = _with_ports(self._way, dump)
            self._shut = _application_records(dump[UDP_HEADER:])
        elif dump and self._title == "Decrypted DTLS" and self._way:
            self._shut -= 1
            self._keep(self._way, dump)
        elif len(dump) > 4 and self._title == "Decrypted Data" and self._way:
            self._shut -= 1
            way = _with_ports(self._way, dump)
            self.plain.esp[way].append(self._esp)
            self._keep(way, dump)

    def _keep(self, way: Way, data: bytes) -> None:
        if way not in self.plain.connections:
            self.plain.connections[way].append([])
        self.plain.connections[way][0].append(data)


def _with_ports(way: Way, payload: bytes) -> Way:
    """Return the way with the ports with which a UDP or TCP header begins."""
    ports = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")
    return (way[0][0], ports[0]), (way[1][0], ports[1])


def _protected_parts(gram: packets.Datagram) -> int:
    """Count what should be opened in a datagram: application data of DTLS, or an ESP packet."""
    return 1 if gram.protocol == packets.ESP else _application_records(gram.payload)


def _application_records(payload: bytes) -> int:
    try:
        return sum(one.content_type == APPLICATION_DATA and one.epoch > 0 for one in dtls.split_records(payload))
    except dtls.TlsSyntaxError:
        return 0


def _read_followed(said: IO[str], streams: list[Way], plain: Plain) -> None:
    there: Way | None = None
    number = -1
    for line in said:
        if found := _FOLLOW.match(line):
            number, there = int(found[1]), None
        elif node := _NODE.match(line):
            there = _way_from((packets.text(packets.packed(node[1])), int(node[2])), streams, number)
            if there is not None:
                plain.connections[there].append([])
                plain.connections[there[1], there[0]].append([])
        elif there is not None:
            way = (there[1], there[0]) if line.startswith("\t") else there
            with suppress(ValueError):
                if data := bytes.fromhex(line.strip()):
                    plain.connections[way][-1].append(data)


def _way_from(node: Address, streams: list[Way], number: int) -> Way | None:
    if not 0 <= number < len(streams) or node not in streams[number]:
        return None
    one, other = streams[number]
    return (one, other) if node == one else (other, one)


def _texts(records: list[bytes]) -> Iterator[bytes]:
    """Yield what the records of a connection say: joined, the HTTP/2 bodies in them, the SCTP messages in them."""
    whole = b"".join(records)
    yield whole
    yield from _bodies(whole)
    yield from _messages(records)


def _frames(whole: bytes) -> list[http2.Frame]:
    return http2.FrameReader(len(http2.PREFACE) if whole.startswith(http2.PREFACE) else 0).feed(whole)


def _bodies(whole: bytes) -> Iterator[bytes]:
    bodies: dict[int, bytearray] = defaultdict(bytearray)
    for one in _frames(whole):
        if one.type == http2.Type.DATA:
            bodies[one.stream] += http2.unpadded(one)
    yield from map(bytes, bodies.values())


def _messages(records: list[bytes]) -> Iterator[bytes]:
    """Yield the user data of each SCTP stream, retransmissions left out, in the order of the TSNs."""
    pieces: dict[int, dict[int, bytes]] = defaultdict(dict)
    for record in records:
        with suppress(sctp.SctpSyntaxError):
            for chunk in sctp.Packet.parse(record).chunks:
                with suppress(sctp.SctpSyntaxError):
                    data = sctp.Data.parse(chunk)
                    pieces[data.stream].setdefault(data.tsn, data.payload)
    for stream in pieces.values():
        first = next(iter(stream))
        yield b"".join(stream[tsn] for tsn in sorted(stream, key=lambda tsn: (tsn - first + 2**31) & 0xFFFFFFFF))


def _headers(whole: bytes) -> dict[int, list[tuple[bytes, bytes]]] | None:
    """Return the header fields of each HTTP/2 stream; ``None`` when they cannot be read."""
    decoder = hpack.Decoder()
    found: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    block = b""
    try:
        for one in _frames(whole):
            if one.type == http2.Type.HEADERS:
                block = http2.unpadded(one)[5 if one.flags & http2.Flag.PRIORITY else 0 :]
            elif one.type == http2.Type.CONTINUATION:
                block += one.payload
            else:
                continue
            if one.flags & http2.Flag.END_HEADERS:
                found[one.stream] += [(bytes(k).lower(), bytes(v)) for k, v in decoder.decode(block, raw=True)]
    except (hpack.HPACKError, ValueError, IndexError):
        return None
    return found
