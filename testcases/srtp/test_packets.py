"""SRTP packets on the access leg: forged, replayed, from elsewhere, and what the lab sends itself (RFC 3711)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.actors.srtpleg import PCMU, b64, changed, lying
from imsproof.codec.srtp import Context
from imsproof.judge import expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError
from imsproof.srtpsteps import AT_ONCE, TALK, Stream, by_sdes, talks_by_itself

if TYPE_CHECKING:
    from imsproof.actors.srtpleg import ProtectedLeg
    from imsproof.bench import Bench

HEAD = 12
TAG = 10
SHORT_TAG = 4
OLD = 100
"""Packets after which a replay is older than the window of 64 that RFC 3711 asks for at least."""
TURNS = 8
"""Forged packets come in turns, each no more than a small receiver bears."""
LATE = 10
EVENTS = 101
"""The payload type that telephone events have mostly."""
WRAP = 1 << 16


@purpose("SRTP-PKT-01")
def test_changed_packets_are_dropped(bench: Bench) -> None:
    """Packets with one octet changed, in header, payload or tag, are dropped."""
    stream = by_sdes(bench)
    packets = {}
    for place in (1, 5, HEAD + 79, *range(-TAG, 0)):
        payload = stream.mark()
        packets[payload[:64]] = changed(stream.leg.protected(payload), place)
    stream.refuses("SRTP with one octet changed", packets, how="srtp, changed")
    stream.call.close()


@purpose("SRTP-PKT-02")
def test_a_short_tag_is_not_enough(bench: Bench) -> None:
    """Packets with a tag of 32 bits where 80 were agreed, with half a tag or none, are dropped."""
    stream = by_sdes(bench)
    packets = {}
    for missing in (TAG - SHORT_TAG, TAG // 2, TAG):
        payload = stream.mark()
        packets[payload[:64]] = stream.leg.protected(payload)[:-missing]
    stream.refuses("SRTP with a short tag", packets, how="srtp, short tag")
    stream.call.close()


@purpose("SRTP-PKT-03")
def test_plain_rtp_is_dropped(bench: Bench) -> None:
    """Plain RTP on a leg with SDES keys is dropped: before the first protected packet, and whatever it looks like."""
    stream = by_sdes(bench)
    early = Stream(bench, stream.call.owner.offer_sdes("another INVITE with SDES"))
    first = early.mark()
    early.refuses("plain RTP before any SRTP", {first: early.leg.plain(first)}, how="plain")
    early.call.close()
    packets = {}
    for tail in (b"", bytes(TAG)):
        payload = stream.mark()
        packets[payload] = stream.leg.plain(payload) + tail
    for source, kind in ((bench.random.randrange(1 << 32), PCMU), (stream.leg.source.ssrc, EVENTS)):
        payload = stream.mark()
        packets[payload] = replace(stream.leg.source.next(payload)[0], ssrc=source, payload_type=kind).to_bytes()
    stream.refuses("plain RTP", packets, how="plain")
    stream.call.close()


@purpose("SRTP-PKT-04")
def test_a_replay_is_dropped(bench: Bench) -> None:
    """A packet that is sent again, once or often, arrives once."""
    stream = by_sdes(bench)
    payload, packet = stream.arrived()
    stream.leg.send("the same packet again", *[packet] * 5, injected=True)
    stream.goes_on()
    stream.leg.send("the same packet later", packet, injected=True)
    stream.goes_on("SRTP at last")
    expect(stream.seen).holds("payload-arrived-once", payload=b64(payload), what="a packet that was sent seven times")
    stream.call.close()


@purpose("SRTP-PKT-05")
def test_an_old_replay_is_dropped(bench: Bench) -> None:
    """A packet that is sent again long after, when it is older than any replay window, arrives once."""
    stream = by_sdes(bench)
    payload, packet = stream.arrived()
    stream.lasts("many more", OLD)
    stream.flows("SRTP after them")
    stream.leg.send("the first packet again", packet, injected=True)
    stream.goes_on()
    expect(stream.seen).holds(
        "payload-arrived-once", payload=b64(payload), what="a packet that was sent again much later"
    )
    stream.call.close()


@purpose("SRTP-PKT-06")
def test_a_late_packet_is_taken(bench: Bench) -> None:
    """Packets that were overtaken by a few others arrive."""
    stream = by_sdes(bench)
    payload = stream.mark()
    late = [stream.leg.protected(payload) for _ in range(3)]
    stream.leg.send("SRTP that overtakes", *(stream.leg.protected(stream.mark()) for _ in range(LATE)))
    stream.flows("the last of them")
    stream.leg.send("late packets", *late)
    if not stream.seen.wait_for(payload, bench.profile.timers.answer) and not _takes_late_plain_ones(stream):
        raise InconclusiveError(
            "late packets did not get through, and late plain ones of the far side do not either: the lab puts media in"
            " order itself, so that its replay window is not seen"
        )
    expect(stream.seen).holds("payload-arrived", payload=b64(payload), what="a packet that others overtook")
    stream.call.close()


def _takes_late_plain_ones(stream: Stream) -> bool:
    """Whether packets of the far side that others overtook get through; taken for granted where there is none."""
    if stream.far is None:
        return True
    late, index = stream.mark(), stream.bench.random.randrange(WRAP // 2)
    stream.comes_back("media of the far side that overtake", *(stream.mark() for _ in range(LATE)), index=index + 3)
    stream.comes_back("late media of the far side", late, index=index)
    return stream.leg.wait_for(late, 0)


@purpose("SRTP-PKT-07")
def test_sequence_numbers_may_wrap(bench: Bench) -> None:
    """When sequence numbers wrap, the rollover counter rises, and packets arrive still."""
    stream = Stream(bench, bench.media().offer_sdes("INVITE with SDES"))
    stream.leg.source.index = WRAP - 5
    stream.flows("SRTP before the wrap")
    for _ in range(4):
        if not stream.claimed("SRTP around the wrap"):
            break
    stream.call.close()


@purpose("SRTP-PKT-08")
def test_a_forged_number_does_not_move_the_receiver(bench: Bench) -> None:
    """Forged packets with numbers far ahead do not change the receiver's counters: media go on."""
    stream = by_sdes(bench)
    source = stream.leg.source
    here, packets = source.index, []
    for ahead in (0x4000, 0x7000, 0xA000, 0xE000):
        source.index = here + ahead
        packets.append(changed(stream.leg.protected(stream.mark()), -1))
    source.index = here
    stream.leg.send("forged packets with numbers far ahead", *packets, how="srtp, changed", injected=True)
    stream.claimed_to_go_on("SRTP after forged numbers far ahead")
    stream.call.close()


