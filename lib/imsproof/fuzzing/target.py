"""What a campaign fuzzes: how cases reach the lab, what came back, and whether a good request is still served."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Protocol

from imsproof.actors.outsider import Outsider
from imsproof.fuzzing.watch import Health
from imsproof.link.volley import Volley
from imsproof.seams import Record

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.seams import Address, Event, TapPacket

MARK = "0123456789abcdef"
"""Stands in a corpus where each message has a token of its own."""
NUMBERED = re.compile(rb"0{6}[0-9a-f]{10}")
"""What stands there in a message that went out: its number."""
PROBES_A_SOCKET = 25
"""Networks limit requests of one source; a probe must not run into that."""
CASES_A_SOCKET = 64
FIRST_WAIT = 0.1
"""Seconds until an unanswered probe is sent again for the first time."""


@dataclass(slots=True)
class Reaction:
    """What came back to a volley.

    Attributes:
        statuses: how many answers of which status.
        signatures: kinds of answers by the Call-ID that they carry.
        seen: kinds of answers with the case that had them, where that is known.
    """

    statuses: dict[int, int] = field(default_factory=dict)
    signatures: dict[bytes, str] = field(default_factory=dict)
    seen: list[tuple[bytes, str]] = field(default_factory=list)

    def count(self, case: bytes, status: int, kind: str = "") -> None:
        """Note what one case was answered (status -1: nothing could be sent, 0: nothing came)."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seen.append((case, kind or str(status)))


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation with everything that crossed: what a finding keeps.

    Attributes:
        events, packets, keys: as a session has them.
    """

    events: list[Event]
    packets: list[TapPacket]
    keys: list[str]

    @classmethod
    def of(cls, session: Session) -> Told:
        """Copy what a session holds now."""
        return cls(list(session.record.events), list(session.packets), list(session.keys))


class Target(Protocol):
    """Something to fuzz."""

    name: str
    corpus: list[bytes]

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases, then see whether the lab lives."""

    def probe(self) -> Health:
        """See whether the lab lives."""

    def where(self) -> Address:
        """The address that cases go to."""

    def good(self) -> bytes:
        """Write a case that is good (``b""`` where there is none)."""

    def again(self, case: bytes) -> bytes:
        """Write a case that was sent as a new one, where it carries a number of its own."""

    def like(self, case: bytes) -> bytes:
        """Write a good case of the same kind: what leaves as much behind by right."""

    def wire(self, case: bytes) -> list[bytes]:
        """Write the datagrams that carry a case; none where a case takes more than datagrams."""

    def retell(self, messages: Sequence[bytes]) -> Told:
        """Send messages once more, with a journal and a capture of everything."""

    def renew(self) -> None:
        """Make a new start after the lab was brought back."""

    def close(self) -> None:
        """Give back what it has."""


FRESH = (b"%016x" % number for number in count(1 << 36))
"""Numbers that no campaign comes to; they look like the others."""
Status = Callable[[bytes], int]
"""Reads the status of an answer to one question; 0 when these bytes are no answer to it."""


