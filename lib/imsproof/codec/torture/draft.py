"""Messages written wrongly on purpose: a good request as lines, the edits that spoil it, and cases made of edits.

An edit is a function over a :class:`Draft`. In the texts of edits ``$user``, ``$callee``, ``$registrar``, ``$domain``,
``$by``, ``$token``, ``$method``, ``$uri`` and ``$transport`` stand for what the :class:`Aim` says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

PLACE = re.compile(r"\$(user|callee|registrar|domain|by|token|method|uri|transport)\b")


class Reaction(StrEnum):
    """What a node may do with a message.

    ``process``: it serves it as it serves a plain one (whatever its policy then says).
    ``refuse``: it answers that the message is wrong, or breaks the connection off.
    ``drop``: it says nothing.
    """

    PROCESS = "process"
    REFUSE = "refuse"
    DROP = "drop"


class Kind(StrEnum):
    """What the source says of a message: good, bad, or bad in a way that a liberal node may overlook."""

    VALID = "valid"
    INVALID = "invalid"
    EITHER = "either"


Reactions = frozenset[Reaction]
PROCESS = frozenset({Reaction.PROCESS})
STOP = frozenset({Reaction.REFUSE, Reaction.DROP})
ANY = frozenset(Reaction)
DROP = frozenset({Reaction.DROP})
BY_KIND = {Kind.VALID: PROCESS, Kind.INVALID: STOP, Kind.EITHER: ANY}


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom a message is for, in the words of the lab that it is sent to.

    Attributes:
        registrar: Request-URI of REGISTER.
        user: the speaker's public identity (From; in a REGISTER To as well).
        callee: whom other requests are for.
        sent_by: ``host:port`` of Via and Contact.
        token: makes the message unique: hexadecimal digits, at least eight.
        transport: as Via names it.
        authorization: Authorization of a REGISTER, where the network takes none that lacks the private identity.
        agreement: Security-Client of a REGISTER, where the network takes none that offers no security agreement.
    """

    registrar: str = "sip:ims.example"
    user: str = "sip:user@ims.example"
    callee: str = "sip:friend@ims.example"
    sent_by: str = "tester.invalid:5060"
    token: str = "0123456789abcdef"  # noqa: S105 - makes a branch unique, no secret
    transport: str = "UDP"
    authorization: str = ""
    agreement: str = ""

    @property
    def domain(self) -> str:
        """The host of the registrar's URI."""
        return self.registrar.partition(":")[2].partition(";")[0].rpartition("@")[2]


