"""Decrypts several captures with one tshark, most of whose time goes into its start.

The captures are joined in one file in which each has addresses of its own, so that connections of one are never
taken for those of another; what tshark says is told apart by these addresses again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.evidence import packets, pcapng, plaintext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imsproof.evidence.plaintext import Plain, Way

MOST = 200
"""Captures that are joined, at most: each has a second octet of its own."""


@dataclass(slots=True)
class _Part:
    """A capture with its ESP associations, and the addresses that it has in the joined file."""

    number: int
    path: Path
    associations: Sequence[str]
    names: dict[bytes, bytes] = field(default_factory=dict)

    def renamed(self, address: bytes) -> bytes:
        """Return the address that stands for this one."""
        if address not in self.names:
            count = len(self.names).to_bytes(len(address) - 2, "big")
            self.names[address] = bytes((10 if len(address) == 4 else 0xFD, self.number)) + count
        return self.names[address]

    def packets(self) -> Iterator[pcapng.Packet]:
        """Yield the capture's IP packets with their new addresses."""
        with self.path.open("rb") as file:
            for packet in pcapng.read(file):
                data = packets.network(packet.link, packet.data)
                at, size = (12, 4) if data[:1] and data[0] >> 4 == 4 else (8, 16)
                if len(data) >= at + 2 * size:
                    ends = self.renamed(data[at : at + size]) + self.renamed(data[at + size : at + 2 * size])
                    whole = data[:at] + ends + data[at + 2 * size :]
                    yield pcapng.Packet(packet.utc_ns, pcapng.LINK_RAW, whole)

    def key_log(self) -> list[str]:
        """Return the lines of the key logs in the capture."""
        about = pcapng.Section()
        with self.path.open("rb") as file:
            for _ in pcapng.read(file, about):
                pass
        return [line for log in about.secrets for line in log.decode("ascii", "replace").splitlines()]

    def lines(self) -> Iterator[str]:
        """Yield the associations with their new addresses."""
        for line in self.associations:
            words = line.split('","')
            for place in (1, 2):
                if len(words) > place:
                    words[place] = self._written(words[place])
            yield '","'.join(words)

    def _written(self, address: str) -> str:
        try:
            return packets.text(self.renamed(packets.packed(address)))
        except ValueError:
            return address


def decrypt(captures: Sequence[tuple[Path, Sequence[str]]], joined: Path) -> list[Plain]:
    """Decrypt captures, each with its lines of Wireshark's table ``esp_sa``, and return what each held, in order.

    ``joined`` is a file for the time being. Of what came out of ESP it is not told which packet held it.

    Raises:
        ValueError: tshark is missing, or it cannot read one of them; then take them one by one.
    """
    parts = [_Part(number, path, associations) for number, (path, associations) in enumerate(captures[:MOST])]
    if len(captures) > MOST:
        raise ValueError(f"{len(captures)} captures; at most {MOST} are joined")
    try:
        with joined.open("wb") as file:
            keys = [line for part in parts for line in part.key_log()]
            pcapng.write(file, (packet for part in parts for packet in part.packets()), keys=keys)
        plain = plaintext.decrypt(joined, [line for part in parts for line in part.lines()])
    except (OSError, OverflowError) as error:
        raise ValueError(f"the captures cannot be joined: {error}") from error
    finally:
        joined.unlink(missing_ok=True)
    return _apart(plain, parts)


def _apart(plain: Plain, parts: Sequence[_Part]) -> list[Plain]:
    found = [plaintext.Plain() for _ in parts]
    back = {packets.text(new): (part.number, packets.text(old)) for part in parts for old, new in part.names.items()}
    for way, connections in plain.connections.items():
        if (told := _own(way, back)) is not None:
            found[told[0]].connections[told[1]] += connections
    for way in plain.partly:
        if (told := _own(way, back)) is not None:
            found[told[0]].partly.add(told[1])
    return found


def _own(way: Way, back: dict[str, tuple[int, str]]) -> tuple[int, Way] | None:
    """Return the capture that a way belongs to, and the way with its own addresses."""
    (source, there), (target, port) = way
    if source not in back or target not in back:
        return None
    (number, one), (_, other) = back[source], back[target]
    return number, ((one, there), (other, port))
