"""pcapng files: a writer with comments and a Decryption Secrets Block, and a streaming reader for long captures.

Source: IETF draft-ietf-opsawg-pcapng (block types, options and link types as in its text). Blocks written here are
little-endian with nanosecond time stamps.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SECTION = 0x0A0D0D0A
INTERFACE = 0x00000001
ENHANCED = 0x00000006
STATISTICS = 0x00000005
SECRETS = 0x0000000A

LINK_NULL, LINK_ETHERNET, LINK_RAW, LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2 = 0, 1, 101, 113, 228, 229, 276

OPT_END, OPT_COMMENT = 0, 1
OPT_SHB_APPLICATION, OPT_IDB_NAME, OPT_IDB_TSRESOL = 4, 2, 9
OPT_ISB_IFDROP = 5
SECRETS_TLS = 0x544C534B
"""``TLSK``: a TLS key log; tshark takes it for DTLS too."""

BLOCK_LIMIT = 64 * 1024 * 1024
"""Bytes of one block; a longer one is refused when read."""


class Packet(NamedTuple):
    """One packet: wall time in nanoseconds since 1970 UTC, link type, bytes from the link layer on, comment.

    ``cut``: it was longer on the wire than what was kept of it.
    """

    utc_ns: int
    link: int
    data: bytes
    comment: str = ""
    cut: bool = False


@dataclass(slots=True)
class Section:
    """What a capture says about itself, known once it has been read: comment, secrets, link types, drops."""

    comment: str = ""
    secrets: list[bytes] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    dropped: int = 0


def write(
    file: IO[bytes],
    packets: Iterable[Packet],
    *,
    comment: str = "",
    keys: Sequence[str] = (),
    interface: str = "",
) -> None:
    """Write a whole capture: section, secrets, then the packets, an interface block for each link type.

    ``keys`` are lines of a TLS key log (NSS format), for TLS and DTLS alike; they stand before the packets so that
    one pass decrypts. ``OSError`` comes through.
    """
    file.write(section(comment))
    if keys:
        file.write(secrets(keys))
    known: dict[int, int] = {}
    for packet in packets:
        if packet.link not in known:
            known[packet.link] = len(known)
            file.write(interface_block(packet.link, interface))
        file.write(enhanced(packet, known[packet.link]))
    if not known:
        file.write(interface_block(LINK_RAW, interface))


def section(comment: str) -> bytes:
    """Return a section header block of unknown length."""
    options = _option(OPT_COMMENT, comment) + _option(OPT_SHB_APPLICATION, "imsproof")
    return _block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options + _END)


def secrets(keys: Sequence[str]) -> bytes:
    """Return a Decryption Secrets Block that holds the lines of a TLS key log."""
    log = "".join(f"{line}\n" for line in keys).encode("ascii", "replace")
    return _block(SECRETS, struct.pack("<II", SECRETS_TLS, len(log)) + _padded(log))


def interface_block(link: int, name: str = "") -> bytes:
    """Return an interface description block with nanosecond time stamps."""
    options = (_option(OPT_IDB_NAME, name) if name else b"") + struct.pack("<HHB3x", OPT_IDB_TSRESOL, 1, 9)
    return _block(INTERFACE, struct.pack("<HHI", link, 0, 0) + options + _END)


def enhanced(packet: Packet, interface: int = 0) -> bytes:
    """Return an enhanced packet block."""
    length = len(packet.data)
    head = struct.pack(
        "<IIIII", interface, packet.utc_ns >> 32, packet.utc_ns & 0xFFFFFFFF, length, length + packet.cut
    )
    options = _option(OPT_COMMENT, packet.comment) + _END if packet.comment else b""
    return _block(ENHANCED, head + _padded(packet.data) + options)


def read(file: IO[bytes], about: Section | None = None) -> Iterator[Packet]:
    """Yield the packets of a capture, reading as it goes (500 000 packets in about one second).

    What the blocks between the packets say is put into ``about``. Blocks of other types are passed over.

    Raises:
        ValueError: it is no pcapng file, or is cut off or malformed; the message names the byte.
    """
    about = about if about is not None else Section()
    links: list[tuple[int, int]] = []
    for kind, order, body, at in _blocks(file):
        if kind == ENHANCED:
            yield _packet(body, order, links, at)
        elif kind == SECTION:
            links = []
            about.comment = _comment(body[16:-4], order)
        elif kind == INTERFACE:
            links.append(_interface(body, order, at))
            about.links.append(links[-1][0])
        elif kind == SECRETS and len(body) >= 12:
            size = struct.unpack_from(order + "I", body, 4)[0]
            about.secrets.append(body[8 : min(8 + size, len(body) - 4)])
        elif kind == STATISTICS and len(body) >= 16:
            drops = _options(body[12:-4], order).get(OPT_ISB_IFDROP)
            if drops and len(drops[0]) == 8:
                about.dropped += struct.unpack(order + "Q", drops[0])[0]


_END = struct.pack("<HH", OPT_END, 0)
_SECTION_TYPE = b"\x0a\x0d\x0d\x0a"
_PACKET_HEAD = {order: struct.Struct(order + "IIIII") for order in "<>"}


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, text: str) -> bytes:
    value = text.encode("utf-8", "replace")[:65535]
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _blocks(file: IO[bytes]) -> Iterator[tuple[int, str, bytes, int]]:
    """Yield type, byte order, body (with the closing length) and place of each block."""
    at = 0
    order = "<"
    while head := file.read(8):
        magic = b""
        if head[:4] == _SECTION_TYPE:
            magic = file.read(4)
            order = _order(magic, at)
        elif at == 0:
            raise ValueError("byte 0: this is no pcapng file")
        if len(head) < 8:
            raise ValueError(f"byte {at}: the capture ends in the middle of a block")
        kind, length = struct.unpack(order + "II", head)
        if length < 12 + len(magic) or length % 4 or length > BLOCK_LIMIT:
            raise ValueError(f"byte {at}: a block of {length} bytes")
        body = magic + file.read(length - 8 - len(magic))
        if len(body) < length - 8:
            raise ValueError(f"byte {at}: the capture ends in the middle of a block")
        yield kind, order, body, at
        at += length
    if at == 0:
        raise ValueError("byte 0: the capture is empty")


def _order(magic: bytes, at: int) -> str:
    if magic == b"\x4d\x3c\x2b\x1a":
        return "<"
    if magic == b"\x1a\x2b\x3c\x4d":
        return ">"
    raise ValueError(f"byte {at}: a section header without its magic ({magic.hex()})")


def _packet(body: bytes, order: str, links: list[tuple[int, int]], at: int) -> Packet:
    if len(body) < 24:
        raise ValueError(f"byte {at}: a packet block that is too short")
    interface, high, low, size, whole = _PACKET_HEAD[order].unpack_from(body)
    if interface >= len(links) or size > len(body) - 24:
        raise ValueError(f"byte {at}: a packet block that says interface {interface} and {size} bytes")
    link, per_second = links[interface]
    end = 20 + size
    options = end + (-size % 4)
    comment = _comment(body[options:-4], order) if len(body) - 4 > options else ""
    return Packet(((high << 32) | low) * 1_000_000_000 // per_second, link, body[20:end], comment, size < whole)


def _interface(body: bytes, order: str, at: int) -> tuple[int, int]:
    """Return the link type and the ticks of a second."""
    if len(body) < 12:
        raise ValueError(f"byte {at}: an interface block that is too short")
    resolution = _options(body[8:-4], order).get(OPT_IDB_TSRESOL, [b"\x06"])[0]
    exponent = resolution[0] if resolution else 6
    link = int(struct.unpack_from(order + "H", body)[0])
    return link, 2 ** (exponent & 0x7F) if exponent & 0x80 else 10 ** (exponent & 0x7F)


def _comment(options: bytes, order: str) -> str:
    return _options(options, order).get(OPT_COMMENT, [b""])[0].decode("utf-8", "replace")


def _options(data: bytes, order: str) -> dict[int, list[bytes]]:
    """Return the options of a block by their code; what does not fit is left out."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while at + 4 <= len(data):
        code, size = struct.unpack_from(order + "HH", data, at)
        if code == OPT_END or at + 4 + size > len(data):
            break
        found.setdefault(code, []).append(data[at + 4 : at + 4 + size])
        at += 4 + size + (-size % 4)
    return found