class UdpTarget:
    """A target that is asked with datagrams: what SIP, ng and STUN share.

    Attributes:
        name: of the target.
        corpus: what cases are made from.
    """

    name = ""

    def __init__(self, session: Session, target: Address, *, other: str | None = None, within: float = 1.0) -> None:
        """Open the prober's socket.

        Args:
            session: the campaign's session.
            target: where to.
            other: another local IP, to tell throttling from death.
            within: seconds that a probe may take.
        """
        self.corpus: list[bytes] = []
        self._session = session
        self._target = target
        self._other = other
        self._within = within
        self._exchange = session.exchange("fuzzing")
        self._prober = self._socket()
        self._probes = 0
        self._from: Volley | None = None

    # --- what a protocol says ---

    def question(self) -> tuple[bytes, Status]:
        """Write a good request of its own, and what reads its answer."""
        raise NotImplementedError

    def good(self) -> bytes:
        """Write a case that is good."""
        raise NotImplementedError

    def sound(self, status: int) -> bool:
        """Whether this answer to a good request is as it should be."""
        return status > 0

    def again(self, case: bytes) -> bytes:
        """Write a case that was sent as a new one."""
        return NUMBERED.sub(next(FRESH), case)

    def like(self, case: bytes) -> bytes:
        """Write a good case of the same kind."""
        del case
        return self.good()

    def wire(self, case: bytes) -> list[bytes]:
        """Write the datagrams that carry a case."""
        return [case]

    def hear(self, data: bytes, reaction: Reaction) -> None:
        """Note what came back."""
        raise NotImplementedError

    # --- the same for all ---

    def _socket(self, source: str | None = None) -> Volley:
        """Open a socket; sources are cheap, and a limit by source is not what is fuzzed."""
        return Volley(self._session, "fuzzer", self._exchange, self._target, source=source, journal=False)

    def where(self) -> Address:
        """The address that cases go to."""
        return self._target

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases and a good request behind them; its answer says that they are through."""
        reaction = Reaction()

        def take(data: bytes) -> bool:
            self.hear(data, reaction)
            return False

        volley = self._thrower()
        volley.fire([data for case in cases for data in self.wire(case)], take, 0)
        gone = volley.refused
        begun = time.monotonic()
        health = self.ask(self._usual_prober())
        volley.fire((), take, 0)
        gone = gone or volley.refused
        health = self._look_around(health)
        seconds = time.monotonic() - begun
        return reaction, replace(health, gone=gone or health.gone, seconds=seconds)

    def probe(self) -> Health:
        """Ask from here; when that is not served, from another address, and from here once more."""
        begun = time.monotonic()
        found = self._look_around(self.ask(self._usual_prober()))
        return replace(found, seconds=time.monotonic() - begun)

    def _look_around(self, first: Health) -> Health:
        """Ask further when the first question was not served.

        The other address is asked at once: a ban of this one may be short. When it is served without delay, it was
        served all the time, and this one was not; when only its later attempts are, the lab was hung until then.
        """
        if first.serves or first.refused:
            return first
        elsewhere = None
        if self._other is not None:
            with self._socket(self._other) as volley:
                elsewhere = self.ask(volley)
        again = self.ask(self._usual_prober())
        found = replace(again, asked_elsewhere=elsewhere is not None, gone=first.gone or again.gone)
        if elsewhere is None or not elsewhere.serves:
            return found
        return replace(found, serves=True, elsewhere=not again.serves or elsewhere.seconds < FIRST_WAIT)

    def _thrower(self) -> Volley:
        """The socket that cases come from, another one after so many."""
        if self._from is None or self._from.sent >= CASES_A_SOCKET:
            if self._from is not None:
                self._from.close()
            self._from = self._socket()
        return self._from

    def _usual_prober(self) -> Volley:
        self._probes += 1
        if self._probes % PROBES_A_SOCKET == 0:
            self._prober.close()
            self._prober = self._socket()
        return self._prober

    def ask(self, volley: Volley) -> Health:
        """Send a good request, and again at growing intervals: what was lost in a crash shows as a refusal then."""
        good, read = self.question()
        begun = time.monotonic()
        wait, status, refused = FIRST_WAIT, 0, False

        def answered(data: bytes) -> bool:
            nonlocal status
            status = read(data) or status
            return status > 0

        while not (status or refused) and (left := begun + self._within - time.monotonic()) > 0:
            volley.fire([good], answered, min(wait, left))
            refused = volley.refused and not status
            wait *= 2
        serves = status > 0 and self.sound(status)
        return Health(serves, time.monotonic() - begun, status, refused=refused, gone=refused)

    def retell(self, messages: Sequence[bytes]) -> Told:
        """Send messages once more, each from a socket of its own, with a journal of everything; then a good request."""
        session = self._session.link.session(Record("finding"), source=self._session.source)
        try:
            outsider = Outsider(session, actor="fuzzer")
            for number, case in enumerate(messages, 1):
                label = f"message {number} of {len(messages)}"
                for data in self.wire(case):
                    outsider.send(data, self._target, label, within=session.timers.silence, linger=0.0)
            good, _ = self.question()
            outsider.send(good, self._target, "does it still serve?", within=self._within, linger=0.0, injected=False)
        finally:
            session.close()
        return Told.of(session)

    def renew(self) -> None:
        """Nothing is kept that a restarted lab could have forgotten."""

    def close(self) -> None:
        """Close the sockets."""
        self._prober.close()
        if self._from is not None:
            self._from.close()
