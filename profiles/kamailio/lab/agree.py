"""Second opinions on what the lab sent in a run: does other software read it as the tester's codecs do?

    .venv/bin/python profiles/kamailio/lab/agree.py FOLDER...      # runs, or folders of runs

- SIP: each message that came from the lab, read by the PyPI package sipmessage;
- AKA: each challenge, computed again with the HSS' own Milenage (lab/milenage.py) from the subscriber's keys;
- DTLS: each datagram with records that came from the lab, read by tshark.

Exit status 1 when two opinions differ. What the other software does not read at all is counted, and is no difference.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import milenage as hss
import sipmessage

from imsproof.codec import aka, dtls, sip, sipauth
from imsproof.codec.milenage import Milenage
from imsproof.evidence import journal, packets, pcapng
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imsproof.seams import Event

UDP = 17
SUBSCRIBERS = Path(__file__).resolve().parent.parent / "conf" / "subscribers.json"
QUOTED_SEPARATOR = re.compile(r'="[^"]*[;,]')
FIRST_RECORD, LAST_RECORD = 20, 25
FIELDS = ("content_type", "version", "epoch", "sequence_number", "length")
Rows = list[tuple[int, ...]]


class Told:
    """How many things were read by both, and where they differed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.differences: list[str] = []

    def both(self, what: str, where: str, ours: object, theirs: object) -> None:
        """Take two opinions on one thing."""
        self.counts[what] += 1
        if ours != theirs:
            self.differences.append(f"{where}: {what}: we read {ours!r}, they read {theirs!r}")


def main() -> int:
    """Read the runs, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", type=Path, nargs="+")
    folders = parser.parse_args().folders
    told = Told()
    flights: list[tuple[str, packets.Datagram]] = []
    for run in [found.parent for folder in folders for found in sorted(folder.rglob("run.json"))]:
        for evidence in sorted(one.parent for one in run.glob("evidence/*/journal.jsonl")):
            events = journal.load(evidence / "journal.jsonl")
            received = [event for event in events if event.kind is Kind.RECEIVED]
            agree_on_sip(told, evidence.name, received)
            agree_on_aka(told, evidence.name, received)
            own = {event.local for event in events if event.local}
            flights += [(evidence.name, one) for one in dtls_from_lab(evidence / "capture.pcapng", own)]
    agree_on_dtls(told, flights)
    for difference in told.differences:
        print(f"second opinions: {difference}")
    told_counts = ", ".join(f"{count} {what}" for what, count in sorted(told.counts.items()))
    print(f"second opinions: {told_counts or 'nothing to look at'}; {len(told.differences)} differences")
    return 1 if told.differences else 0


def agree_on_sip(told: Told, where: str, events: Iterable[Event]) -> None:
    """Hold our reading of each SIP message from the lab against sipmessage's."""
    for event in events:
        if "sip" not in event.facts or not event.data:
            continue
        message = sip.Message.parse(event.data)
        told.both("SIP messages as they crossed", where, message.to_bytes(), event.data)
        try:
            other = sipmessage.Message.parse(event.data)
            theirs = _reading_of(other, message)
        except (ValueError, KeyError):
            told.counts["SIP messages that sipmessage does not read"] += 1
            continue
        told.both("SIP messages", where, _our_reading(message), theirs)


def _our_reading(message: sip.Message) -> list[object]:
    start: list[object] = (
        [message.method, message.uri] if message.is_request else [message.status, message.reason.strip()]
    )
    return [
        *start,
        message.get("Call-ID"),
        (message.get("CSeq") or "").split(),
        _vias(message.values("Via"), message),
        _contacts(message.get_all("Contact"), len(message.values("Contact"))),
        message.body,
    ]


def _reading_of(other: sipmessage.Request | sipmessage.Response, ours: sip.Message) -> list[object]:
    start: list[object] = (
        [other.method, str(other.uri)] if isinstance(other, sipmessage.Request) else [other.code, other.phrase.strip()]
    )
    return [
        *start,
        other.call_id,
        [str(other.cseq.sequence), other.cseq.method],
        _vias([str(via) for via in other.via], ours),
        _contacts(other.headers.getlist("Contact"), len(other.contact)),
        other.body,
    ]


def _unspaced(value: str) -> str:
    return "".join(unquote(value).split()).lower()  # sipmessage writes parameters with percent signs


