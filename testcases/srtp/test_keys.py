"""Keys of SRTP in session descriptions (RFC 4568; TS 33.328 clause 4.1.2.1, title; TS 23.334 clause 6.2.10.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.actors.media import MANDATORY
from imsproof.actors.srtpleg import b64
from imsproof.judge import afterwards, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import Role
from imsproof.srtpsteps import Stream, by_sdes, talks_by_itself

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.media import AudioCall, Line, MediaPeer
    from imsproof.bench import Bench

CALLS = 6
NULL = "NULL_HMAC_SHA1_80"
"""A suite without encryption that some serve, though nobody has registered it."""
UNKNOWN = "F8_256_HMAC_SHA2_160"


def _keyed(bench: Bench, count: int, predicate: str) -> None:
    """Make calls with SDES one after the other, each answered with a key, and claim something of all the keys."""
    peer, exchanges = bench.media(), []
    for number in range(1, count + 1):
        call = peer.offer_sdes(f"INVITE with SDES, call {number}")
        call.need_peer()
        expect(call).holds("has-crypto")
        exchanges.append(call.exchange)
        call.close()
    expect(call).that(predicate, exchanges=exchanges)


@purpose("SRTP-SDES-01")
def test_sdes_keys_differ(bench: Bench) -> None:
    """Two calls one after the other: four SDES keys, no two of them the same."""
    _keyed(bench, 2, "sdes-keys-differ")


@purpose("SRTP-SDES-12")
def test_sdes_keys_are_random(bench: Bench) -> None:
    """Several calls one after the other: the lab's keys look drawn at random."""
    _keyed(bench, CALLS, "sdes-keys-random")


@purpose("SRTP-SDES-13")
def test_sdes_keys_are_whole(bench: Bench) -> None:
    """The lab's key is as long as its suite asks."""
    _keyed(bench, 1, "sdes-key-whole")


@purpose("SRTP-SDES-02")
def test_the_answer_fits_the_offer(bench: Bench) -> None:
    """Of two lines the answer takes one, with its tag and its suite, and adds nothing."""
    peer = bench.media()
    call = peer.offer_sdes("INVITE with two lines", peer.line(7), peer.line(9))
    call.need_peer()
    expect(call).holds("crypto-answer-fits")
    call.close()


@purpose("SRTP-SDES-03")
def test_protected_audio_is_not_answered_with_plain(bench: Bench) -> None:
    """RTP/SAVP is answered with RTP/SAVP, or refused."""
    call = bench.media().offer_sdes("INVITE with SDES")
    call.need_peer()
    expect(call).holds("not-downgraded")
    call.close()


@purposes({"SRTP-SDES-04": MANDATORY, "SRTP-SDES-05": "AEAD_AES_128_GCM", "SRTP-SDES-06": "AEAD_AES_256_GCM"})
def test_a_suite_protects_both_directions(bench: Bench, case: str) -> None:
    """With this suite alone, media go through in both directions, protected."""
    peer = bench.media()
    call = peer.offer_sdes(f"INVITE with {case}", peer.line(1, case))
    expect(call).holds("gives-audio")
    stream = Stream(bench, call)
    stream.claimed()
    stream.has_way_back(sound=False)
    payload = stream.mark()
    stream.comes_back("media of the far side", payload)
    expect(stream.leg).holds("media-protected")
    stream.comes_out(payload)
    stream.call.close()


@purpose("SRTP-SDES-07")
def test_an_unknown_suite_is_passed_over(bench: Bench) -> None:
    """After a line with an unknown suite, the next one is taken, and media go through."""
    peer = bench.media()
    call = peer.offer_sdes("INVITE with an unknown suite first", peer.line(1, UNKNOWN), peer.line(2))
    expect(call).holds("gives-audio")
    expect(call).holds("crypto-answer-fits")
    Stream(bench, call).claimed()
    call.close()


def _unusable(peer: MediaPeer) -> list[Line]:
    good = peer.line(1)
    return [
        replace(good, text=f"{MANDATORY} inline:{b64(good.master)}"),
        replace(good, text=f"1 {MANDATORY}"),
        replace(good, text=f"1 {MANDATORY} inline:"),
        replace(good, text=f"1 {MANDATORY} {b64(good.master)}"),
        replace(good, text=f"one {MANDATORY} inline:{b64(good.master)}"),
    ]


