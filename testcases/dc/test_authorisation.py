"""Who may have data channels (TS 24.186 clause 9.3; TS 23.228 Annex AC)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.dcanswer import accept_data_channel
from imsproof.codec.sdp import Dcmap, Fingerprint, audio_offer, data_channel_offer
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import Role

if TYPE_CHECKING:
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench
    from imsproof.codec.sdp import Sdp

APPLICATION = Dcmap(1000, {"subprotocol": "http", "label": "app"})
BOOTSTRAP = Dcmap(0, {"subprotocol": "http"})
UDP_DISCARD = 9


def offer(ue: Ue, channel: Dcmap, *, audio: bool = True) -> bytes:
    """An offer of a data channel, beside audio or alone; nobody listens at the ports."""
    own = make_identity()
    return data_channel_offer(
        ue.local[0],
        UDP_DISCARD,
        fingerprints=[Fingerprint("SHA-256", own.sha256)],
        tls_id=own.sha256.replace(":", "")[:32],
        dcmaps=[channel],
        audio_port=UDP_DISCARD if audio else None,
    ).to_bytes()


def callee(bench: Bench) -> Ue:
    """A UE that takes every call, with or without data channels."""
    made = bench.ue("ue-b", data_channel=True)

    def answer(offered: Sdp) -> Sdp | None:
        if offered.data_channel() is not None:
            return accept_data_channel(offered, made.local[0])
        return audio_offer(made.local[0], UDP_DISCARD)

    Answering(made, answer)
    return made


def served(bench: Bench, called: Ue) -> None:
    """Show that a subscriber with the service gets a data channel."""
    able = bench.ue("ue-c", data_channel=True)
    call = able.invite(called.impu, offer(able, BOOTSTRAP), label="INVITE of a subscriber with the service")
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
    called = callee(bench)
    served(bench, called)
    unable = bench.ue("ue-a", data_channel=False)
    for name, channel in (("a bootstrap", BOOTSTRAP), ("an application", APPLICATION)):
        call = unable.invite(called.impu, offer(unable, channel), label=f"INVITE with {name} channel, without service")
        expect(call).holds("no-data-channel").that("no-data-channel-offered", sent=call.exchange, actor="ue-b")
        if call.ok:
            call.bye()
    serves(called, unable)


@purpose("DC-AUTHZ-02")
def test_a_session_of_data_channels_alone_is_refused_without_the_service(bench: Bench) -> None:
    """A session of nothing but a data channel is refused to a subscriber without the service, with 403."""
    called = callee(bench)
    served(bench, called)
    unable = bench.ue("ue-a", data_channel=False)
    call = unable.invite(
        called.impu, offer(unable, APPLICATION, audio=False), label="INVITE with a data channel alone, without service"
    )
    expect(call).holds("no-data-channel").that("status-in", role=Role.FORM, exchange=call.exchange, statuses=[403])
    if call.ok:
        call.bye()
    serves(called, unable)


@purpose("DC-AUTHZ-03")
def test_a_data_channel_cannot_be_added_later_without_the_service(bench: Bench) -> None:
    """A re-INVITE that adds a data channel is not taken from a subscriber without the service."""
    called = callee(bench)
    served(bench, called)
    unable = bench.ue("ue-a", data_channel=False)
    call = unable.invite(
        called.impu, audio_offer(unable.local[0], UDP_DISCARD).to_bytes(), label="INVITE with audio, without service"
    )
    control(call).accepted()
    if call.ok:
        later = call.reinvite(offer(unable, APPLICATION), label="re-INVITE that adds a data channel, without service")
        expect(later).holds("no-data-channel").that("no-data-channel-offered", sent=later.exchange, actor="ue-b")
        call.bye()
    serves(called, unable)
