"""Certificate fingerprints in SDP (RFC 8122; TS 33.328 clauses 4.1.2.4, 4.1.2.5, 5.4.4 and 5.4.5, titles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.dcpeer import Handshake, accept_data_channel
from imsproof.codec.sdp import Dcmap, Fingerprint, data_channel_offer
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench

APPLICATION = Dcmap(1000, {"subprotocol": "http", "label": "app"})


@purpose("DC-FP-01")
def test_a_certificate_that_does_not_match_is_refused(bench: Bench) -> None:
    """With the offered certificate the association comes up; with another one it does not."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    control(call.connect("the certificate of the offer")).holds("association-up")
    call.close()
    call = peer.open("data channel for another certificate")
    attack = call.connect("another certificate than the offer's", Handshake(identity=make_identity(), injected=True))
    expect(attack).holds("no-association")
    call.close()
    call = peer.open("data channel again")
    alive(call.handshake("the certificate of the offer again"))
    call.close()


@purpose("DC-FP-02")
def test_in_e2e_the_fingerprint_arrives_as_it_was_sent(bench: Bench) -> None:
    """Offer and answer of an end-to-end data channel carry the same fingerprint at both ends."""
    caller, callee = bench.ue("ue-a", data_channel=True), bench.ue("ue-b", data_channel=True)
    calls = Answering(callee, lambda offer: accept_data_channel(offer, callee.local[0]))
    own = make_identity()
    offer = data_channel_offer(
        caller.local[0],
        9,
        fingerprints=(Fingerprint("SHA-256", own.sha256),),
        tls_id=own.sha256.replace(":", "")[:32],
        dcmaps=(APPLICATION,),
        audio_port=9,
    )
    call = caller.invite(callee.impu, offer.to_bytes(), label="INVITE with an end-to-end data channel")
    control(call).accepted()
    incoming = calls.wait()
    arrived = incoming.exchange if incoming else call.exchange
    expect(call).that("fingerprint-unchanged", sent=call.exchange, received=arrived)
    expect(call).that("fingerprint-unchanged", sent=arrived, received=call.exchange)
    if call.ok:
        call.bye()
