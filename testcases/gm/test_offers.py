"""Offers (SDP) to the lab's far UE: senseless ones are not accepted, unusual ones that are valid are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sdp import Fingerprint, audio_offer, data_channel_offer
from imsproof.codec.torture import sdp as offers
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes

if TYPE_CHECKING:
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench

WRONG_AUDIO = (
    "no-address",
    "address-range",
    "audio-port-range",
    "audio-port-negative",
    "audio-port-text",
    "nul",
    "cut",
)
WRONG_CHANNEL = (
    "dc-no-fingerprint",
    "dc-fingerprint-hash",
    "dc-fingerprint-short",
    "dc-fingerprint-hex",
    "dc-setup-holdconn",
    "dc-sctp-port-range",
    "dc-size-text",
    "dc-stream-reserved",
    "dc-stream-repeated",
    "dc-port-range",
)
UNUSUAL = ("dc-fingerprint-case", "dc-fingerprints", "dc-size-zero")


@purposes({"GM-MALFORMED-17": ("audio", WRONG_AUDIO), "GM-MALFORMED-18": ("application", WRONG_CHANNEL)})
def test_senseless_offers_are_not_accepted(bench: Bench, case: tuple[str, tuple[str, ...]]) -> None:
    """The lab's far UE takes a good offer; one that leaves no way to set the medium up is not accepted with it."""
    medium, names = case
    ue = bench.ue(data_channel=True if medium == "application" else None)
    good = offer(ue, medium)
    call = ue.invite(bench.far_target(), good, label="INVITE with a good offer")
    control(call).holds("medium-taken", medium=medium)
    if call.ok:
        call.bye()
    for one in (one for one in offers.ALL if one.name in names):
        call = ue.invite(bench.far_target(), one.body(good), label=f"{one.name}: {one.about}")
        expect(call).holds("medium-not-taken", medium=medium)
        if call.ok:
            call.bye()
    call = ue.invite(bench.far_target(), good, label="INVITE with a good offer afterwards")
    if call.ok:
        call.bye()
    alive(call)


@purpose("GM-MALFORMED-23")
def test_unusual_offers_are_accepted(bench: Bench) -> None:
    """The lab's far UE takes a data channel whose offer is unusual in form and valid."""
    ue = bench.ue(data_channel=True)
    good = offer(ue, "application")
    usual = ue.invite(bench.far_target(), good, label="INVITE with a good offer")
    control(usual).holds("medium-taken", medium="application")
    if usual.ok:
        usual.bye()
    for one in (one for one in offers.ALL if one.name in UNUSUAL):
        call = ue.invite(bench.far_target(), one.body(good), label=f"{one.name}: {one.about}")
        expect(call).holds("medium-taken", medium="application")
        if call.ok:
            call.bye()


def offer(ue: Ue, medium: str) -> bytes:
    """Write a good offer of one medium."""
    if medium == "audio":
        return audio_offer(ue.local[0], 40000).to_bytes()
    own = make_identity()
    fingerprint = Fingerprint("SHA-256", own.sha256)
    return data_channel_offer(
        ue.local[0], 9, fingerprints=[fingerprint], tls_id=own.sha256.replace(":", "")[:32], audio_port=40000
    ).to_bytes()
