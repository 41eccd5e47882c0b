"""Floods on Gm (TS 33.117 clause 4.2.3.3.3): a legitimate UE is served while somebody floods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors.connections import Connections
from imsproof.actors.flooder import Flooder, Shape
from imsproof.actors.liveness import other_source
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.sipsubject import Registration
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench

SHARE = 0.8
"""The least share of the legitimate UE's registrations that must succeed."""
ATTEMPTS = 3
HEARD = [200, 401, 407]
"""Answers to a REGISTER that got through: where connections are the question, a challenge is service."""
CONNECTIONS = 300
"""Idle TCP connections of one address: more than small nodes have room for, fewer than an orderly limit of any."""


@dataclass(frozen=True, slots=True)
class Load:
    """A flood: the method of its requests and their shape."""

    method: str
    shape: Shape = Shape.PLAIN


@purposes(
    {
        "GM-FLOOD-01": Load("REGISTER"),
        "GM-FLOOD-02": Load("INVITE", Shape.OFFER),
        "GM-FLOOD-03": Load("OPTIONS"),
        "GM-FLOOD-04": Load("MESSAGE", Shape.TEXT),
        "GM-FLOOD-06": Load("OPTIONS", Shape.MALFORMED),
    }
)
def test_a_flood_does_not_stop_a_legitimate_ue(bench: Bench, case: Load) -> None:
    """While one source floods, a UE at another address registers as before."""
    target = bench.gm.udp
    if target is None:
        raise InconclusiveError("floods go over UDP; the profile gives no gm.udp")
    ue = bench.ue(transport="udp")
    flooder = Flooder(bench.session, target, bench.gm.domain, bench.random, sources=[source(bench, ue, target[0])])
    flood = flooder.flood(
        case.method,
        shape=case.shape,
        beside=lambda: ue.aregister(label="REGISTER of the legitimate UE"),
        attempts=ATTEMPTS,
    )
    control(flood).holds("flood-happened", at_least=int(0.9 * bench.profile.limits.flood_packets))
    expect(flood).that("served-share", exchanges=flood.exchanges, share=SHARE)
    after = ue.register(label="REGISTER after the flood")
    expect(after).that("serves", exchanges=[after.exchange])
    alive(after)
    ue.close()


@purpose("GM-FLOOD-05")
def test_idle_connections_do_not_keep_a_legitimate_ue_out(bench: Bench) -> None:
    """While one address holds many TCP connections without a word, a UE at another address registers over TCP."""
    target = bench.gm.tcp
    if target is None:
        raise InconclusiveError("the profile gives no gm.tcp")
    ue = bench.ue(transport="tcp")
    count = min(CONNECTIONS, bench.profile.limits.flood_packets)
    holder = Connections(bench.session, target, source=source(bench, ue, target[0]))
    held = holder.open(count)
    control(held).holds("flood-happened", at_least=count)
    attempts = [anew(bench, ue) for _ in range(ATTEMPTS)]
    expect(held).that("served-share", exchanges=[one.exchange for one in attempts], share=SHARE, accept=HEARD)
    holder.close()
    alive(anew(bench, ue, "REGISTER after the connections were closed"), accept=HEARD)


def anew(bench: Bench, ue: Ue, label: str = "REGISTER over a new connection") -> Registration:
    """Register the same subscriber over a connection of its own."""
    other = bench.ue("ue-a", transport="tcp", subscriber=ue.subscriber, registered=False)
    return other.register(label=label)


def source(bench: Bench, ue: Ue, target: str) -> str | None:
    """An address of the tester's that is not the UE's."""
    return next((one for one in bench.profile.tester.addresses if one != ue.local[0]), None) or other_source(
        target, ue.local[0]
    )