def _vias(values: list[str], message: sip.Message) -> list[str]:
    """The values of Via; without parameters where one stands twice, of which sipmessage keeps the last."""
    names = [[part.partition("=")[0].lower() for part in value.split(";")[1:]] for value in message.values("Via")]
    twice = any(len(one) > len(set(one)) for one in names)
    return [_unspaced(value.partition(";")[0] if twice else value) for value in values]


def _contacts(contacts: list[str], count: int) -> int:
    """How many contacts there are; none where sipmessage takes a quoted parameter's ``;`` for its end."""
    return -1 if any(QUOTED_SEPARATOR.search(one) for one in contacts) else count


def agree_on_aka(told: Told, where: str, events: Iterable[Event]) -> None:
    """Hold our USIM's opinion of each AKA challenge against a vector that the HSS' Milenage makes."""
    keys = {impu: one for one in json.loads(SUBSCRIBERS.read_text()) for impu in one["impus"]}
    for event in events:
        if "sip" not in event.facts or event.facts.get("status") not in {401, 407}:
            continue
        message = sip.Message.parse(event.data)
        one = keys.get(sip.parse_name_addr(message.get("To") or "").uri)
        for value in [*message.get_all("WWW-Authenticate"), *message.get_all("Proxy-Authenticate")]:
            _, params = sipauth.parse_challenge(value)
            if one is None or not params.get("algorithm", "").upper().startswith("AKA"):
                continue
            rand, autn, _ = aka.decode_nonce(params.get("nonce", ""))
            k, opc = bytes.fromhex(one["k"]), bytes.fromhex(one["opc"])
            answer = aka.answer_challenge(Milenage(k, opc=opc), rand, autn, -1)
            vector = hss.Milenage(k, opc).vector(rand, answer.sqn.to_bytes(6, "big"), answer.amf)
            ours = (autn, answer.res, answer.ck, answer.ik)
            told.both("AKA challenges", where, ours, (vector.autn, vector.xres, vector.ck, vector.ik))


def dtls_from_lab(capture: Path, own: set[tuple[str, int]]) -> Iterator[packets.Datagram]:
    """Find the datagrams with DTLS records that others than the tester sent."""
    if not capture.exists():
        return
    whole = packets.Reassembly()
    with capture.open("rb") as file:
        for packet in pcapng.read(file):
            datagram = whole.parse(packet.link, packet.data)
            if datagram is None or datagram.protocol != UDP or datagram.source in own:
                continue
            payload = datagram.payload
            if len(payload) > dtls.HEADER_SIZE and FIRST_RECORD <= payload[0] <= LAST_RECORD and payload[1] == 0xFE:
                yield datagram


def agree_on_dtls(told: Told, flights: list[tuple[str, packets.Datagram]]) -> None:
    """Hold our reading of the record headers against tshark's."""
    if not flights:
        return
    ports: set[int] = set()
    ours: list[Rows] = []
    whole: list[tuple[str, packets.Datagram]] = []
    for where, datagram in flights:
        try:
            records = dtls.split_records(datagram.payload)
        except dtls.TlsSyntaxError:  # a relay hands on what the tester has cut
            told.counts["DTLS datagrams that end within a record header"] += 1
            continue
        ports.add(datagram.source[1])
        whole.append((where, datagram))
        ours.append([(one.content_type, one.version, one.epoch, one.sequence, len(one.fragment)) for one in records])
    for (where, _), mine, theirs in zip(whole, ours, _tshark([datagram for _, datagram in whole], ports), strict=True):
        told.both("DTLS datagrams", where, mine, theirs)


def _tshark(found: list[packets.Datagram], ports: set[int]) -> Iterator[Rows]:
    """Return the record headers of each datagram as tshark reads them.

    Each comes from an address of its own: tshark gives up on a flight that comes again in other fragments.
    """
    first = int(ip_address("10.0.0.1"))
    wrapped = (
        packets.udp((str(ip_address(first + number)), one.source[1]), ("127.0.0.1", 9), one.payload)
        for number, one in enumerate(found)
    )
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        pcapng.write(file, (pcapng.Packet(0, pcapng.LINK_RAW, data) for data in wrapped))  # type: ignore[arg-type]
        file.flush()
        command = ["tshark", "-r", file.name, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"]
        command += [word for field in FIELDS for word in ("-e", f"dtls.record.{field}")]
        command += [word for port in ports for word in ("-d", f"udp.port=={port},dtls")]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        columns = [[int(value, 0) for value in cell.split(",") if value] for cell in line.split("\t")]
        yield list(zip(*columns, strict=True))


if __name__ == "__main__":
    sys.exit(main())
