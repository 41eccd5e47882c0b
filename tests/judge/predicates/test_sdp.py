"""Fingerprints end to end and SDES keys."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.judge.predicates.sdp import fingerprint_arrived, fingerprint_unchanged, has_crypto, sdes_keys_differ
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
MEDIA = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"


def sdp(*attributes: str, media: str = MEDIA) -> bytes:
    return (media + "".join(f"a={one}\r\n" for one in attributes)).encode()


def travelled(before: bytes, after: bytes | None) -> Outcome:
    story = Story().add(Kind.SENT, exchange="1:a", data=before)
    if after is not None:
        story.add(Kind.RECEIVED, exchange="2:b", data=after)
    return fingerprint_unchanged(story.events, sent="1:a", received="2:b").outcome


def test_a_fingerprint_must_arrive_bit_for_bit() -> None:
    one, other = "fingerprint:SHA-256 AA:BB", "fingerprint:SHA-256 AA:BC"
    assert travelled(sdp(one), sdp(one)) is H
    assert travelled(sdp(one), sdp(other)) is F
    assert travelled(sdp(one), sdp()) is F
    assert travelled(sdp(one), sdp(one, other)) is F
    assert travelled(sdp(one), None) is U
    assert travelled(sdp(), sdp(one)) is U


def test_the_session_level_counts_where_the_media_level_has_none() -> None:
    level = b"v=0\r\na=fingerprint:SHA-256 AA:BB\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    assert travelled(level, sdp("fingerprint:SHA-256 AA:BB")) is H


def call(story: Story, exchange: str, offer: str, answer: str) -> None:
    media = "v=0\r\nm=audio 9 RTP/SAVP 0\r\n"
    for kind, key in ((Kind.SENT, offer), (Kind.RECEIVED, answer)):
        lines = (f"crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20",) if key else ()
        story.add(kind, exchange=exchange, data=sdp(*lines, media=media))


def test_no_key_may_appear_twice() -> None:
    def judge(*keys: tuple[str, str]) -> Outcome:
        story = Story()
        names = [str(number) for number in range(len(keys))]
        for name, (offer, answer) in zip(names, keys, strict=True):
            call(story, name, offer, answer)
        return sdes_keys_differ(story.events, exchanges=names).outcome

    assert judge(("AA", "BB"), ("CC", "DD")) is H
    assert judge(("AA", "BB"), ("CC", "BB")) is F
    assert judge(("AA", "AA"), ("CC", "DD")) is F
    assert judge(("AA", "BB"), ("CC", "")) is U
    key, salts = "A" * 24, ("B" * 16, "C" * 16)
    assert judge((key + salts[0], key + salts[1])) is F
    assert judge((key + salts[0], "D" * 40)) is H
    assert judge((f"{key}{salts[0]}", f"{'D' * 40}|1:1;inline:{key}{salts[1]}")) is F


def test_an_answer_without_a_key_is_seen() -> None:
    story = Story()
    call(story, "1", "AA", "")
    assert has_crypto(story.events, exchange="1").outcome is F
    assert has_crypto([], exchange="1").outcome is U


def test_a_fingerprint_arrives_at_the_other_end_after_it_was_sent() -> None:
    def offer(value: str) -> bytes:
        return f"v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:SHA-256 {value}\r\n".encode()

    story = Story().add(Kind.SENT, "1:offer", "udp", data=offer("AA:BB"))
    assert fingerprint_arrived(story.events, sent="1:offer", actor="tester").outcome is Outcome.UNKNOWN
    story.add(Kind.RECEIVED, "2:in", "udp", data=offer("CC:DD"))
    assert fingerprint_arrived(story.events, sent="1:offer", actor="tester").outcome is Outcome.FAILS
    story.add(Kind.RECEIVED, "3:in", "udp", data=offer("AA:BB"))
    assert fingerprint_arrived(story.events, sent="1:offer", actor="tester").outcome is Outcome.HOLDS
    assert fingerprint_arrived([], sent="1:offer", actor="tester").outcome is Outcome.UNKNOWN
