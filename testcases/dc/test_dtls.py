"""DTLS of data channels (TS 33.210 clause 6.2.1; TS 33.328 clauses 4.1.2.4, 4.2.5 and 5.5.6, titles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dcpeer import Handshake
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench

WEAK = b"eNULL:aNULL:AES128-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"


@purpose("DC-DTLS-01")
def test_dtls_1_2_with_a_strong_suite_and_nothing_older(bench: Bench) -> None:
    """DTLS 1.2 is taken with ECDHE and AEAD; DTLS 1.0, and weak suites alone, are refused."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    good = call.handshake("DTLS 1.2")
    control(good).negotiated("DTLSv1.2")
    expect(good).holds("strong-suite")
    call.close()
    hostile = (
        ("DTLS 1.0", Handshake(versions=("DTLSv1", "DTLSv1"), ciphers=b"ALL", security_level=0, injected=True)),
        ("weak suites alone", Handshake(ciphers=WEAK, security_level=0, injected=True)),
    )
    for name, how in hostile:
        call = peer.open(f"data channel for {name}")
        attempt = call.handshake(name, how)
        expect(attempt).handshake_refused(alert=["protocol_version", "handshake_failure", "insufficient_security"])
        call.close()
    call = peer.open("data channel again")
    alive(call.handshake("DTLS 1.2 again"))
    call.close()
