"""What predicates over somebody else's capture share: occasions and their tally, legs towards UEs, offers and answers.

The events of a capture are told by who said them (``local``) to whom (``remote``). Nobody says which node is which:
a UE is who sends a REGISTER that no proxy has touched (one Via, nothing that a P-CSCF adds, TS 24.229 5.2.2.1).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec.sdp import MediaSection, Sdp
from imsproof.codec.sip import Message
from imsproof.codec.sipaddress import SipSyntaxError, parse_name_addr, parse_params, parse_uri
from imsproof.judge.registry import Finding, fails, holds, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imsproof.seams import Address, Event, Events

ADDED_BY_PROXY = ("Path", "P-Visited-Network-ID", "P-Charging-Vector")
SDP_TYPE = "application/sdp"


@dataclass(frozen=True, slots=True)
class Look:
    """One occasion on which a promise could be broken: ``wrong`` says how it was, ``doubt`` why it cannot be told."""

    event: Event
    wrong: str = ""
    doubt: str = ""


def tally(looks: Sequence[Look], what: str) -> Finding:
    """Make a finding of occasions: the wrong ones decide, then the doubtful ones; the events named are those."""
    if not looks:
        return unknown(f"no {what} in the capture")
    wrong = [one for one in looks if one.wrong]
    doubt = [one for one in looks if one.doubt]
    if wrong:
        return fails(_sentence(wrong[0].wrong, len(wrong), len(looks), what), *(one.event.seq for one in wrong))
    if doubt:
        return unknown(_sentence(doubt[0].doubt, len(doubt), len(looks), what), *(one.event.seq for one in doubt))
    return holds(f"none of {len(looks)} {what} is wrong", *(one.event.seq for one in looks))


def _sentence(first: str, count: int, of: int, what: str) -> str:
    return f"{count} of {of} {what}: {first}"


def messages(events: Events) -> Iterator[tuple[Event, Message]]:
    """Yield the SIP messages of a capture."""
    for event in events:
        if "sip" in event.facts and event.local and event.remote:
            try:
                yield event, Message.parse(event.data)
            except SipSyntaxError:
                continue


def aor(value: str | None) -> str:
    """Return the address of record that a From or To names, ``""`` for none."""
    try:
        return parse_uri(parse_name_addr(value or "").uri).aor
    except SipSyntaxError:
        return ""


class Legs:
    """Which ends of a capture are UEs, as far as the messages tell."""

    def __init__(self, events: Events) -> None:
        """Read the messages once."""
        self._hosts: set[str] = set()
        self._nodes: set[Address] = set()
        for event, message in messages(events):
            if not message.is_request or event.local is None or event.remote is None:
                continue
            touched = len(message.values("Via")) > 1 or any(message.get(name) for name in ADDED_BY_PROXY)
            if touched:
                self._nodes.add(event.local)
            elif message.method == "REGISTER":
                self._hosts.add(event.local[0])
                self._nodes.add(event.remote)

    def is_ue(self, address: Address | None) -> bool:
        """Whether an address is one of a UE."""
        return address is not None and address[0] in self._hosts and address not in self._nodes

    def of_ue(self, event: Event) -> bool:
        """Whether a message went between a UE and its network."""
        return self.is_ue(event.local) != self.is_ue(event.remote)


Transaction = tuple[str, str, str]


def transaction(message: Message) -> Transaction:
    """Name the transaction of a message on one leg: the topmost Via's branch is that of its hop (RFC 3261 17.1.3)."""
    via = next(iter(message.values("Via")), "")
    branch = parse_params(via.partition(";")[2]).get("branch") or ""
    return message.get("Call-ID") or "", " ".join((message.get("CSeq") or "").split()), branch


def answered(events: Events) -> dict[Transaction, tuple[Event, Message]]:
    """Return the first final answer of each transaction."""
    found: dict[Transaction, tuple[Event, Message]] = {}
    for event, message in messages(events):
        if not message.is_request and message.status >= 200:
            found.setdefault(transaction(message), (event, message))
    return found


@dataclass(slots=True)
class Session:
    """An offer and the answer that took it, on one leg; ``lines`` are the media lines that both sides use."""

    offer: Event
    answer: Event
    offered: Sdp
    taken: Sdp
    lines: list[tuple[MediaSection, MediaSection]] = field(default_factory=list)

    def sides(self) -> Iterator[tuple[Event, Sdp, MediaSection]]:
        """Yield each media line in use as each side described it."""
        for mine, yours in self.lines:
            yield self.offer, self.offered, mine
            yield self.answer, self.taken, yours


def sessions(events: Events) -> list[Session]:
    """Return the offers that were taken (2xx with an answer)."""
    done = answered(events)
    found: list[Session] = []
    for event, message in messages(events):
        if not message.is_request or message.method not in {"INVITE", "UPDATE"}:
            continue
        offered = description(message)
        answer = done.get(transaction(message))
        taken = description(answer[1]) if answer and 200 <= answer[1].status < 300 else None
        if offered is None or answer is None or taken is None:
            continue
        pairs = zip(offered.media, taken.media, strict=False)
        lines = [(a, b) for a, b in pairs if b.port > 0 and (a.port > 0 or a.attr("bundle-only") is not None)]
        found.append(Session(event, answer[0], offered, taken, lines))
    return found


def description(message: Message) -> Sdp | None:
    """Return the session description in a message, also one in a multipart body."""
    kind = (message.get("Content-Type") or "").lower()
    if kind.startswith(SDP_TYPE):
        return Sdp.parse(message.body)
    if kind.startswith("multipart/"):
        at = message.body.find(b"v=0")
        if at >= 0 and SDP_TYPE.encode() in message.body[:at].lower():
            return Sdp.parse(message.body[at:].partition(b"\r\n--")[0])
    return None


def by_address(found: Sequence[Session]) -> dict[Address, list[tuple[Sdp, MediaSection]]]:
    """Return the media lines in use by the addresses that they announce, candidates of ICE included."""
    known: dict[Address, list[tuple[Sdp, MediaSection]]] = defaultdict(list)
    for session in found:
        for _, sdp, line in session.sides():
            for address in addresses(sdp, line):
                known[address].append((sdp, line))
    return known


def addresses(sdp: Sdp, line: MediaSection) -> Iterator[Address]:
    """Yield the addresses at which a media line takes packets."""
    if line.port > 0 and (host := sdp.address(line)):
        yield host, line.port
    for candidate in line.attrs("candidate"):
        words = candidate.split()
        if len(words) > 5 and words[5].isdigit():
            yield words[4], int(words[5])