@purpose("SRTP-PKT-09")
def test_the_labs_own_key_is_not_taken(bench: Bench) -> None:
    """Packets under the lab's own key, as a mirror would send them, are dropped."""
    stream = by_sdes(bench)
    if stream.leg.theirs is None:
        raise InconclusiveError("the lab's answer holds no key that can be used")
    payload = stream.mark()
    packet, roc = stream.leg.source.next(payload)
    stream.refuses("SRTP under the lab's own key", {payload: stream.leg.theirs.protect(packet.to_bytes(), roc)})
    stream.call.close()


@purpose("SRTP-PKT-10")
def test_the_key_of_another_call_is_not_taken(bench: Bench) -> None:
    """Packets under the key of another call that stands are dropped."""
    stream = by_sdes(bench)
    other = Stream(bench, stream.call.owner.offer_sdes("another INVITE with SDES"))
    other.flows("SRTP of the other call")
    payload = stream.mark()
    packet, roc = stream.leg.source.next(payload)
    stream.refuses("SRTP under the other call's key", {payload: other.leg.keys().protect(packet.to_bytes(), roc)})
    other.call.close()
    stream.call.close()


@purpose("SRTP-PKT-11")
def test_a_made_up_key_is_not_taken(bench: Bench) -> None:
    """Packets under a key that nobody agreed on are dropped: nothing of this source comes out."""
    stream = by_sdes(bench)
    chosen = stream.leg.keys().suite
    keys = Context(chosen, bench.random.randbytes(chosen.master_size))
    packets = {}
    for _ in range(3):
        payload = stream.mark()
        packet, roc = stream.leg.source.next(payload)
        packets[payload] = keys.protect(packet.to_bytes(), roc)
    sent = stream.leg.send("SRTP under a made-up key", *packets.values(), how="srtp, wrong key", injected=True)
    stream.goes_on()
    expect(stream.seen).holds("numbers-not-arrived", sent=sent.exchange)
    stream.call.close()


@purpose("SRTP-PKT-12")
def test_headers_that_lie_do_no_harm(bench: Bench) -> None:
    """Packets whose header announces what is not there, and ones too short, do not end the stream."""
    stream = by_sdes(bench)
    for label, packet in lying(stream.leg, stream.mark()).items():
        stream.leg.send(f"a packet with {label}", packet, how="srtp, lying", injected=True)
    stream.claimed_to_go_on("SRTP after lying headers")
    stream.call.close()


@purpose("SRTP-PKT-13")
def test_media_are_not_led_away(bench: Bench) -> None:
    """A stranger's packets, plain, forged or replayed, do not lead the lab's media to him, nor get through."""
    stream = by_sdes(bench)
    stream.has_way_back()
    payload, overheard = stream.mark(), stream.leg.protected(stream.mark())
    stream.leg.send("SRTP that is overheard", overheard)
    stream.flows("SRTP after it")
    forged = changed(stream.leg.protected(stream.mark()), -1)
    other = _strangers(stream, payload, stream.leg.plain(payload), forged, overheard)
    _not_led_away(stream, other)
    stream.goes_on()
    stream.call.close()


@purpose("SRTP-PKT-14")
def test_the_first_packet_may_not_be_a_strangers(bench: Bench) -> None:
    """A stranger's packets before the first of the call do not lead the lab's media to him."""
    control = by_sdes(bench)
    control.has_way_back()
    stream = Stream(bench, control.call.owner.offer_sdes("another INVITE with SDES"))
    payload = stream.mark()
    other = _strangers(stream, payload, stream.leg.plain(payload), stream.leg.plain(payload) + bytes(TAG))
    if stream.claimed("the call's own SRTP, behind a stranger's first packets,"):
        _not_led_away(stream, other)
        control.goes_on()
    for one in (stream, control):
        one.call.close()


