"""Keys of SRTP on the access leg (RFC 4568, RFC 5764, RFC 3711; TS 33.328 clauses 4.1.2.1 and 4.1.2.3, titles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.srtpleg import b64
from imsproof.judge import afterwards, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench


@purpose("SRTP-SDES-01")
def test_sdes_keys_differ(bench: Bench) -> None:
    """Two calls one after the other: four SDES keys, no two of them the same."""
    peer = bench.media().peer
    exchanges = []
    for number in ("first", "second"):
        call = peer.offer_sdes(f"INVITE with SDES, {number} call")
        call.need_peer()
        expect(call).holds("has-crypto")
        exchanges.append(call.exchange)
        call.close()
    expect(call).that("sdes-keys-differ", exchanges=exchanges)


@purpose("SRTP-DTLS-01")
def test_plain_rtp_is_not_taken(bench: Bench) -> None:
    """After DTLS-SRTP was agreed, protected packets are relayed and plain ones are not."""
    media = bench.media()
    call = media.peer.offer_dtls("INVITE with DTLS-SRTP")
    control(call.handshake("DTLS for SRTP")).accepted()
    silence = bench.profile.timers.silence
    protected, plain, again = (bench.random.randbytes(160) for _ in range(3))
    assert media.far is not None
    call.send("SRTP", protected, how="srtp")
    media.far.wait_for(protected, bench.profile.timers.answer)
    control(media.far).holds("payload-arrived", payload=b64(protected))
    call.send("plain RTP", plain, how="plain", injected=True)
    media.far.wait_for(plain, silence)
    expect(media.far).holds("payload-not-arrived", payload=b64(plain))
    call.send("SRTP again", again, how="srtp")
    media.far.wait_for(again, bench.profile.timers.answer)
    afterwards(media.far).holds("payload-arrived", payload=b64(again))
    call.close()
