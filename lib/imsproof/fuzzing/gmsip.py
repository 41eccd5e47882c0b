"""SIP over UDP as a target: from nobody in particular, towards a P-CSCF, a registrar or a user agent."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from imsproof.codec.torture import Aim, ims, plain, rfc4475, rfc5118
from imsproof.fuzzing.anomalies import METHODS
from imsproof.fuzzing.target import FRESH, MARK, Reaction, Status, UdpTarget

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from imsproof.fuzzing.watch import Health
    from imsproof.link.session import Session
    from imsproof.link.volley import Volley
    from imsproof.seams import Address

BLAMED = (400, 500, 503, 504)
"""Answers to a good request which say that the lab is not as it should be, unless it always answers so."""
FINAL = 200
MOST_OCTETS = 8_000
PROBES = ("REGISTER", "OPTIONS")
"""Methods of probes; the first that is answered is kept (a user agent takes no REGISTER)."""
_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ?([^\r\n]*)")
_CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)")
KNOWN = frozenset(
    b"accept allow alert-info authentication-info call-id call-info contact content-length content-type cseq date "
    b"error-info expires feature-caps from geolocation max-forwards min-expires min-se p-asserted-identity "
    b"p-associated-uri p-charging-vector path privacy proxy-authenticate proxy-require reason record-route require "
    b"retry-after route rseq security-server server service-route session-expires sip-etag subject supported to "
    b"unsupported user-agent via warning www-authenticate".split()
)
"""Headers that tell answers apart; what else stands there is mostly an echo of the request."""
_NUMBERS = re.compile(r"\d+")


def signature(data: bytes) -> tuple[bytes, str]:
    """Call-ID of an answer, and what kind it is: status, reason, names of its headers, and how long it is (log2)."""
    status = _STATUS.match(data)
    call_id = _CALL_ID.search(data)
    head = data.partition(b"\r\n\r\n")[0]
    found = {line.partition(b":")[0].strip().lower() for line in head.split(b"\r\n")[1:]}
    names = [*sorted(found & KNOWN), *([b"+"] if found - KNOWN else [])]
    reason = _NUMBERS.sub("0", status[2].decode("latin-1")[:40]) if status else ""
    told = f"{status[1].decode() if status else '?'} {reason}; {','.join(one.decode('latin-1') for one in names)}"
    return (call_id[1].strip() if call_id else b""), f"{told}; {len(data).bit_length()}"


def final_status(data: bytes, token: bytes) -> int:
    """Status of the final answer to the request whose Call-ID is ``token``; 0 when these bytes are no such answer."""
    status, call_id = _STATUS.match(data), _CALL_ID.search(data)
    if status is None or call_id is None or call_id[1].strip() != token or int(status[1]) < FINAL:
        return 0
    return int(status[1])


def usual_corpus(aim: Callable[[str], Aim]) -> list[bytes]:
    """Return a good request of each method and the messages of RFC 4475, RFC 5118 and IMS, with the mark as token."""
    found = [plain(method, replace(aim(method), token=MARK)) for method in METHODS]
    cases = (*rfc4475.ALL, *rfc5118.ALL, *ims.ALL)
    found += [one.message(replace(aim(one.method), token=MARK)) for one in cases]
    return [one for one in found if len(one) < MOST_OCTETS]


def good_like(case: bytes, aim: Callable[[str], Aim]) -> bytes:
    """Write a good request of a case's method; what has none that is known is taken for OPTIONS."""
    word = case.partition(b" ")[0].decode("ascii", "replace")
    method = word if word in METHODS else "OPTIONS"
    return plain(method, replace(aim(method), token=next(FRESH).decode()))


class GmSip(UdpTarget):
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
            target: P-CSCF, registrar or user agent.
            aim: addresses a message of a method (its token is replaced).
            chance: seeded; tokens of probes come from it.
            other: another local IP, to tell throttling from death.
            within: seconds that a probe may take.
            sends: a corpus of one's own, in the place of the usual one.
        """
        super().__init__(session, target, other=other, within=within)
        self.aim = aim
        self._chance = chance
        self._method = ""
        self._usual_status = 0
        self.corpus = list(sends) or usual_corpus(aim)

    def ask(self, volley: Volley) -> Health:
        """Ask with the method that is known to be answered; find it out first."""
        if self._method:
            return super().ask(volley)
        for method in PROBES:
            self._method = method
            found = super().ask(volley)
            if found.serves:
                self._usual_status = found.status
                return found
        self._method = ""
        return found

    def question(self) -> tuple[bytes, Status]:
        """Write a request that is new, and read the final answer to it."""
        token = f"ffff{self._chance.getrandbits(64):016x}"
        method = self._method or PROBES[0]
        return plain(method, replace(self.aim(method), token=token)), partial(final_status, token=token.encode())

    def good(self) -> bytes:
        """Write a good request, as probes are."""
        return self.question()[0]

    def like(self, case: bytes) -> bytes:
        """Write a good request of the same method."""
        return good_like(case, self.aim)

    def sound(self, status: int) -> bool:
        """Whether a good request is answered as at the beginning, or at least not blamed."""
        return status not in BLAMED or status == self._usual_status

    def hear(self, data: bytes, reaction: Reaction) -> None:
        """Note the kind of an answer, by its Call-ID."""
        call_id, kind = signature(data)
        status = int(kind[:3]) if kind[:3].isdigit() else 0
        reaction.statuses[status] = reaction.statuses.get(status, 0) + 1
        reaction.signatures[call_id] = kind
