"""Reads a capture of anybody's: pcap or pcapng, also gzipped, also one that ends in the middle of a packet."""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from imsproof.evidence import pcapng

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GZIP = b"\x1f\x8b"
PCAPNG = b"\x0a\x0d\x0d\x0a"
PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""Byte order, and nanoseconds of a tick (draft-ietf-opsawg-pcap)."""
LONGEST = 1 << 20
"""Bytes of one packet; a longer one is no packet but damage."""
RAW = {12: pcapng.LINK_RAW, 14: pcapng.LINK_RAW}
"""Other systems' numbers of raw IP."""
LINKS = {
    pcapng.LINK_NULL,
    pcapng.LINK_ETHERNET,
    pcapng.LINK_RAW,
    pcapng.LINK_SLL,
    pcapng.LINK_IPV4,
    pcapng.LINK_IPV6,
    pcapng.LINK_SLL2,
}


class CaptureError(ValueError):
    """The file is no capture that can be read; the message says what to do."""


@dataclass(slots=True)
class About:
    """What was noticed while a capture was read.

    Attributes:
        packets: how many were read.
        cut: how many were longer on the wire than what was kept of them (a snap length).
        unknown: packets of link types that are not read, by number.
        secrets: key logs that the capture brings along.
        damage: where the file ends too early or is malformed; ``""`` for a whole one.
    """

    packets: int = 0
    cut: int = 0
    unknown: dict[int, int] = field(default_factory=dict)
    secrets: list[bytes] = field(default_factory=list)
    damage: str = ""


def read(path: Path, about: About) -> Iterator[tuple[int, pcapng.Packet]]:
    """Yield the packets with their number in the file (from 1, as Wireshark counts); notes go into ``about``.

    Raises:
        CaptureError: it cannot be opened, or is no capture.
    """
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == GZIP
        with gzip.open(path, "rb") if zipped else path.open("rb") as file:
            yield from _numbered(cast("IO[bytes]", file), about)
    except (OSError, EOFError) as error:
        if about.packets:
            about.damage = f"the file cannot be read to its end: {error}"
            return
        raise CaptureError(f"{path} cannot be read: {error}") from error


def _numbered(file: IO[bytes], about: About) -> Iterator[tuple[int, pcapng.Packet]]:
    magic = file.read(4)
    if magic == PCAPNG:
        found = _pcapng(cast("IO[bytes]", _Rewound(magic, file)), about)
    elif magic in PCAP:
        found = _pcap(file, about, *PCAP[magic])
    else:
        raise CaptureError("it is neither pcap nor pcapng (other forms: editcap -F pcapng FILE NEW)")
    for packet in found:
        about.packets += 1
        about.cut += packet.cut
        link = RAW.get(packet.link, packet.link)
        if link in LINKS:
            yield about.packets, packet._replace(link=link)
        else:
            about.unknown[link] = about.unknown.get(link, 0) + 1


def _pcapng(file: IO[bytes], about: About) -> Iterator[pcapng.Packet]:
    section = pcapng.Section()
    try:
        yield from pcapng.read(file, section)
    except ValueError as error:
        about.damage = str(error)
    about.secrets += section.secrets


def _pcap(file: IO[bytes], about: About, order: str, tick: int) -> Iterator[pcapng.Packet]:
    head = file.read(20)
    if len(head) < 20:
        about.damage = "the file ends in its header"
        return
    link = struct.unpack_from(order + "I", head, 16)[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    while opening := file.read(record.size):
        if len(opening) < record.size:
            about.damage = f"packet {about.packets + 1}: the file ends in the middle of it"
            return
        seconds, fraction, size, whole = record.unpack(opening)
        if size > LONGEST:
            about.damage = f"packet {about.packets + 1}: {size} bytes, which no packet has"
            return
        data = file.read(size)
        if len(data) < size:
            about.damage = f"packet {about.packets + 1}: the file ends in the middle of it"
            return
        yield pcapng.Packet(seconds * 1_000_000_000 + fraction * tick, link, data, "", size < whole)


class _Rewound:
    """A file that gives the bytes that were looked at once more."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._file.read(size)
        given, self._head = self._head[:size], self._head[size:]
        return given if len(given) == size else given + self._file.read(size - len(given))
