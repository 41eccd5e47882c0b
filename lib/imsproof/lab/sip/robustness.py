"""How the lab bears what is malformed or too much: its own part of the policy, and what a fragile P-CSCF does."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

MAX_BLOCKED = 6.0
"""Seconds that a planted flaw may block the node at most."""
STRAY_ANSWER = b"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP stray.invalid\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class RobustPolicy:
    """Each field is read at the one decision that it changes; the defaults are the conformant lab.

    Attributes:
        skip_checks: checks of ``validate.CHECKS`` that the door leaves out.
        strict_checks: checks of ``validate.STRICT`` that refuse what is valid.
        breaks_on: patterns; once messages of one address have met them all in this order, the node breaks.
        breaks: how: ``stop`` (it dies) or ``hang`` (it answers nobody any more).
        header_seconds: what each header line of a message costs; the node does nothing else meanwhile.
        leak_octets: what each malformed message leaves in the node's memory.
        leak_seconds: what each malformed message adds to the cost of every later well-formed one.
        answers_responses: a response that nobody asked for is answered.
        reflects: a refusal repeats the sender's Subject in a Warning.
        framing: ``strict``; ``first-length``: the first Content-Length that reads as a number is believed;
            ``one-a-read``: what follows the first message of a read is lost; ``waits``: an unfinished message keeps
            everybody waiting.
        confuses: what follows a malformed message on a connection is taken as malformed too.
        checks_offer: an offer whose address, port, fingerprint or streams make no sense is refused.
        strict_offer: an offer is refused whose hash function is not written in capitals or lower case, that has
            several fingerprints, or no limit for messages, all of which is valid.
        expands_entities: entities in XML are expanded, whatever that costs.
        costly_methods, costly_seconds: what a stranger's request of these methods costs; it blocks the node.
        connections_per_source: streams that one address may have open; 0 is no limit.
        errors_spill: a TLS handshake that fails ends the other TLS connections, as an error queue that they share does.
    """

    skip_checks: tuple[str, ...] = ()
    strict_checks: tuple[str, ...] = ()
    breaks_on: tuple[str, ...] = ()
    breaks: str = "stop"
    header_seconds: float = 0.0
    leak_octets: int = 0
    leak_seconds: float = 0.0
    answers_responses: bool = False
    reflects: bool = False
    framing: str = "strict"
    confuses: bool = False
    checks_offer: bool = True
    strict_offer: bool = False
    expands_entities: bool = False
    costly_methods: tuple[str, ...] = ()
    costly_seconds: float = 0.0
    connections_per_source: int = 64
    errors_spill: bool = False


@dataclass
class Frailty:
    """What a node remembers of what it has borne.

    Attributes:
        steps: for each address, how many of ``breaks_on`` its messages have met.
        debt: seconds that malformed messages have added to each later well-formed one.
        confused: connections that have carried a malformed message.
        kept: what malformed messages have left in memory.
    """

    steps: dict[str, int] = field(default_factory=dict)
    debt: float = 0.0
    confused: set[int] = field(default_factory=set)
    kept: list[bytes] = field(default_factory=list)

    def breaks(self, data: bytes, address: str, policy: RobustPolicy) -> bool:
        """Whether this message is the one too many."""
        if not policy.breaks_on:
            return False
        met = self.steps.get(address, 0)
        if re.search(policy.breaks_on[met].encode(), data):
            met += 1
        self.steps[address] = 0 if met == len(policy.breaks_on) else met
        return met == len(policy.breaks_on)

    def bear(self, data: bytes, policy: RobustPolicy) -> None:
        """Pay for a message with time; the node does nothing else meanwhile."""
        seconds = 0.0
        if policy.header_seconds:
            seconds += policy.header_seconds * data.count(b"\n")
        if data.partition(b" ")[0].decode("ascii", "replace") in policy.costly_methods:
            seconds += policy.costly_seconds
        block(seconds)

    def pay(self) -> None:
        """Serve a well-formed request as slowly as the malformed ones before it have made the node."""
        block(self.debt)

    def refused(self, policy: RobustPolicy, connection: int = 0) -> None:
        """Remember a malformed message, and the connection that carried it (0: none)."""
        self.debt += policy.leak_seconds
        if policy.leak_octets:
            self.kept.append(b"\1" * policy.leak_octets)
        if policy.confuses and connection:
            self.confused.add(connection)

    def clear(self) -> None:
        """Forget everything."""
        self.steps.clear()
        self.debt = 0.0
        self.confused.clear()
        self.kept.clear()


def block(seconds: float) -> None:
    """Do nothing at all for some seconds, as a node that is busy."""
    if seconds > 0:
        time.sleep(min(seconds, MAX_BLOCKED))
