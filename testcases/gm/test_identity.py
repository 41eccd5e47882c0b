"""Identities: who the far UE is told is calling (TS 24.229 P-CSCF procedures; TS 33.203 Annex Q)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imsproof.actors.answering import Answering
from imsproof.actors.media import FarLeg
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench
    from imsproof.codec.sip import Message


@purpose("GM-ID-01")
def test_the_far_ue_sees_the_asserted_identity(bench: Bench) -> None:
    """Whatever the caller claims in P-Asserted-Identity, P-Preferred-Identity or From, the far UE sees its own."""
    caller, callee = bench.ue("ue-a"), bench.ue("ue-b")
    media = FarLeg(bench.session, callee.local[0], actor="ue-b")
    calls = Answering(callee, lambda _offer: media.sdp())
    forged = f"sip:imposter@{bench.gm.domain}"
    offer = media.sdp().to_bytes()

    honest = caller.invite(callee.impu, offer, label="INVITE, honest")
    control(honest).accepted()
    honest.bye()

    def false_from(message: Message) -> None:
        message.set("From", f"<{forged}>;tag={bench.random.getrandbits(32):08x}")

    claims: list[tuple[str, dict[str, Any]]] = [
        ("P-Asserted-Identity", {"headers": [("P-Asserted-Identity", f"<{forged}>")]}),
        ("P-Preferred-Identity", {"headers": [("P-Preferred-Identity", f"<{forged}>")]}),
        ("From", {"alter": false_from}),
    ]
    for header, claim in claims:
        before = len(calls.taken)
        false = caller.invite(callee.impu, offer, label=f"INVITE with false {header}", **claim)
        arrived = calls.taken[before] if len(calls.taken) > before else false
        expect(arrived).holds("asserted-identity", allowed=list(caller.subscriber.impus), forged=[forged])
        if false.ok:
            false.bye()
    last = caller.invite(callee.impu, offer, label="INVITE, honest again")
    alive(last)
    if last.ok:
        last.bye()
