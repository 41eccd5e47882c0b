"""Who may have data channels (TS 24.186 clause 9.3; TS 23.228 Annex AC)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.parties import forge
from imsproof.actors.producerclient import ProducerClient
from imsproof.codec.sdp import Dcmap, Fingerprint, audio_offer, data_channel_offer
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench

APPLICATION = Dcmap(1000, {"subprotocol": "http", "label": "app"})
BOOTSTRAP = Dcmap(0, {"subprotocol": "http"})
UDP_DISCARD = 9
SDP = ("Content-Type", "application/sdp")
JSON_PATCH = ("content-type", "application/json-patch+json")
CHANGE = json.dumps([{"op": "replace", "path": "/terminations/0/terminationId", "value": "stolen"}])


def offer(bench: Bench, ue: Ue, channel: Dcmap, *, audio: bool = True, binding: str | None = None) -> bytes:
    """An offer of a data channel, beside audio or alone; nobody listens at the ports.

    An application channel is bound to an application that there is, whoever may use it, unless ``binding`` is another.
    """
    own = make_identity()
    made = data_channel_offer(
        ue.local[0],
        UDP_DISCARD,
        fingerprints=[Fingerprint("SHA-256", own.sha256)],
        tls_id=own.sha256.replace(":", "")[:32],
        dcmaps=[channel],
        audio_port=UDP_DISCARD if audio else None,
    )
    if binding is None and channel is APPLICATION:
        apps = [app for one in bench.gm.subscribers for app in one.apps]
        binding = bench.app_binding(apps[0]) if apps else ""
    if binding:
        made.media[-1].add_attr("3gpp-req-app", binding)
    return made.to_bytes()


def served(bench: Bench, called: Ue) -> None:
    """Show that a subscriber with the service gets a data channel."""
    able = bench.ue("ue-c", data_channel=True)
    call = able.invite(called.impu, offer(bench, able, BOOTSTRAP), label="INVITE of a subscriber with the service")
    control(call).accepted().holds("gives-data-channel")
    if call.ok:
        call.bye()


def serves(called: Ue, ue: Ue) -> None:
    """Show that calls still work."""
    call = ue.invite(called.impu, audio_offer(ue.local[0], UDP_DISCARD).to_bytes(), label="INVITE with audio alone")
    alive(call)
    if call.ok:
        call.bye()


@purpose("DC-AUTHZ-01")
def test_a_subscriber_without_the_service_gets_no_data_channel(bench: Bench) -> None:
    """Beside audio, a bootstrap or application channel of a subscriber without the service is refused."""
    called = bench.data_channel_callee()
    served(bench, called)
    unable = bench.ue("ue-a", data_channel=False)
    for name, channel in (("a bootstrap", BOOTSTRAP), ("an application", APPLICATION)):
        call = unable.invite(
            called.impu,
            offer(bench, unable, channel),
            label=f"INVITE with {name} channel, without service",
        )
        expect(call).holds("no-data-channel").that("no-data-channel-offered", sent=call.exchange, actor="ue-b")
        if call.ok:
            call.bye()
    serves(called, unable)


@purpose("DC-AUTHZ-02")
def test_a_session_of_data_channels_alone_is_refused_without_the_service(bench: Bench) -> None:
    """A session of nothing but a data channel is refused to a subscriber without the service, with 403."""
    called = bench.data_channel_callee()
    served(bench, called)
    unable = bench.ue("ue-a", data_channel=False)
    call = unable.invite(
        called.impu,
        offer(bench, unable, APPLICATION, audio=False),
        label="INVITE with a data channel alone, without service",
    )
    expect(call).holds("no-data-channel").that("status-in", role=Role.FORM, exchange=call.exchange, statuses=[403])
    if call.ok:
        call.bye()
    serves(called, unable)


@purpose("DC-AUTHZ-03")
def test_a_data_channel_cannot_be_added_later_without_the_service(bench: Bench) -> None:
    """A re-INVITE that adds a data channel is not taken from a subscriber without the service."""
    called = bench.data_channel_callee()
    served(bench, called)
    unable = bench.ue("ue-a", data_channel=False)
    call = unable.invite(
        called.impu, audio_offer(unable.local[0], UDP_DISCARD).to_bytes(), label="INVITE with audio, without service"
    )
    control(call).accepted()
    if call.ok:
        later = call.reinvite(
            offer(bench, unable, APPLICATION),
            label="re-INVITE that adds a data channel, without service",
        )
        expect(later).holds("no-data-channel").that("no-data-channel-offered", sent=later.exchange, actor="ue-b")
        call.bye()
    serves(called, unable)


@purpose("DC-AUTHZ-04")
def test_a_third_party_adds_no_data_channel_to_a_call(bench: Bench) -> None:
    """A third party that knows a dialog's identifiers offers a data channel within it: nobody gets one by that."""
    called = bench.data_channel_callee()
    caller = bench.ue("ue-c", data_channel=True)
    call = caller.invite(called.impu, offer(bench, caller, BOOTSTRAP), label="INVITE with a data channel")
    control(call).accepted().holds("gives-data-channel")
    if not call.ok or call.dialog is None:
        raise InconclusiveError(f"no call came up: {call.failed or f'answered {call.status}'}")
    for attacker in bench.strangers(caller.subscriber):
        label = f"re-INVITE of {attacker.actor} that adds a data channel"
        attack = forge(attacker, call.dialog, "INVITE", label, headers=(SDP,), body=offer(bench, attacker, BOOTSTRAP))
        expect(attack).holds("no-data-channel").that("no-data-channel-offered", sent=attack.exchange, actor="ue-b")
    call.bye()
    serves(called, caller)