class Draft:
    """A message as lines that can be changed one by one; bytes that are no UTF-8 stand as surrogate escapes.

    Attributes:
        aim: whom it is for.
        method, uri: as in the request line when the draft was begun.
        start: the start line.
        lines: header lines without their ends; the Content-Length is appended when none of them is one.
        content: the body.
        tail: bytes after the message.
    """

    def __init__(self, method: str, aim: Aim) -> None:
        """Begin with a good request (a REGISTER for the registrar, all else for the callee)."""
        self.aim = aim
        self.method = method
        self.uri = aim.registrar if method == "REGISTER" else aim.callee
        self.start = f"{method} {self.uri} SIP/2.0"
        short = aim.token[:8]
        self.lines = [
            f"Via: SIP/2.0/{aim.transport} {aim.sent_by};branch=z9hG4bK{aim.token};rport",
            "Max-Forwards: 70",
            f"From: <{aim.user}>;tag={short}",
            f"To: <{aim.user if method == 'REGISTER' else aim.callee}>",
            f"Call-ID: {aim.token}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{short}@{aim.sent_by}>",
        ]
        self.content = b""
        self.tail = b""

    def say(self, text: str) -> str:
        """Fill in the places of a text."""
        aim = self.aim
        words = {
            "user": aim.user,
            "callee": aim.callee,
            "registrar": aim.registrar,
            "domain": aim.domain,
            "by": aim.sent_by,
            "token": aim.token,
            "method": self.method,
            "uri": self.uri,
            "transport": aim.transport,
        }
        return PLACE.sub(lambda found: words[found[1]], text)

    def find(self, name: str) -> int:
        """Return the place of the first line of this name, or -1."""
        wanted = name.lower()
        names = (line.partition(":")[0].strip().lower() for line in self.lines)
        return next((place for place, one in enumerate(names) if one == wanted), -1)

    def to_bytes(self) -> bytes:
        """Return the message as it goes out."""
        lines = [self.start, *self.lines]
        if self.method == "REGISTER" and self.aim.authorization and self.find("Authorization") < 0:
            lines.append(f"Authorization: {self.aim.authorization}")
        if self.method == "REGISTER" and self.aim.agreement:
            offered = {"Require": "sec-agree", "Proxy-Require": "sec-agree", "Security-Client": self.aim.agreement}
            lines += [f"{name}: {value}" for name, value in offered.items() if self.find(name) < 0]
        if not any(line.partition(":")[0].strip().lower() in ("content-length", "l") for line in self.lines):
            lines.append(f"Content-Length: {len(self.content)}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.content + self.tail


Edit = Callable[[Draft], None]


def start(text: str) -> Edit:
    """Put another start line."""

    def edit(draft: Draft) -> None:
        draft.start = draft.say(text)

    return edit


def line(text: str, before: str = "Contact") -> Edit:
    """Add a header line as it stands, before the first of a name (last when there is none)."""

    def edit(draft: Draft) -> None:
        place = draft.find(before)
        draft.lines.insert(len(draft.lines) if place < 0 else place, draft.say(text))

    return edit


def header(name: str, text: str) -> Edit:
    """Put another value into a header, or add it."""

    def edit(draft: Draft) -> None:
        place = draft.find(name)
        written = f"{name}: {draft.say(text)}"
        if place < 0:
            draft.lines.append(written)
        else:
            draft.lines[place] = written

    return edit


def rewrite(name: str, change: Callable[[str], str]) -> Edit:
    """Change a header line."""

    def edit(draft: Draft) -> None:
        place = draft.find(name)
        if place >= 0:
            draft.lines[place] = change(draft.lines[place])

    return edit


def drop(*names: str) -> Edit:
    """Take headers out."""

    def edit(draft: Draft) -> None:
        gone = {name.lower() for name in names}
        draft.lines = [one for one in draft.lines if one.partition(":")[0].strip().lower() not in gone]

    return edit


def body(content: bytes | str, kind: str = "") -> Edit:
    """Give the message a body and its type."""

    def edit(draft: Draft) -> None:
        draft.content = content if isinstance(content, bytes) else draft.say(content).encode("utf-8", "surrogateescape")
        if kind:
            draft.lines.append(f"Content-Type: {kind}")

    return edit


def length(text: str) -> Edit:
    """Lie about the length of the body."""
    return header("Content-Length", text)


def tail(text: str) -> Edit:
    """Put bytes after the message."""

    def edit(draft: Draft) -> None:
        draft.tail = draft.say(text).encode("utf-8", "surrogateescape")

    return edit


@dataclass(frozen=True, slots=True)
class Case:
    """One message of the corpus.

    Attributes:
        name: unique in its list.
        source: document and section that describe it.
        about: what is unusual or wrong, in a few words.
        kind: what the source says of it.
        method: of the request that carries it.
        edits: what is done to a good request.
        proxy, registrar, ue: what a node of that role may do with it.
        statuses: the statuses that the source names for a refusal; empty when it names none.
        datagram: it only means this in a datagram of its own.
        response: it is a response, which nobody asked for.
    """

    name: str
    source: str
    about: str
    kind: Kind
    method: str
    edits: tuple[Edit, ...] = field(repr=False)
    proxy: Reactions = ANY
    registrar: Reactions = ANY
    ue: Reactions = ANY
    statuses: tuple[int, ...] = ()
    datagram: bool = False
    response: bool = False

    def message(self, aim: Aim, method: str | None = None) -> bytes:
        """Write it for a lab; ``method`` carries the same anomaly in another request than the source's own."""
        draft = Draft(method or self.method, aim)
        for edit in self.edits:
            edit(draft)
        return draft.to_bytes()


def case(  # noqa: PLR0913 - the columns of a table
    name: str,
    source: str,
    about: str,
    kind: Kind,
    method: str,
    *edits: Edit,
    proxy: Reactions | None = None,
    registrar: Reactions | None = None,
    ue: Reactions | None = None,
    statuses: tuple[int, ...] = (),
    datagram: bool = False,
) -> Case:
    """Write a row of a corpus; a role that is not named may do what the kind allows."""
    usual = BY_KIND[kind]
    return Case(
        name,
        source,
        about,
        kind,
        method,
        edits,
        usual if proxy is None else proxy,
        usual if registrar is None else registrar,
        usual if ue is None else ue,
        statuses,
        datagram,
    )


def plain(method: str, aim: Aim) -> bytes:
    """Return the good request that the cases of a method are made from."""
    return Draft(method, aim).to_bytes()
