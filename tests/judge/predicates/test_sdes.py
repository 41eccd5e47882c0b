"""Crypto lines of offers and answers, by hand-made journals."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.sdes import (
    attribute_kept_from,
    crypto_answer_fits,
    gives_audio,
    keys_kept_from,
    no_audio,
    no_key_agreed,
    no_unprotected_parameter,
    not_downgraded,
    sdes_key_whole,
    sdes_keys_random,
)
from imsproof.seams import Event, Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
SUITE = "AES_CM_128_HMAC_SHA1_80"
X = "1:x"


def key(start: int, size: int = 30) -> str:
    return base64.b64encode(bytes((start + 37 * place) % 256 for place in range(size))).decode()


def sdp(*lines: str, port: int = 4000, proto: str = "RTP/SAVP", more: str = "") -> bytes:
    crypto = "".join(f"a=crypto:{line}\r\n" for line in lines)
    return f"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio {port} {proto} 0\r\n{crypto}{more}".encode()


OFFER = sdp(f"7 {SUITE} inline:{key(1)}", f"9 AEAD_AES_128_GCM inline:{key(2, 28)}")


def story(answer: bytes | None, offer: bytes = OFFER, *, hook: bool = False) -> Story:
    made = Story().add(Kind.NOTE if hook else Kind.SENT, X, "udp", offer)
    return made if answer is None else made.add(Kind.RECEIVED, X, "udp", answer, status=200)


REFUSED = Story().add(Kind.SENT, X, "udp", OFFER).add(Kind.RECEIVED, X, "udp", status=488)


@pytest.mark.parametrize("hook", [False, True])
@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ([f"7 {SUITE} inline:{key(3)}"], H),
        ([f"9 AEAD_AES_128_GCM inline:{key(3, 28)}"], H),
        ([f"1 {SUITE} inline:{key(3)}"], F),
        ([f"9 {SUITE} inline:{key(3)}"], F),
        ([f"7 {SUITE} inline:{key(3)} UNENCRYPTED_SRTCP"], F),
        ([f"7 {SUITE} inline:{key(3)}", f"9 AEAD_AES_128_GCM inline:{key(3, 28)}"], F),
        ([], F),
    ],
)
def test_an_answer_takes_one_line_as_it_was_offered(lines: Sequence[str], outcome: Outcome, *, hook: bool) -> None:
    assert crypto_answer_fits(story(sdp(*lines), hook=hook).events, exchange=X).outcome is outcome


def test_an_answer_without_audio_fits_nothing() -> None:
    assert crypto_answer_fits(story(sdp(port=0)).events, exchange=X).outcome is U
    assert crypto_answer_fits(story(None).events, exchange=X).outcome is U


def test_audio_is_given_or_refused() -> None:
    given, refused = story(sdp(f"7 {SUITE} inline:{key(3)}")).events, story(sdp(port=0)).events
    assert (no_audio(given, exchange=X).outcome, gives_audio(given, exchange=X).outcome) == (F, H)
    assert (no_audio(refused, exchange=X).outcome, gives_audio(refused, exchange=X).outcome) == (H, F)
    assert (no_audio(REFUSED.events, exchange=X).outcome, gives_audio(REFUSED.events, exchange=X).outcome) == (H, F)
    assert gives_audio(story(None).events, exchange=X).outcome is U
    broken = Story().add(Kind.SENT, X, "udp", OFFER).add(Kind.RECEIVED, X, "udp", status=500)
    assert gives_audio(broken.events, exchange=X).outcome is U


def test_plain_audio_is_a_downgrade_and_a_refusal_is_none() -> None:
    assert not_downgraded(story(sdp(proto="RTP/AVP")).events, exchange=X).outcome is F
    assert not_downgraded(story(sdp(proto="RTP/AVP", port=0)).events, exchange=X).outcome is H
    assert not_downgraded(story(sdp()).events, exchange=X).outcome is H
    assert not_downgraded(REFUSED.events, exchange=X).outcome is H


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (sdp(), H),
        (sdp(port=0), H),
        (sdp(proto="RTP/AVP"), F),
        (sdp(f"7 {SUITE} inline:{key(3)}"), F),
    ],
)
def test_no_key_is_agreed_by_refusing_or_by_taking_no_line(answer: bytes, outcome: Outcome) -> None:
    assert no_key_agreed(story(answer).events, exchange=X).outcome is outcome
    assert no_key_agreed(REFUSED.events, exchange=X).outcome is H


def test_a_line_without_protection_is_taken_with_its_parameter_or_silently() -> None:
    weak = sdp(f"1 {SUITE} inline:{key(1)} UNENCRYPTED_SRTP", f"2 {SUITE} inline:{key(2)}")
    for text, outcome in (("1", F), ("2", H)):
        told = story(sdp(f"{text} {SUITE} inline:{key(3)}"), weak).events
        assert no_unprotected_parameter(told, exchange=X).outcome is outcome
    named = story(sdp(f"2 {SUITE} inline:{key(3)} UNAUTHENTICATED_SRTP"), weak).events
    assert no_unprotected_parameter(named, exchange=X).outcome is F
    assert no_unprotected_parameter(REFUSED.events, exchange=X).outcome is H


@pytest.mark.parametrize(
    ("text", "outcome"),
    [(key(3), H), (key(3, 28), F), (key(3).rstrip("="), H), ("A", F)],
)
def test_a_key_is_as_long_as_its_suite_asks_padded_or_not(text: str, outcome: Outcome) -> None:
    events = story(sdp(f"7 {SUITE} inline:{text}")).events
    assert sdes_key_whole(events, exchanges=[X]).outcome is outcome
    assert sdes_key_whole([], exchanges=[X]).outcome is U


def calls(*keys: str) -> list[Event]:
    made = Story()
    for number, text in enumerate(keys, start=1):
        made.add(Kind.RECEIVED, f"{number}:x", "udp", sdp(f"7 {SUITE} inline:{text}"))
    return made.events


@pytest.mark.parametrize(
    ("keys", "outcome"),
    [
        ([key(1), key(100)], H),
        ([key(1), key(1)[:-4] + "AAAA"], F),
        ([key(1), base64.b64encode(bytes(30)).decode()], F),
        ([key(1)], U),
    ],
)
def test_keys_have_many_octets_and_little_in_common(keys: list[str], outcome: Outcome) -> None:
    exchanges = [f"{number}:x" for number in range(1, len(keys) + 1)]
    assert sdes_keys_random(calls(*keys), exchanges=exchanges).outcome is outcome


def at_far_side(body: bytes) -> list[Event]:
    made = story(sdp(f"7 {SUITE} inline:{key(3)}"), sdp(f"7 {SUITE} inline:{key(1)}", more="a=3ge2ae:requested\r\n"))
    made.add(Kind.RECEIVED, "2:INVITE received", "udp", body)
    return [*made.events[:-1], replace(made.events[-1], actor="ue-b")]


def test_keys_and_wishes_of_the_access_leg_stay_there() -> None:
    clean, leaking = at_far_side(sdp(proto="RTP/AVP")), at_far_side(sdp(f"1 {SUITE} inline:{key(1)}"))
    assert keys_kept_from(clean, exchange=X, actor="ue-b").outcome is H
    assert keys_kept_from(leaking, exchange=X, actor="ue-b").outcome is F
    assert keys_kept_from(story(None).events, exchange=X, actor="ue-b").outcome is U
    wish = at_far_side(sdp(more="a=3ge2ae:requested\r\n"))
    assert attribute_kept_from(clean, exchange=X, actor="ue-b", name="3ge2ae").outcome is H
    assert attribute_kept_from(wish, exchange=X, actor="ue-b", name="3ge2ae").outcome is F
    assert attribute_kept_from(clean[:-1], exchange=X, actor="ue-b", name="3ge2ae").outcome is U
    assert attribute_kept_from(clean, exchange=X, actor="ue-b", name="other").outcome is U
