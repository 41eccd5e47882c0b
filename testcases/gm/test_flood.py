"""Floods on Gm (TS 33.117 clause 4.2.3.3.3): a legitimate UE is served while somebody floods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.flooder import Flooder
from imsproof.actors.liveness import other_source
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.bench import Bench

SHARE = 0.8
"""The least share of the legitimate UE's registrations that must succeed."""


@purpose("GM-FLOOD-01")
def test_a_register_flood_does_not_stop_a_legitimate_ue(bench: Bench) -> None:
    """While one source floods with REGISTER, a UE at another address registers as before."""
    target = bench.gm.udp
    if target is None:
        raise InconclusiveError("floods go over UDP; the profile gives no gm.udp")
    ue = bench.ue()
    source = next((one for one in bench.profile.tester.addresses if one != ue.local[0]), None) or other_source(
        target[0], ue.local[0]
    )
    flooder = Flooder(bench.session, target, bench.gm.domain, bench.random, sources=[source])
    flood = flooder.flood("REGISTER", beside=lambda: ue.aregister(label="REGISTER of the legitimate UE"), attempts=5)
    control(flood).holds("flood-happened", at_least=int(0.9 * bench.profile.limits.flood_packets))
    expect(flood).that("served-share", exchanges=flood.exchanges, share=SHARE)
    after = ue.register(label="REGISTER after the flood")
    expect(after).that("serves", exchanges=[after.exchange])
    alive(after)
    ue.close()
