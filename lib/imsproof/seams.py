"""The few plain types that cross the rooms: events, judgements, verdicts, and the record that holds them.

Everything here is data. Nothing opens a socket, reads a clock or draws a random number, so that what is
stored can be judged again by anybody, anywhere, with the same result.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

JOURNAL_VERSION = 1

Address = tuple[str, int]
"""A transport address: textual IP and port (host order)."""


class Kind(StrEnum):
    """What happened, as the journal says it."""

    OPENED = "opened"
    SENT = "sent"
    RECEIVED = "received"
    HANDSHAKE = "handshake"
    ALERT_SENT = "alert-sent"
    ALERT = "alert"
    REFUSED = "refused"
    CLOSED = "closed"
    TIMEOUT = "timeout"
    COUNTED = "counted"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with all that a predicate may need to know of it.

    Attributes:
        seq: position in the journal of one purpose, from 1, without gaps.
        utc: wall time, ISO 8601 in UTC with microseconds and ``Z``.
        mono_ns: monotonic nanoseconds of the machine that ran the purpose.
        actor: who did it or saw it, e.g. ``ue-a``, ``nf-consumer``, ``outsider``.
        kind: what happened.
        exchange: the conversation it belongs to, e.g. ``3:REGISTER``; unique within the journal.
        transport: ``udp``, ``tcp``, ``tls``, ``dtls``, ``h2``, ``sctp``, ``rtp``, ``esp`` or ``""`` for a note.
        local: the tester's address, or ``None``.
        remote: the lab's address, or ``None``.
        data: the bytes as they crossed (plain text of a protected transport; see ``facts``), possibly empty.
        facts: what was decoded: plain JSON values only (status code, alert name, fingerprint, counters).
    """

    seq: int
    utc: str
    mono_ns: int
    actor: str
    kind: Kind
    exchange: str
    transport: str = ""
    local: Address | None = None
    remote: Address | None = None
    data: bytes = b""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON values; bytes become base64 under ``data``."""
        return {
            "v": JOURNAL_VERSION,
            "seq": self.seq,
            "utc": self.utc,
            "mono_ns": self.mono_ns,
            "actor": self.actor,
            "kind": self.kind.value,
            "exchange": self.exchange,
            "transport": self.transport,
            "local": list(self.local) if self.local else None,
            "remote": list(self.remote) if self.remote else None,
            "data": base64.b64encode(self.data).decode("ascii"),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Event:
        """Build an event from :meth:`to_json`'s form.

        Raises:
            ValueError: the version is unknown or a field has the wrong form.
        """
        if value.get("v") != JOURNAL_VERSION:
            raise ValueError(f"journal version {value.get('v')!r} is not {JOURNAL_VERSION}")
        local, remote = value.get("local"), value.get("remote")
        return cls(
            seq=int(value["seq"]),
            utc=str(value["utc"]),
            mono_ns=int(value["mono_ns"]),
            actor=str(value["actor"]),
            kind=Kind(value["kind"]),
            exchange=str(value["exchange"]),
            transport=str(value.get("transport", "")),
            local=(str(local[0]), int(local[1])) if local else None,
            remote=(str(remote[0]), int(remote[1])) if remote else None,
            data=base64.b64decode(value.get("data", ""), validate=True),
            facts=dict(value.get("facts", {})),
        )


class Outcome(StrEnum):
    """What a predicate found."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNKNOWN = "cannot be told"


class Role(StrEnum):
    """What a judgement is for: it decides how the judgement weighs in the verdict.

    ``control``: the well-formed, authorised request was accepted; without it nothing is proven.
    ``claim``: what the purpose is about.
    ``form``: security held, but was it the code, alert or wording that the clause names?
    ``alive``: the lab still serves afterwards.
    """

    CONTROL = "control"
    CLAIM = "claim"
    FORM = "form"
    ALIVE = "alive"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A predicate with its parameters and what it found; can be computed again from the journal alone."""

    predicate: str
    version: int
    role: Role
    params: Mapping[str, Any]
    outcome: Outcome
    sentence: str
    events: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the judgement as JSON values."""
        return {
            "predicate": self.predicate,
            "version": self.version,
            "role": self.role.value,
            "params": dict(self.params),
            "outcome": self.outcome.value,
            "sentence": self.sentence,
            "events": list(self.events),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Judgement:
        """Build a judgement from :meth:`to_json`'s form (``ValueError`` or ``KeyError`` when it is not one)."""
        return cls(
            predicate=str(value["predicate"]),
            version=int(value["version"]),
            role=Role(value["role"]),
            params=dict(value["params"]),
            outcome=Outcome(value["outcome"]),
            sentence=str(value["sentence"]),
            events=tuple(int(n) for n in value["events"]),
        )


class Verdict(StrEnum):
    """The verdict on one purpose, in the order from worst to best in :data:`WORST_FIRST`."""

    PASS = "pass"
    REMARK = "pass-with-remark"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


WORST_FIRST = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.INCONCLUSIVE,
    Verdict.REMARK,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


@dataclass(slots=True)
class Record:
    """What one purpose left behind: its events and its judgements. The link appends to it, the judge reads it."""

    purpose: str
    events: list[Event] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)


@runtime_checkable
class Subject(Protocol):
    """Anything that :func:`imsproof.judge.expect` can be asked about: one conversation of one record."""

    @property
    def record(self) -> Record:
        """The record that the conversation is part of."""

    @property
    def exchange(self) -> str:
        """The conversation's name in the journal."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A socket of the tester: how packets on the wire are known to belong to a purpose.

    Times are monotonic nanoseconds; ``closed_ns`` is ``None`` while the socket is open. ``remote`` is ``None``
    for a socket that is not connected.
    """

    protocol: str
    local: Address
    remote: Address | None
    opened_ns: int
    closed_ns: int | None = None


@dataclass(frozen=True, slots=True)
class TapPacket:
    """Bytes as they crossed one socket of the link, before any header: what a capture is made of without root.

    Attributes:
        utc_ns: wall time in nanoseconds since 1970-01-01 UTC.
        protocol: ``udp``, ``tcp`` or ``esp`` (``esp``: ``data`` begins with the SPI, ports are 0).
        source: who sent it, the tester or the lab.
        target: who it was for.
        data: the UDP payload, a piece of the TCP stream (protected bytes, not the plain text), or the ESP packet.
        flags: for ``tcp`` only: ``""`` (data), ``"open"`` (the connection stands, ``source`` connected),
            ``"close"`` (``source`` sent FIN), ``"reset"`` (``source`` sent RST).
    """

    utc_ns: int
    protocol: str
    source: Address
    target: Address
    data: bytes = b""
    flags: str = ""


class ImsproofError(Exception):
    """Base of the errors that the harness raises by name."""


class OutOfScopeError(ImsproofError):
    """A packet was about to go to an address that the profile does not authorise; it was not sent."""


class StoppedError(ImsproofError):
    """The stop switch was thrown; nothing more is sent."""


class HarnessError(ImsproofError):
    """The harness could not do its part (a file, a port, a permission); never held against the lab."""


class UnreachableError(ImsproofError):
    """The lab does not answer at all at an address that the profile declares."""


class InconclusiveError(ImsproofError):
    """A purpose cannot be decided, and says why (for a user, in one sentence)."""


Params = Mapping[str, Any]
Events = Sequence[Event]
