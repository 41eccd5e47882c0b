"""End-to-end data channels: what one UE says of its end arrives at the other (TS 33.328 4.1.2.5 and 5.4.5, titles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.dcanswer import accept_data_channel
from imsproof.actors.ue import Ue
from imsproof.codec.sdp import Dcmap, Fingerprint, data_channel_offer
from imsproof.engine.identity import fingerprint, make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.call import Call
    from imsproof.bench import Bench
    from imsproof.codec.sdp import Sdp

APPLICATION = Dcmap(1000, {"subprotocol": "http", "label": "app"})


def offer_of(bench: Bench, ue: Ue, *fingerprints: Fingerprint) -> Sdp:
    """An end-to-end data channel beside audio, for an application of the UE's; nobody listens at port 9."""
    value = fingerprints[0].value.replace(":", "")
    offer = data_channel_offer(
        ue.local[0], 9, fingerprints=fingerprints, tls_id=value[:32], dcmaps=(APPLICATION,), audio_port=9
    )
    for app in ue.subscriber.apps[:1]:
        offer.media[-1].add_attr("3gpp-req-app", bench.app_binding(app))
    return offer


def sha256() -> Fingerprint:
    """A fresh certificate's fingerprint."""
    return Fingerprint("SHA-256", make_identity().sha256)


def placed(bench: Bench, *fingerprints: Fingerprint) -> tuple[Call, str]:
    """Call with this offer; return the call and the exchange in which it arrived at the other UE."""
    caller, callee = bench.ue("ue-a", data_channel=True), bench.ue("ue-b", data_channel=True)
    calls = Answering(callee, lambda offer: accept_data_channel(offer, callee.local[0]))
    offer = offer_of(bench, caller, *fingerprints)
    call = caller.invite(callee.impu, offer.to_bytes(), label="INVITE with an end-to-end data channel")
    control(call).accepted()
    incoming = calls.wait()
    if incoming is None or not call.ok:
        raise InconclusiveError("the call with an end-to-end data channel did not come to the tester's other UE")
    return call, incoming.exchange


@purpose("DC-FP-02")
def test_in_e2e_the_fingerprint_arrives_as_it_was_sent(bench: Bench) -> None:
    """Offer and answer of an end-to-end data channel carry the same fingerprint at both ends."""
    call, arrived = placed(bench, sha256())
    expect(call).that("fingerprint-unchanged", sent=call.exchange, received=arrived)
    expect(call).that("fingerprint-unchanged", sent=arrived, received=call.exchange)
    call.bye()


@purpose("DC-FP-20")
def test_in_e2e_the_association_is_named_as_it_was_sent(bench: Bench) -> None:
    """tls-id, setup and sctp-port of an end-to-end data channel arrive as they were sent, both ways."""
    call, arrived = placed(bench, sha256())
    names = ["tls-id", "setup", "sctp-port"]
    expect(call).that("attribute-unchanged", sent=call.exchange, received=arrived, names=names)
    expect(call).that("attribute-unchanged", sent=arrived, received=call.exchange, names=names)
    call.bye()


@purpose("DC-FP-21")
def test_in_e2e_all_fingerprints_arrive(bench: Bench) -> None:
    """Of several fingerprints none is lost, none is added, and their order is kept."""
    own = make_identity()
    several = [Fingerprint(name, fingerprint(own.der, name)) for name in ("sha-512", "sha-384", "sha-256")]
    call, arrived = placed(bench, *several)
    expect(call).that("fingerprint-unchanged", sent=call.exchange, received=arrived)
    call.bye()


@purpose("DC-FP-22")
def test_in_e2e_a_later_offers_fingerprint_arrives_as_it_was_sent(bench: Bench) -> None:
    """A re-INVITE's fingerprint is not changed either."""
    call, _ = placed(bench, sha256())
    again = call.reinvite(offer_of(bench, call.ue, sha256()).to_bytes(), label="re-INVITE with another fingerprint")
    expect(again).that("fingerprint-arrived", sent=again.exchange, actor="ue-b")
    call.bye()


@purpose("DC-FP-25")
def test_a_fingerprint_outside_of_the_protected_signalling_gives_nothing(bench: Bench) -> None:
    """A UE that registered over TLS gets a data channel over TLS; the same offer in its name over UDP gets none."""
    ue = bench.ue("ue-a", auth="digest", data_channel=True, transport="tls")
    called = bench.ue("ue-b", data_channel=True)
    Answering(called, lambda offer: accept_data_channel(offer, called.local[0]))
    offer = offer_of(bench, ue, sha256()).to_bytes()
    call = ue.invite(called.impu, offer, label="INVITE with a data channel over TLS")
    control(call).holds("gives-data-channel")
    if call.ok:
        call.bye()
    outside = Ue(bench.session, bench.gm, ue.subscriber, actor="outside", transport="udp")
    attack = outside.invite(called.impu, offer, label="the same INVITE over UDP")
    expect(attack).holds("no-data-channel").that("no-data-channel-offered", sent=attack.exchange, actor="ue-b")
    again = ue.invite(called.impu, offer, label="INVITE with a data channel over TLS again")
    alive(again)
    if again.ok:
        again.bye()
