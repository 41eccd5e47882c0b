"""SIP over TCP and TLS as targets: each case on a connection of its own, with a good request behind it.

A stream adds what datagrams cannot show: whether the next message on the same connection is understood. That is judged
only where a case leaves no doubt where it ends (:func:`ends_plainly`); a lab may always close the connection instead.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.actors.station import tls_of
from imsproof.codec.torture import framing, plain
from imsproof.fuzzing.doors import Door
from imsproof.fuzzing.gmsip import BLAMED, PROBES, final_status, good_like, signature, usual_corpus
from imsproof.fuzzing.target import MARK, Reaction
from imsproof.fuzzing.watch import Condition, Health, Look
from imsproof.link.session import ConnectionFailedError
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsStream

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from typing import Literal

    from imsproof.actors.torturer import Torturer
    from imsproof.codec.torture import Aim
    from imsproof.seams import Address

    Stream = TcpStream | TlsStream

PLAIN_START = re.compile(rb"[A-Z]{1,32} sips?:[!-~]+ SIP/2\.0|SIP/2\.0 [1-6]\d\d [ -~]*")
PLAIN_LINE = re.compile(rb"[!-9;-~]+[ \t]*:[ -~\t\x80-\xff]*")
LENGTH = re.compile(rb"(?i)(?:content-length|l)[ \t]*:[ \t]*(.*)")
MOST_HEAD, MOST_BODY, MOST_LINES = 4_000, 4_000, 60
"""Beyond these a lab may end a connection, or read no further, by right."""
MOST_BYTES = 256 * 1024
DOUBTFUL = 0.2
"""Seconds to wait for an answer behind a case that nobody knows the end of."""


def ends_plainly(case: bytes) -> bool:
    """Whether everybody sees alike where this message ends: start line, header lines, one right Content-Length.

    RFC 3261 18.3: over streams Content-Length alone says it. Folded lines, odd line ends, control characters, and
    anything very long count as doubtful, so that no lab is blamed for reading them in another way.
    """
    head, empty, body = case.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not empty or len(head) > MOST_HEAD or len(body) > MOST_BODY or len(lines) > MOST_LINES:
        return False
    if not PLAIN_START.fullmatch(lines[0]) or not all(PLAIN_LINE.fullmatch(one) for one in lines[1:]):
        return False
    lengths = [found[1].strip() for one in lines[1:] if (found := LENGTH.fullmatch(one))]
    return lengths == [b"%d" % len(body)]


def written(case: bytes) -> list[bytes]:
    """Cut a case into what is written at once: whole, in two, or a few bytes at a time; the case itself says how."""
    chance = zlib.crc32(case)
    match chance % 4:
        case 0 if len(case) > 1:
            at = 1 + (chance >> 2) % (len(case) - 1)
            return [case[:at], case[at:]]
        case 1 if len(case) < 500:
            return [case[at : at + 7] for at in range(0, len(case), 7)]
    return [case]


@dataclass(slots=True)
class Asked:
    """What became of one connection.

    Attributes:
        status: of the final answer to the good request behind the case; 0 when there was none.
        came: all that came back.
        ended: why the connection ended, ``""`` while it stood.
        failed: whether it did not come up.
    """

    status: int = 0
    came: bytes = b""
    ended: str = ""
    failed: bool = False


class GmStream(Door):
    """SIP over TCP or TLS on Gm, from nobody in particular.

    Attributes:
        aim: addresses a message of a method.
    """

    def __init__(
        self,
        torturer: Torturer,
        transport: Literal["tcp", "tls"],
        chance: random.Random,
        *,
        other: str | None = None,
    ) -> None:
        """Prepare.

        Args:
            torturer: aims over this transport.
            transport: which.
            chance: seeded; tokens of good requests come from it.
            other: another local IP, to tell throttling from death.
        """
        super().__init__(torturer.session, self._serves_other if other else None)
        self.name = f"gm-{transport}"
        self.aim = torturer.aim
        self._tls = tls_of(torturer.gm) if transport == "tls" else None
        self._target = torturer.target
        self._transport = transport
        self._chance = chance
        self._other = other
        self._method, self._usual_status = "", 0
        self.corpus = [*usual_corpus(self.aim), *_streams(replace(self.aim("REGISTER"), token=MARK))]

    def where(self) -> Address:
        """The address of SIP over this transport."""
        return self._target

    def good(self) -> bytes:
        """Write a good request, as probes are."""
        return self._good()[0]

    def like(self, case: bytes) -> bytes:
        """Write a good request of the same method."""
        return good_like(case, self.aim)

    def _good(self) -> tuple[bytes, bytes]:
        token = f"ffff{self._chance.getrandbits(64):016x}"
        method = self._method or PROBES[0]
        return plain(method, replace(self.aim(method), token=token)), token.encode()

    def sound(self, status: int) -> bool:
        """Whether a good request was answered as at the beginning, or at least not blamed."""
        return status > 0 and (status not in BLAMED or status == self._usual_status)

    def serves(self) -> bool:
        """Whether a good request on a new connection is answered; with the method that is known to be."""
        return self._asked_well(None)

    def _serves_other(self) -> bool:
        return self._asked_well(self._other)

    def _asked_well(self, source: str | None) -> bool:
        for method in (self._method,) if self._method else PROBES:
            self._method = method
            asked = self.session.run(self._ask(b"", source))
            if self.sound(asked.status) or (asked.status and not self._usual_status):
                self._usual_status = self._usual_status or asked.status
                return True
        if not self._usual_status:
            self._method = ""
        return False

    def fire(self, cases: Sequence[bytes]) -> tuple[Reaction, Health]:
        """Send cases, each with a good request behind it; then see whether the lab lives, and who was confused."""
        reaction = Reaction()
        asked = self._throw(cases, reaction)
        health = self.probe()
        if not health.serves or health.elsewhere:
            return reaction, health
        for case, one in zip(cases, asked, strict=True):
            if ends_plainly(case) and not one.failed and not one.ended and not self.sound(one.status):
                told = f"answered {one.status}" if one.status else "not answered"
                why = f"a good request behind a message on one {self._transport.upper()} connection is {told}"
                return reaction, replace(health, breach=Look(Condition.CONFUSED, why=why))
        return reaction, health

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        """Send cases, each on a connection of its own and with a good request behind it."""
        self._throw(cases, reaction)

    def _throw(self, cases: Sequence[bytes], reaction: Reaction) -> list[Asked]:
        async def together() -> list[Asked]:
            return await asyncio.gather(*(self._ask(case) for case in cases))

        found: list[Asked] = self.session.run(together())
        for case, one in zip(cases, found, strict=True):
            for answer in re.split(rb"(?=SIP/2\.0 \d{3} )", one.came)[1:]:
                kind = signature(answer)[1]
                reaction.count(case, int(kind[:3]), kind)
            if one.failed or (not one.came and not one.ended):
                reaction.count(case, -1 if one.failed else 0)
            if one.ended:
                reaction.seen.append((case, f"connection ends after {len(one.came).bit_length()} bits of answer"))
        return found

    async def _ask(self, case: bytes, source: str | None = None) -> Asked:
        """Open a connection, write a case and a good request, and read until that is answered or nothing comes."""
        good, token = self._good()
        asked = Asked()
        try:
            stream = await self._open(source)
        except ConnectionFailedError:
            asked.failed = True
            return asked
        try:
            for piece in (*written(case), good) if case else (good,):
                await stream.send(piece)
            # What leaves its end in doubt may swallow the good request; nothing is learnt by waiting long for it.
            within = self.session.timers.answer if not case or ends_plainly(case) else DOUBTFUL
            end = asyncio.get_running_loop().time() + within
            came = bytearray()
            while len(came) < MOST_BYTES and (left := end - asyncio.get_running_loop().time()) > 0:
                more = await stream.receive(left)
                if not more:
                    break
                came += more
                asked.came = bytes(came)
                asked.status = answered(asked.came, token)
                if asked.status:
                    break
            asked.ended = stream.ended
        except ConnectionFailedError as error:
            asked.ended = str(error)
        finally:
            await stream.aclose()
        return asked

    async def _open(self, source: str | None) -> Stream:
        exchange = self.session.exchange(f"fuzzing over {self._transport}")
        local = (source, 0) if source else None
        if self._tls is None:
            return await TcpStream.open(self.session, "fuzzer", exchange, self._target, local=local)
        return await TlsStream.open(self.session, "fuzzer", exchange, self._target, self._tls, local=local)


def answered(came: bytes, token: bytes) -> int:
    """Status of the final answer with this Call-ID in a stream of answers; 0 when it is not there."""
    answers = re.split(rb"(?=SIP/2\.0 \d{3} )", came)
    return next((status for one in answers if b"\r\n\r\n" in one and (status := final_status(one, token))), 0)


def _streams(aim: Aim) -> list[bytes]:
    """Streams of two messages, cut and joined, with lengths that are right and that lie."""
    second = replace(aim, token=f"{MARK}b")
    return [b"".join(one.parts(aim, second)) for one in (*framing.UNDERSTOOD, *framing.SMUGGLED)]