def _strangers(stream: Stream, payload: bytes, *packets: bytes) -> ProtectedLeg:
    """Have a stranger send packets, and claim that the payload of theirs does not get through."""
    other = stream.call.owner.stranger()
    how = "plain, forged or replayed"
    other.send("packets of a stranger", *packets, how=how, injected=True, remote=stream.leg.remote)
    stream.seen.wait_for(payload, stream.bench.profile.timers.silence)
    stream.kept_out(payload, "a stranger's plain packet")
    return other


def _not_led_away(stream: Stream, other: ProtectedLeg) -> None:
    """Claim that the far side's media come to the call's end of the access leg, and none to the stranger."""
    after = stream.mark()
    if stream.far is not None:
        stream.comes_back("media of the far side after them", after)
    expect(other).holds("no-media-received", who="a stranger")
    if stream.far is not None:
        stream.comes_out(after, "what the far side sent after a stranger's packets")


@purpose("SRTP-PKT-15")
def test_many_forgeries_do_not_end_the_stream(bench: Bench) -> None:
    """Hundreds of forged packets do not keep the call's own from getting through."""
    stream = by_sdes(bench)
    for turn in range(1, TURNS + 1):
        packet = stream.leg.protected(stream.mark())
        forged = [changed(packet, HEAD + place) for place in range(AT_ONCE)]
        stream.leg.send(f"forged packets, turn {turn}", *forged, how="srtp, changed", injected=True)
        if not stream.claimed(f"SRTP after turn {turn} of forgeries"):
            break
    else:
        stream.goes_on()
    stream.call.close()


@purpose("SRTP-PKT-16")
def test_what_the_lab_sends_is_protected(bench: Bench) -> None:
    """Every media packet of the lab on the access leg is authentic under the agreed key; none is plain."""
    if talks_by_itself(bench):
        stream = Stream(bench, bench.media().offer_sdes("INVITE with SDES"))
        stream.leg.wait_sound(TALK, bench.profile.timers.call)
    else:
        stream = by_sdes(bench)
        payloads = [stream.mark() for _ in range(TALK)]
        stream.comes_back("media of the far side", *payloads)
        expect(stream.leg).holds("payload-not-in-clear", payload=b64(payloads[0]))
    expect(stream.leg).holds("media-protected", least=TALK // 2)
    stream.call.close()


@purpose("SRTP-PKT-17")
def test_a_keystream_is_used_once(bench: Bench) -> None:
    """When the far side uses a sequence number again, from the same source or another, the lab's keystream is new."""
    stream = by_sdes(bench)
    index = bench.random.randrange(WRAP // 2)
    stream.comes_back("media of the far side", stream.mark(), stream.mark(), index=index)
    stream.send_back("other media under the same numbers", stream.mark(), stream.mark(), index=index)
    stream.comes_back("media that go on", stream.mark(), index=index + 2)
    if stream.far is not None:
        stream.far.change_source(bench.random)
        stream.send_back("media of another source, under the same numbers", stream.mark(), stream.mark(), index=index)
        stream.comes_back("media of it that go on", stream.mark(), index=index + 2)
    expect(stream.leg).holds("keystream-used-once", least=2)
    stream.call.close()


@purpose("SRTP-PKT-18")
def test_the_labs_rollover_counter_rises(bench: Bench) -> None:
    """When the far side's sequence numbers wrap, the lab's rollover counter on the access leg rises."""
    stream = by_sdes(bench)
    stream.has_way_back(index=WRAP - 6)
    before, after = stream.mark(), stream.mark()
    stream.comes_back("media of the far side around the wrap", *[before] * 3, *[after] * 3, index=WRAP - 3)
    for payload in (before, after):
        expect(stream.leg).holds("rollover-right", payload=b64(payload))
    stream.call.close()


@purpose("SRTP-PKT-19")
def test_media_end_with_the_call(bench: Bench) -> None:
    """After the end of the call nothing is let through any more, in either direction."""
    stream = by_sdes(bench)
    before, payload, back = stream.mark(), stream.mark(), stream.mark()
    stream.comes_back("media of the far side", before)
    packet = stream.leg.protected(payload)
    stream.call.end()
    silence = bench.profile.timers.silence
    stream.leg.wait_for(payload, silence)  # time for the lab to give the call up everywhere
    stream.leg.send("SRTP after the end", packet, injected=True)
    stream.seen.wait_for(payload, silence)
    stream.kept_out(payload, "SRTP after the end of the call")
    if stream.far is not None:
        stream.send_back("media of the far side after the end", back)
        stream.leg.wait_for(back, silence)
        expect(stream.leg).holds("payload-not-arrived", payload=b64(back), what="media of the far side after the end")
    again = Stream(bench, stream.call.owner.offer_sdes("another INVITE with SDES"))
    again.goes_on("SRTP of another call")
    again.call.close()
