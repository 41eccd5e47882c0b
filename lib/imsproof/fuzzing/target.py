"""What a campaign fuzzes: how cases reach the lab, how it is seen to live, and how it is brought back."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from imsproof.codec.torture import Aim, ims, plain, rfc4475, rfc5118
from imsproof.fuzzing.anomalies import METHODS
from imsproof.link.volley import Volley

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from imsproof.link.session import Session
    from imsproof.seams import Address

MARK = "0123456789abcdef"
"""Stands in a corpus where each message has a token of its own."""
SERVED = (200, 401, 403, 407)
PROBES_A_SOCKET = 25
"""Networks limit REGISTERs of one source; a probe must not run into that."""
FIRST_WAIT = 0.1
"""Seconds until an unanswered probe is sent again for the first time."""
_STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
_CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)")


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe saw.

    Attributes:
        serves: whether the lab answered a well-formed request.
        seconds: how long that took.
        elsewhere: whether it answered another of the tester's addresses instead: throttled, not dead.
        refused: whether nobody listens there any more.
    """

    serves: bool
    seconds: float
    elsewhere: bool = False
    refused: bool = False


@dataclass(slots=True)
class Reaction:
    """What came back to a volley: how many answers of which kind, and the kinds themselves."""

    statuses: dict[int, int] = field(default_factory=dict)
    signatures: dict[bytes, str] = field(default_factory=dict)


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
        """Write a probe."""

    def renew(self) -> None:
        """Make a new start after the lab was brought back."""

    def close(self) -> None:
        """Give back what it has."""


def signature(data: bytes) -> tuple[bytes, str]:
    """Call-ID of an answer, and what kind it is: status, and the names of its headers."""
    status = _STATUS.match(data)
    call_id = _CALL_ID.search(data)
    head = data.partition(b"\r\n\r\n")[0]
    names = {line.partition(b":")[0].strip().lower()[:40] for line in head.split(b"\r\n")[1:]}
    kind = f"{status[1].decode() if status else '?'} {','.join(sorted(one.decode('latin-1') for one in names))}"
    return (call_id[1].strip() if call_id else b""), kind


class GmSip:
    """SIP over UDP on Gm, from nobody in particular."""

    name = "gm-sip"

    def __init__(
        self,
        session: Session,
        target: Address,
        aim: Callable[[str], Aim],
        chance: random.Random,
        *,
        other: str | None = None,
        within: float = 1.0,
        sends: Sequence[bytes] = (),
    ) -> None:
        """Open the socket.

        Args:
            session: the campaign's session.
            target: P-CSCF or registrar.
            aim: addresses a message of a method (its token is replaced).
            chance: seeded; tokens of probes come from it.
            other: another local IP, to tell throttling from death.
            within: seconds that a probe may take.
            sends: a corpus of one's own, in the place of the usual one.
        """
        self._session = session
        self._target = target
        self.aim = aim
        self._chance = chance
        self._other = other
        self._within = within
        self._exchange = session.exchange("fuzzing")
        self._prober = self._socket()
        self._probes = 0
        self.corpus = list(sends) or self._usual()

    def _socket(self, source: str | None = None) -> Volley:
        """Open a socket; sources are cheap, and a limit by source is not what is fuzzed."""
        return Volley(self._session, "fuzzer", self._exchange, self._target, source=source, journal=False)

    def _usual(self) -> list[bytes]:
        found = [plain(method, replace(self.aim(method), token=MARK)) for method in METHODS]
        found += [one.message(replace(self.aim(one.method), token=MARK)) for one in (*rfc4475.ALL, *rfc5118.ALL)]
        found += [one.message(replace(self.aim(one.method), token=MARK)) for one in ims.ALL]
        return [one for one in found if len(one) < 8_000]

    def where(self) -> Address:
        """The address of SIP over UDP."""
        return self._target

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases and a well-formed REGISTER behind them; its answer says that they are through."""
        reaction = Reaction()

        def take(data: bytes) -> bool:
            call_id, kind = signature(data)
            status = int(kind[:3]) if kind[:3].isdigit() else 0
            reaction.statuses[status] = reaction.statuses.get(status, 0) + 1
            reaction.signatures[call_id] = kind
            return False

        with self._socket() as volley:
            volley.fire(cases, take, 0)
            health = self._ask(self._usual_prober())
            volley.fire((), take, 0)
        return reaction, health if health.serves else self.probe()

    def probe(self) -> Health:
        """Ask twice from here, then from another address."""
        for _ in range(2):
            found = self._ask(self._usual_prober())
            if found.serves or found.refused:
                break
        if not found.serves and self._other is not None:
            with self._socket(self._other) as volley:
                if self._ask(volley).serves:
                    return Health(serves=True, seconds=found.seconds, elsewhere=True)
        return found

    def _usual_prober(self) -> Volley:
        self._probes += 1
        if self._probes % PROBES_A_SOCKET == 0:
            self._prober.close()
            self._prober = self._socket()
        return self._prober

    def _ask(self, volley: Volley) -> Health:
        """Send a probe, again and again at growing intervals: what was lost in a crash shows as a refusal then."""
        good, token = self._good()
        begun = time.monotonic()
        wait, served, refused = FIRST_WAIT, False, False
        while not (served or refused) and (left := begun + self._within - time.monotonic()) > 0:
            came = volley.fire([good], lambda data: _answers(data, token), min(wait, left))
            served, refused = any(_answers(data, token) for data in came), volley.refused
            wait *= 2
        return Health(served, time.monotonic() - begun, refused=refused and not served)

    def good(self) -> bytes:
        """Write a well-formed REGISTER, as probes are."""
        return self._good()[0]

    def _good(self) -> tuple[bytes, bytes]:
        token = f"ffff{self._chance.getrandbits(64):016x}"
        return plain("REGISTER", replace(self.aim("REGISTER"), token=token)), token.encode()

    def renew(self) -> None:
        """Nothing is kept that a restarted lab could have forgotten."""

    def close(self) -> None:
        """Close the socket."""
        self._prober.close()


def _answers(data: bytes, token: bytes) -> bool:
    call_id, kind = signature(data)
    return call_id == token and kind[:3].isdigit() and int(kind[:3]) in SERVED
