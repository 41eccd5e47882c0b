"""The whole chain of a data channel: registration, call, DTLS, SCTP, HTTP, application (TS 23.228 Annex AC.7.1).

All other purposes of data channels break one link of it; here nothing is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import applications
from imsproof.dcsteps import root
from imsproof.judge import expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench


@purpose("DC-CHAIN-01")
def test_with_nothing_broken_the_chain_comes_up(bench: Bench) -> None:
    """A call gets a data channel, DTLS with the announced certificate, SCTP, the list, and the first application."""
    call = bench.data_channel_peer().open("data channel")
    if call.peer is None:
        expect(call).that("chain-complete", exchanges=[call.exchange])
        return
    association = call.connect("DTLS and SCTP")
    listing = root(call, association, "GET /")
    for path in applications.links(listing.body)[:1] if listing.ok else ():
        expect(call.get(association, path, label="GET of the first application")).accepted()
    expect(call).that("chain-complete", exchanges=[call.exchange, association.exchange, listing.exchange])
    call.close()
