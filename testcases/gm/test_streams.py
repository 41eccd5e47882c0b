"""SIP on a TCP connection of Gm: requests however they are cut and joined, lengths that lie, and what comes behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.outsider import Outsider
from imsproof.actors.torturer import Torturer
from imsproof.codec.torture import framing, plain, rfc4475
from imsproof.codec.torture.draft import Kind
from imsproof.codec.torture.framing import Stream
from imsproof.gmsteps import BLAMED, PROCESSED, SERVED
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench
    from imsproof.codec.torture import Case

AFTERWARDS = rfc4475.named("scalar02", "badvers", "mismatch01", "insuf", "multi01")
"""Malformed requests whose length is beyond doubt, so that everybody knows where the next one begins."""


@purpose("GM-MALFORMED-13")
def test_streams_are_understood(bench: Bench) -> None:
    """Two good requests on one connection are both answered, however the stream is cut."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="tcp")
    control(torturer.plain()).accepted(PROCESSED)
    for answer, call_ids in torturer.streams(framing.UNDERSTOOD, injected=False):
        expect(answer).holds("all-answered", call_ids=call_ids, wrong=BLAMED)
    alive(torturer.plain(label="well-formed afterwards"), accept=PROCESSED)


@purpose("GM-MALFORMED-14")
def test_a_wrong_length_smuggles_nothing(bench: Bench) -> None:
    """A request in the body of one whose length cannot be known is not served."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="tcp")
    control(torturer.plain()).accepted(PROCESSED)
    for answer, call_ids in torturer.streams(framing.SMUGGLED):
        expect(answer).holds("none-served", call_ids=call_ids[1:], accept=SERVED)
    alive(torturer.plain(label="well-formed afterwards"), accept=PROCESSED)


@purpose("GM-MALFORMED-15")
def test_an_unfinished_message_keeps_nobody_waiting(bench: Bench) -> None:
    """While connections hold half a message, a good request on another connection is answered as fast as before."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="tcp")
    before = torturer.plain()
    control(before).accepted(PROCESSED)
    whole = plain("REGISTER", torturer.aim())
    halves = (whole[: len(whole) // 2], whole[:10], whole.replace(b"Content-Length: 0", b"Content-Length: 60000"))
    for number, half in enumerate(halves, 1):
        Outsider(bench.session).send(half, torturer.target, f"half a message ({number})", transport="tcp", within=0.001)
        after = torturer.plain(label=f"well-formed beside half a message ({number})")
        if not expect(after).holds("not-slower", reference=before.exchange, factor=20, floor=1.0).held:
            break
    alive(torturer.plain(label="well-formed afterwards"), accept=PROCESSED)


@purpose("GM-MALFORMED-21")
def test_a_connection_is_not_confused(bench: Bench) -> None:
    """A good request behind a malformed one on the same connection is answered as good, unless the lab closes it."""
    torturer = Torturer(bench.session, bench.gm, bench.random, transport="tcp")
    control(torturer.plain()).accepted(PROCESSED)
    for answer, call_ids in torturer.streams([behind(one) for one in AFTERWARDS], injected=False):
        expect(answer).holds("next-understood", call_id=call_ids[1], wrong=BLAMED)
    alive(torturer.plain(label="well-formed afterwards"), accept=PROCESSED)


def behind(one: Case) -> Stream:
    """A malformed REGISTER and a good one behind it, each written whole."""
    return Stream(
        one.name, one.about, Kind.INVALID, lambda bad, good: [one.message(bad, "REGISTER"), plain("REGISTER", good)]
    )
