"""DTLS-SRTP on the access leg (RFC 5763, RFC 5764; TS 33.328 clause 4.1.2.3, title; TS 23.334 clause 6.2.10.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from imsproof.actors.media import Handshaking
from imsproof.actors.srtpleg import b64
from imsproof.codec.sdp import Fingerprint
from imsproof.engine.identity import fingerprint, make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.srtpsteps import TALK, Stream, by_dtls, talks_by_itself

if TYPE_CHECKING:
    from imsproof.actors.media import AudioCall, MediaPeer
    from imsproof.bench import Bench

GCM = "SRTP_AEAD_AES_128_GCM"


def _shaken(peer: MediaPeer, label: str, *, after: bool = False) -> None:
    """A right handshake: the control, or the sign of life afterwards."""
    call = peer.offer_dtls(label)
    done = call.handshake(f"DTLS of {label}")
    if after:
        alive(done)
    else:
        control(done).accepted()
    call.close()


@purpose("SRTP-DTLS-01")
def test_plain_rtp_is_not_taken(bench: Bench) -> None:
    """After DTLS-SRTP was agreed, protected packets are relayed and plain ones are not."""
    stream = by_dtls(bench)
    payload = stream.mark()
    stream.refuses("plain RTP", {payload: stream.leg.plain(payload)}, how="plain")
    stream.call.close()


@purpose("SRTP-DTLS-05")
def test_rtp_before_the_handshake_is_not_taken(bench: Bench) -> None:
    """Plain RTP before the DTLS handshake is dropped."""
    call = bench.media().offer_dtls("INVITE with DTLS-SRTP")
    call.need_peer()
    payload = bench.random.randbytes(80)
    call.send("plain RTP before the handshake", payload, how="plain", injected=True)
    control(call.handshake("DTLS for SRTP")).accepted()
    stream = Stream(bench, call)
    stream.flows()
    stream.goes_on()
    stream.kept_out(payload, "plain RTP before the handshake")
    call.close()


@purpose("SRTP-DTLS-06")
def test_after_the_end_of_dtls_plain_rtp_is_not_taken(bench: Bench) -> None:
    """After close_notify plain RTP is dropped as before."""
    stream = by_dtls(bench)
    stream.call.end_dtls()
    payload = stream.mark()
    stream.leg.send("plain RTP after close_notify", stream.leg.plain(payload), how="plain", injected=True)
    stream.seen.wait_for(payload, bench.profile.timers.silence)
    stream.kept_out(payload, "plain RTP after close_notify")
    stream.call.close()
    _shaken(stream.call.owner, "another call", after=True)


@purpose("SRTP-DTLS-07")
def test_both_directions_have_exported_keys_of_their_own(bench: Bench) -> None:
    """What the lab sends is protected with its own half of the exported keys; nothing goes out before them."""
    call = bench.media().offer_dtls("INVITE with DTLS-SRTP")
    call.need_peer()
    if call.owner.far is not None and call.owner.far.remote is not None:
        call.owner.far.send("media of the far side before the handshake", bench.random.randbytes(80))
    call.leg.wait_any(bench.profile.timers.silence)
    control(call.handshake("DTLS for SRTP")).accepted()
    if talks_by_itself(bench):
        call.leg.wait_sound(TALK, bench.profile.timers.call)
        expect(call.leg).holds("media-protected", least=TALK // 2)
        call.close()
        return
    stream = Stream(bench, call)
    stream.flows()
    stream.has_way_back(sound=False)
    payload = stream.mark()
    stream.comes_back("media of the far side", payload)
    expect(stream.leg).holds("media-protected")
    stream.comes_out(payload)
    stream.call.close()


@purposes({"SRTP-DTLS-08": "passive", "SRTP-DTLS-14": "active"})
def test_the_lab_takes_the_role_that_is_left(bench: Bench, case: Literal["active", "passive"]) -> None:
    """An offer with one role is answered with the other, in which the handshake comes up and media go through."""
    call = bench.media().offer_dtls(f"INVITE with setup:{case}", setup=case)
    call.need_peer()
    expect(call).holds("answer-setup", media="audio", allowed=["active" if case == "passive" else "passive"])
    expect(call.handshake("DTLS for SRTP")).accepted()
    if call.leg.own is not None:
        Stream(bench, call).claimed()
    call.close()


@purpose("SRTP-DTLS-03")
def test_the_certificate_is_the_announced_one(bench: Bench) -> None:
    """The lab's certificate has a fingerprint of its answer."""
    call = bench.media().offer_dtls("INVITE with DTLS-SRTP")
    call.need_peer()
    done = call.handshake("DTLS with any certificate", Handshaking(any_peer=True))
    expect(done).holds("certificate-announced", media="audio", answer=call.exchange)
    call.close()


@dataclass(frozen=True)
class Wrong:
    """What is wrong in a handshake."""

    label: str
    how: Handshaking


