"""Data-channel applications (TS 23.228 Annex AC; TS 33.328 clause 4.2.5, title)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dcpeer import Handshake
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench


@purpose("DC-APP-01")
def test_applications_only_over_the_protected_channel(bench: Bench) -> None:
    """The list is served on stream 0 inside DTLS, and neither over plain HTTP nor to a peer without fingerprint."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    association = call.connect("protected bootstrap channel")
    control(call.get(association, "/")).accepted()
    expect(call.plain_http("plain HTTP at the address of the data channel")).refused()
    call.close()

    unknown = peer.open("data channel without a fingerprint", fingerprints=())
    if unknown.peer is not None:
        attack = unknown.connect(
            "a certificate that no fingerprint is for", Handshake(identity=make_identity(), injected=True)
        )
        expect(attack).holds("no-association")
    else:
        expect(unknown).holds("no-data-channel")
    unknown.close()
    bare = peer.open("data channel for a peer without a certificate")
    attack = bare.connect("no certificate at all", Handshake(no_certificate=True, injected=True))
    expect(attack).holds("no-association")
    bare.close()

    call = peer.open("data channel again")
    association = call.connect("protected bootstrap channel again")
    alive(call.get(association, "/", label="GET / again"))
    call.close()
