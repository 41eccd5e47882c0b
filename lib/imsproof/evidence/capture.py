"""The capture of a purpose: all and only its packets, with the keys inside.

Two sources. *tap*: the link kept the payloads, headers are made up (:class:`imsproof.evidence.packets.Fabric`).
*wire*: the kernel's capture of the whole run, cut by the sockets (:class:`imsproof.seams.Flow`) of each purpose.
The comment of the section says which it is.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from statistics import median_low
from typing import TYPE_CHECKING, Any

from imsproof.evidence import packets, pcapng
from imsproof.evidence.files import unwritable, write_atomic, write_json
from imsproof.seams import Address, Event, Flow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from imsproof.seams import TapPacket

CAPTURE, FLOWS, KEYS = "capture.pcapng", "flows.json", "keys.log"
ESP_KEYS = "esp_sa"
"""Wireshark's table of ESP keys, where a purpose had security associations."""
AFTER_CLOSE_NS = 1_000_000_000
"""A TCP connection still says FIN and ACK after the socket was closed; cut off by the next SYN on the same ports."""
CLOCK_STEP_NS = 2_000_000
"""How far the kernel's time stamp and ours may lie apart on one machine."""
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - read from a socket's name, not bound to
FLUSH = 4 * 1024 * 1024
"""Bytes of blocks kept for one purpose before they are written."""


def write_tap(path: Path, purpose: str, taps: Sequence[TapPacket], keys: Sequence[str], *, dropped: int = 0) -> None:
    """Write a capture from the link's tap.

    ``dropped`` counts packets that crossed and were not kept (floods are counted in the journal).

    Raises:
        HarnessError: the file cannot be written.
    """
    comment = (
        f"imsproof purpose {purpose}. Source: the link's own tap (no capture on the wire). Payloads are as they "
        "crossed the sockets; IP, UDP and TCP headers are made up."
    )
    if dropped:
        comment += f" {dropped} packets of a burst are not in here; the journal counts them."
    file = io.BytesIO()
    pcapng.write(file, packets.Fabric().wrap(taps), comment=comment, keys=keys, interface="tap")
    write_atomic(path, file.getvalue())


def utc_offset(events: Sequence[Event]) -> int:
    """Return wall time minus monotonic time in nanoseconds, as the events of one process saw it (0 without events)."""
    return median_low(wall_ns(event.utc) - event.mono_ns for event in events) if events else 0


def wall_ns(utc: str) -> int:
    """Return nanoseconds since 1970 of an event's time (``ValueError`` when it is none)."""
    from datetime import datetime  # noqa: PLC0415 - the one use

    moment = datetime.fromisoformat(utc)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def flows_to_json(flows: Sequence[Flow], offset: int, dropped: int = 0) -> dict[str, Any]:
    """Return the content of ``flows.json``; ``offset`` is wall time minus monotonic time, in nanoseconds."""
    return {
        "schema": 1,
        "utc_minus_mono_ns": offset,
        "dropped": dropped,
        "flows": [
            {
                "protocol": flow.protocol,
                "local": list(flow.local),
                "remote": list(flow.remote) if flow.remote else None,
                "opened_ns": flow.opened_ns,
                "closed_ns": flow.closed_ns,
            }
            for flow in flows
        ],
    }


def flows_from_json(value: Mapping[str, Any]) -> tuple[list[Flow], int, int]:
    """Return flows, offset and the count of dropped packets of a ``flows.json``.

    Raises:
        ValueError: it is none.
    """
    try:
        if value["schema"] != 1:
            raise ValueError(f"flows.json has schema {value['schema']!r}")
        return [_flow(item) for item in value["flows"]], int(value["utc_minus_mono_ns"]), int(value["dropped"])
    except (KeyError, TypeError, IndexError, OverflowError) as error:
        raise ValueError(f"flows.json is malformed: {type(error).__name__} {error}") from error


def _flow(item: Mapping[str, Any]) -> Flow:
    local, remote, closed = item["local"], item["remote"], item["closed_ns"]
    return Flow(
        str(item["protocol"]),
        (str(local[0]), int(local[1])),
        (str(remote[0]), int(remote[1])) if remote else None,
        int(item["opened_ns"]),
        None if closed is None else int(closed),
    )


@dataclass(slots=True)
class _Claim:
    """One socket's life on the wall clock, in nanoseconds; ``until`` may be cut by the next SYN."""

    purpose: str
    since: int
    until: int
    remote: Address | None
    closed: int


