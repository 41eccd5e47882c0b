"""Message sessions that the IMS-AGW protects on the access leg (TS 33.328 4.1.2.3, TS 23.334 6.2.10.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling
from imsproof.actors.dcanswer import take_call
from imsproof.actors.msrp import MsrpPeer
from imsproof.engine.identity import make_identity
from imsproof.judge import control, expect
from imsproof.msrpsteps import joined, serves
from imsproof.profile.msrp import Msrp
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench

OTHER = make_identity(name="other")


@purpose("MSRP-E2AE-01")
def test_the_callee_learns_nothing_of_the_access_leg(bench: Bench) -> None:
    """What only concerns the caller's access leg does not reach the callee: a=3ge2ae, and the fingerprint."""
    caller, callee = bench.ue(), bench.ue("ue-b")
    Answering(callee, lambda offer: take_call(offer, callee.local[0]))
    peer = MsrpPeer(bench.session, lambda: CallSignalling(caller, callee.impu), bench.random, Msrp(e2ae=True))
    call = peer.offer("INVITE with a=3ge2ae:requested")
    expect(call).that("message-leg-in-core", exchange=call.exchange, actor="ue-b")
    call.end()


@purpose("MSRP-E2AE-02")
def test_the_gateway_relays_nothing_without_tls(bench: Bench) -> None:
    """What comes to the gateway's TLS port without TLS does not get through to the other side."""
    peer = bench.messages(e2ae=True)
    witness = joined(peer)
    control(witness.call).holds("message-session-protected")
    plain = peer.offer("INVITE, session for bare TCP").connect("bare TCP to the gateway", plain=True)
    expect(plain.send("SEND without TLS", injected=True)).refused()
    serves(witness)


@purpose("MSRP-E2AE-03")
def test_the_gateway_checks_the_fingerprint(bench: Bench) -> None:
    """Who shows the gateway another certificate than the offer's does not get through to the other side."""
    peer = bench.messages(e2ae=True)
    witness = joined(peer)
    wrong = peer.offer("INVITE, session for another certificate").connect("another certificate", identity=OTHER)
    expect(wrong.send("SEND with another certificate", injected=True)).refused()
    serves(witness)