@purposes(
    {
        "SRTP-DTLS-09": Wrong("DTLS 1.0", Handshaking(versions=("DTLSv1", "DTLSv1"), ciphers=b"ALL", security_level=0)),
        "SRTP-DTLS-10": Wrong(
            "DTLS with suites without encryption", Handshaking(ciphers=b"eNULL:@SECLEVEL=0", security_level=0)
        ),
        "SRTP-DTLS-11": Wrong("DTLS without a certificate", Handshaking(anonymous=True)),
    }
)
def test_a_wrong_handshake_gives_no_media(bench: Bench, case: Wrong) -> None:
    """A handshake that is wrong leads to no media, be they protected with its keys or plain."""
    peer = bench.media()
    _shaken(peer, "a right call")
    call = peer.offer_dtls("INVITE with DTLS-SRTP")
    call.handshake(case.label, case.how)
    _nothing_through(bench, call, case.label)
    call.close()
    _shaken(peer, "another right call", after=True)


@purpose("SRTP-DTLS-02")
def test_only_the_announced_certificate_gives_media(bench: Bench) -> None:
    """A certificate whose fingerprint is not the announced one, or nearly so, gives no media in either role."""
    peer = bench.media()
    _shaken(peer, "a right call")
    stranger = Handshaking(identity=make_identity(name="stranger"))
    own = peer.identity.sha256
    nearly = Fingerprint("SHA-256", own[:-2] + ("00" if own[-2:] != "00" else "01"))
    calls: list[tuple[str, AudioCall, Handshaking | None]] = [
        (
            f"a stranger's certificate, setup:{setup}",
            peer.offer_dtls(f"INVITE with setup:{setup}", setup=setup),
            stranger,
        )
        for setup in ("actpass", "active", "passive")
    ]
    call = peer.offer_dtls("INVITE with a fingerprint whose last octet is another", fingerprints=[nearly])
    calls.append(("a certificate whose fingerprint differs in its last octet", call, None))
    for label, call, how in calls:
        if call.peer is not None:
            call.handshake(f"DTLS with {label}", how)
            _nothing_through(bench, call, f"DTLS with {label}")
        call.close()
    _shaken(peer, "another right call", after=True)


@purpose("SRTP-DTLS-04")
def test_without_use_srtp_there_are_no_media(bench: Bench) -> None:
    """DTLS without use_srtp leads to no media, in clear neither."""
    peer = bench.media()
    _shaken(peer, "a right call")
    call = peer.offer_dtls("INVITE with DTLS-SRTP")
    call.handshake("DTLS without use_srtp", Handshaking(profiles=()))
    _nothing_through(bench, call, "DTLS without use_srtp")
    call.close()
    _shaken(peer, "another right call", after=True)


def _nothing_through(bench: Bench, call: AudioCall, label: str) -> None:
    """Claim that neither packets under the keys of the handshake, if it gave any, nor plain ones get through."""
    packets = {}
    if call.leg.own is not None:
        payload = bench.random.randbytes(80)
        packets[payload] = call.leg.protected(payload), f"SRTP under the keys of {label}"
    payload = bench.random.randbytes(80)
    packets[payload] = call.leg.plain(payload), f"plain RTP after {label}"
    call.leg.send("packets after it", *(data for data, _ in packets.values()), injected=True)
    call.seen.wait_for(payload, bench.profile.timers.silence)
    for payload, (_, what) in packets.items():
        expect(call.seen).holds("payload-not-arrived", payload=b64(payload), what=what)


@purposes({"SRTP-DTLS-15": "md5", "SRTP-DTLS-16": ""})
def test_an_offer_without_a_usable_fingerprint_gives_no_media(bench: Bench, case: str) -> None:
    """With no fingerprint, or an MD5 one alone, audio is refused, or no handshake leads to media."""
    peer = bench.media()
    _shaken(peer, "a right call")
    lines = [Fingerprint(case, fingerprint(peer.identity.der, case))] if case else []
    call = peer.offer_dtls("INVITE without a usable fingerprint", fingerprints=lines)
    if call.peer is None:
        expect(call).holds("no-audio")
    else:
        what = "DTLS with a certificate that was not announced"
        call.handshake(what)
        _nothing_through(bench, call, what)
    call.close()
    _shaken(peer, "another right call", after=True)


@purpose("SRTP-DTLS-12")
def test_a_stranger_does_not_take_the_association_over(bench: Bench) -> None:
    """Somebody else's handshake from another port does not come up, and the call's media go on."""
    stream = by_dtls(bench)
    peer = stream.call.owner
    other = peer.stranger()
    how = Handshaking(identity=make_identity(name="stranger"))
    stream.call.handshake("DTLS of a stranger", how, leg=other, within=bench.profile.timers.silence)
    payload = stream.mark()
    if other.own is not None:
        other.send("the stranger's packet", other.protected(payload), injected=True, remote=stream.leg.remote)
    stream.kept_out(payload, "a stranger's packet")
    stream.claimed("SRTP of the call after the stranger's handshake")
    stream.call.close()
    _shaken(peer, "another call", after=True)


@purpose("SRTP-DTLS-13")
def test_a_strong_profile_alone_protects_both_directions(bench: Bench) -> None:
    """With AEAD_AES_128_GCM alone in use_srtp, media go through in both directions, protected."""
    call = bench.media().offer_dtls("INVITE with DTLS-SRTP")
    call.need_peer()
    expect(call.handshake(f"DTLS with {GCM} alone", Handshaking(profiles=(GCM,)))).holds("srtp-profile", profile=GCM)
    if call.leg.own is not None:
        stream = Stream(bench, call)
        stream.claimed()
        stream.has_way_back(sound=False)
        payload = stream.mark()
        stream.comes_back("media of the far side", payload)
        expect(stream.leg).holds("media-protected")
    call.close()