@purposes(
    {
        "SRTP-SDES-08": lambda peer: [peer.line(1, UNKNOWN)],
        "SRTP-SDES-09": lambda peer: [replace(peer.line(1), text=f"1 {MANDATORY} inline:{'%' * 40}")],
        "SRTP-SDES-10": lambda peer: [peer.line(1, size=20)],
        "SRTP-SDES-18": _unusable,
    }
)
def test_a_line_that_cannot_be_used_gives_no_audio(bench: Bench, case: Callable[[MediaPeer], list[Line]]) -> None:
    """Audio whose crypto line cannot be used is refused; before and after, one that can be is taken."""
    peer = bench.media()
    _taken(peer, "INVITE with a good line")
    for number, line in enumerate(case(peer), start=1):
        call = peer.offer_sdes(f"INVITE with a line that cannot be used, {number}", line)
        _nothing_agreed(bench, call)
        call.close()
    _taken(peer, "INVITE with a good line again", after=True)


def _nothing_agreed(bench: Bench, call: AudioCall) -> None:
    """Claim that nothing gets through in clear, nor under a key that was filled up; a refusal is the right form."""
    expect(call).holds("not-downgraded")
    if call.peer is None:
        return
    packets = {}
    for key in (key for line in call.lines.values() for key in line.filled_up()):
        payload = bench.random.randbytes(80)
        packet, roc = call.leg.source.next(payload)
        packets[payload] = key.protect(packet.to_bytes(), roc), "SRTP under a short key that was filled up"
    payload = bench.random.randbytes(80)
    packets[payload] = call.leg.plain(payload), "plain RTP"
    if not talks_by_itself(bench):
        sent = (data for data, _ in packets.values())
        call.leg.send("packets plain and under a key that was filled up", *sent, how="", injected=True)
        call.seen.wait_for(payload, bench.profile.timers.silence)
        for payload, (_, what) in packets.items():
            expect(call.seen).holds("payload-not-arrived", payload=b64(payload), what=what)
    expect(call).holds("no-key-agreed", role=Role.FORM)
    expect(call).holds("no-audio", role=Role.FORM)


def _taken(peer: MediaPeer, label: str, *, after: bool = False) -> None:
    call = peer.offer_sdes(label)
    judge = afterwards if after else control
    judge(call).holds("has-crypto")
    call.close()


@purpose("SRTP-SDES-19")
def test_protected_audio_without_a_key_is_refused(bench: Bench) -> None:
    """RTP/SAVP without a crypto line is refused."""
    peer = bench.media()
    _taken(peer, "INVITE with a good line")
    call = peer.offer_without_keys("INVITE without a crypto line")
    _nothing_agreed(bench, call)
    call.close()
    _taken(peer, "INVITE with a good line again", after=True)


@purpose("SRTP-SDES-11")
def test_lines_without_protection_are_passed_over(bench: Bench) -> None:
    """A line that switches encryption or authentication off is not taken, be it alone or before another."""
    peer = bench.media()
    _taken(peer, "INVITE with a good line")
    weak_lines = {name: peer.line(1, params=f" {name}") for name in ("UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP")}
    for name, weak in (weak_lines | {NULL: peer.line(1, NULL)}).items():
        for lines, what in (((weak,), "alone"), ((weak, peer.line(2)), "before a good line")):
            call = peer.offer_sdes(f"INVITE with {name} {what}", *lines)
            expect(call).holds("no-unprotected-parameter")
            expect(call).holds("not-downgraded")
            call.close()
    _taken(peer, "INVITE with a good line again", after=True)


@purpose("SRTP-SDES-14")
def test_a_new_key_within_the_call_is_taken(bench: Bench) -> None:
    """A second offer within the call brings a new key: from then on packets under it go through."""
    stream = by_sdes(bench)
    again = stream.call.owner.offer_sdes("INVITE within the call, with a new key", again=stream.call)
    again.need_peer()
    expect(again).holds("crypto-answer-fits")
    stream.claimed("SRTP under the new key")
    again.close()


@purpose("SRTP-SDES-15")
def test_keys_of_the_access_leg_stay_there(bench: Bench) -> None:
    """The keys of e2ae protection do not get to the other end of the call; nor should the wish for it."""
    stream = by_sdes(bench)
    expect(stream.call).holds("keys-kept-from", actor="ue-b")
    expect(stream.call).holds("attribute-kept-from", role=Role.FORM, actor="ue-b", name="3ge2ae")
    stream.goes_on()
    stream.call.close()


@purpose("SRTP-SDES-17")
def test_a_line_with_mki_is_refused_or_served(bench: Bench) -> None:
    """A line with an MKI is passed over, or packets with this MKI go through."""
    peer = bench.media()
    marked = replace(peer.line(1, params="|2^20|1:4"), mki=(1).to_bytes(4))
    call = peer.offer_sdes("INVITE with a line with MKI, and one without", marked, peer.line(2))
    expect(call).holds("gives-audio")
    expect(call).holds("crypto-answer-fits")
    Stream(bench, call).claimed()
    call.close()