@dataclass(slots=True)
class Slicer:
    """Finds the purpose that a captured packet belongs to, by the sockets that were open at its time."""

    _claims: dict[tuple[int, str, int], list[_Claim]] = field(default_factory=dict)
    _fragments: dict[tuple[str, str, int, int], str] = field(default_factory=dict)

    def add(self, purpose: str, flows: Sequence[Flow], offset: int) -> None:
        """Make a purpose's sockets known. Add all before the first :meth:`owner`."""
        numbers = {"tcp": packets.TCP, "tls": packets.TCP, "h2": packets.TCP, "esp": packets.ESP}
        for flow in flows:
            number = numbers.get(flow.protocol, packets.UDP)
            since = flow.opened_ns + offset - CLOCK_STEP_NS
            closed = 1 << 63 if flow.closed_ns is None else flow.closed_ns + offset + CLOCK_STEP_NS
            until = closed + (AFTER_CLOSE_NS if number == packets.TCP else 0)
            key = (number, _plain(flow.local[0]), flow.local[1])
            remote = (_plain(flow.remote[0]), flow.remote[1]) if flow.remote else None
            self._claims.setdefault(key, []).append(_Claim(purpose, since, until, remote, closed))

    def owner(self, packet: pcapng.Packet) -> str | None:
        """Return the purpose that a packet belongs to, or ``None``. Packets come in the order of their time."""
        gram = packets.parse(packet.link, packet.data)
        if gram is None:
            return None
        piece = (gram.source[0], gram.target[0], gram.protocol, gram.ident)
        if gram.offset:
            return self._fragments.get(piece)
        number = gram.protocol
        numbers = (packets.UDP, packets.TCP) if number in {packets.ICMP, packets.ICMPV6} else (number,)
        found = next(
            (
                purpose
                for each in numbers
                for ours, theirs in _ways(gram)
                if (purpose := self._match(each, ours, theirs, packet.utc_ns, gram.flags))
            ),
            None,
        )
        if found and gram.ident:
            self._fragments[piece] = found
            if len(self._fragments) > 4096:
                del self._fragments[next(iter(self._fragments))]
        return found

    def _match(self, number: int, ours: Address, theirs: Address, at: int, flags: int) -> str | None:
        best: _Claim | None = None
        for claim in (c for local in (ours[0], *WILDCARDS) for c in self._claims.get((number, local, ours[1]), ())):
            if not claim.since <= at <= claim.until or (claim.remote and not _same(claim.remote, theirs, number)):
                continue
            if at > claim.closed and flags & (packets.SYN | packets.ACK) == packets.SYN:
                claim.until = at - 1
                continue
            if best is None or claim.since > best.since:
                best = claim
        return best.purpose if best else None


def _ways(gram: packets.Datagram) -> tuple[tuple[Address, Address], ...]:
    """The two ends of a packet in both orders; an ESP packet has its SPI where others have a port, or 0 for any."""
    source, target = gram.source, gram.target
    if gram.protocol != packets.ESP:
        return (source, target), (target, source)
    numbers = (int.from_bytes(gram.payload[:4], "big"), 0)
    return tuple(
        ((one[0], number), (other[0], number))
        for number in numbers
        for one, other in ((source, target), (target, source))
    )


def slice_wire(run: Path, raw: Path) -> dict[str, int]:
    """Cut the whole run's capture into the purposes' ``capture.pcapng``, replacing those from the tap.

    Reads ``flows.json`` and ``keys.log`` of every ``evidence/<ID>/`` below the run folder. A purpose without a
    packet in the raw capture keeps the capture from the tap.

    Returns:
        the number of packets of each purpose that got a capture from the wire.

    Raises:
        HarnessError: a file cannot be written.
        ValueError: the raw capture or a ``flows.json`` is malformed.
    """
    slicer = Slicer()
    for path in sorted((run / "evidence").glob(f"*/{FLOWS}")):
        flows, offset, _ = flows_from_json(json.loads(path.read_bytes()))
        slicer.add(path.parent.name, flows, offset)
    cuts: dict[str, _Cut] = {}
    about = pcapng.Section()
    try:
        with raw.open("rb") as file:
            for packet in pcapng.read(file, about):
                purpose = slicer.owner(packet)
                if purpose is None:
                    continue
                if purpose not in cuts:
                    cuts[purpose] = _Cut(run / "evidence" / purpose)
                cuts[purpose].add(packet)
        for cut in cuts.values():
            cut.finish()
    except OSError as error:
        raise unwritable(run / "evidence", error) from error
    return {purpose: cut.count for purpose, cut in sorted(cuts.items())}


class _Cut:
    """The capture of one purpose while it is cut out; few files are open however many purposes there are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = folder / f"{CAPTURE}.part"
        self._links: list[int] = []
        self.count = 0
        comment = (
            f"imsproof purpose {folder.name}. Source: packets as the kernel captured them, "
            "cut by the sockets that the purpose had open."
        )
        keys = read_keys(folder / KEYS)
        self._blocks = [pcapng.section(comment), pcapng.secrets(keys) if keys else b""]
        self._size = 0
        self._part.write_bytes(b"")

    def add(self, packet: pcapng.Packet) -> None:
        if packet.link not in self._links:
            self._links.append(packet.link)
            self._blocks.append(pcapng.interface_block(packet.link))
        self._blocks.append(pcapng.enhanced(packet, self._links.index(packet.link)))
        self._size += len(packet.data)
        self.count += 1
        if self._size > FLUSH:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._part.replace(self._folder / CAPTURE)

    def _flush(self) -> None:
        with self._part.open("ab") as file:
            file.writelines(self._blocks)
        self._blocks, self._size = [], 0


def read_keys(path: Path) -> list[str]:
    """Return the lines of a key log, none when there is no such file."""
    try:
        return path.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        return []


def write_flows(path: Path, flows: Sequence[Flow], events: Sequence[Event], dropped: int = 0) -> None:
    """Write ``flows.json`` (``HarnessError`` when it cannot be written)."""
    write_json(path, flows_to_json(flows, utc_offset(events), dropped))


def _plain(address: str) -> str:
    return packets.text(packets.packed(address))


def _same(remote: Address, theirs: Address, number: int) -> bool:
    return remote[0] == theirs[0] and (number == packets.ESP or remote[1] == theirs[1])