@purpose("DC-AUTHZ-05")
def test_a_channel_for_an_application_of_others_is_refused(bench: Bench) -> None:
    """A re-INVITE with a channel for an application that its user may not use is refused, with 488."""
    user = bench.app_user()
    called = bench.data_channel_callee()
    call = user.ue.invite(called.impu, audio_offer(user.ue.local[0], UDP_DISCARD).to_bytes(), label="INVITE with audio")
    control(call).accepted()
    if call.ok:
        own, others = (bench.app_binding(apps[0]) for apps in (user.own, user.others))
        allowed = call.reinvite(
            offer(bench, user.ue, APPLICATION, binding=own), label=f"re-INVITE with a channel for {own}"
        )
        control(allowed).accepted().that("fingerprint-arrived", sent=allowed.exchange, actor="ue-b")
        attack = call.reinvite(
            offer(bench, user.ue, APPLICATION, binding=others), label=f"re-INVITE with one for {others}"
        )
        expect(attack).holds("no-data-channel").that("no-data-channel-offered", sent=attack.exchange, actor="ue-b")
        expect(attack).that("status-in", role=Role.FORM, exchange=attack.exchange, statuses=[488])
        call.bye()
    serves(called, user.ue)


@purpose("DC-AUTHZ-06")
def test_a_channel_for_no_application_is_refused(bench: Bench) -> None:
    """An application channel (stream 1000 and up) whose offer names no application is not set up."""
    user = bench.app_user().ue
    called = bench.data_channel_callee()
    own = bench.app_binding(user.subscriber.apps[0])
    call = user.invite(
        called.impu, offer(bench, user, APPLICATION, binding=own), label=f"INVITE with a channel for {own}"
    )
    control(call).accepted().holds("gives-data-channel")
    if call.ok:
        call.bye()
    attack = user.invite(
        called.impu, offer(bench, user, APPLICATION, binding=""), label="INVITE with a channel for no application"
    )
    expect(attack).holds("no-data-channel").that("no-data-channel-offered", sent=attack.exchange, actor="ue-b")
    if attack.ok:
        attack.bye()
    serves(called, user)


@purpose("DC-AUTHZ-07")
def test_a_media_context_is_its_owners(bench: Bench, producer: ProducerClient) -> None:
    """A media context cannot be read, changed or ended by another NF, authorised or not; its owner can end it."""
    good = producer.token()
    control(producer.probe(good, label="context of the rightful IMS AS")).accepted()
    if not producer.created:
        raise InconclusiveError("the probe makes no media context whose Location would tell where it is")
    location = producer.created[0]
    others = [
        ProducerClient(NfConsumer(bench.session, bench.sbi, NfIdentity.of(one), actor=one.name), producer.producer)
        for one in (*bench.sbi.peers[:1], *bench.sbi.others[:1])
    ]
    for intruder in others:
        who = intruder.consumer.actor
        token = intruder.token(label=f"token of {who}")
        for method, body in (("GET", None), ("PATCH", CHANGE), ("DELETE", None)):
            attack = intruder.consumer.call(
                producer.producer,
                method,
                location,
                body=body,
                token=token.token,
                headers=[JSON_PATCH] if body else (),
                label=f"{method} of {who} at another's context",
                injected=True,
            )
            expect(attack).refused()
    expect(producer.delete(location, good, label="DELETE by the rightful IMS AS")).accepted()
    alive(producer.probe(good, label="context of the rightful IMS AS again"))
    producer.release(good)
