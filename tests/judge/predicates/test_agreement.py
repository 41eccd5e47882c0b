"""The security agreement, judged from journals written by hand."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.codec import sip
from imsproof.judge.predicates import agreement
from imsproof.seams import Kind, Outcome

EXCHANGE = "1:x"
GCM = "ipsec-3gpp;alg=null;ealg=aes-gcm;spi-c=1;spi-s=2;port-c=3;port-s=4"
CBC = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=1;spi-s=2;port-c=3;port-s=4"
OWN_GCM = GCM.replace("spi-c=1;spi-s=2", "q=0.9;spi-c=11;spi-s=12")
OWN_CBC = CBC.replace("spi-c=1;spi-s=2", "q=0.8;spi-c=11;spi-s=12")


def proposed(
    client: str, status: int | None = 401, server: str = "", exchange: str = EXCHANGE, story: Story | None = None
) -> Story:
    """A REGISTER with an offer, and its answer."""
    request = sip.request("REGISTER", "sip:a", [("Security-Client", client)])
    story = story or Story()
    story.add(Kind.SENT, exchange, "udp", request.to_bytes(), sip="request", method="REGISTER")
    if status is not None:
        answer = sip.response(request, status, headers=[("Security-Server", server)] if server else [])
        story.add(Kind.RECEIVED, exchange, "udp", answer.to_bytes(), sip="response", status=status)
    return story


@pytest.mark.parametrize(
    ("status", "server", "outcome"),
    [
        (401, f"{OWN_GCM}, {OWN_CBC}", Outcome.HOLDS),
        (401, OWN_GCM, Outcome.FAILS),
        (401, "", Outcome.FAILS),
        (494, OWN_CBC, Outcome.FAILS),
        (None, "", Outcome.UNKNOWN),
    ],
)
def test_agreed_takes_a_challenge_with_a_common_entry(status: int | None, server: str, outcome: Outcome) -> None:
    assert agreement.agreed(proposed(CBC, status, server).events, exchange=EXCHANGE).outcome is outcome


@pytest.mark.parametrize(
    ("status", "server", "outcome"),
    [
        (494, OWN_GCM, Outcome.HOLDS),
        (494, OWN_CBC, Outcome.HOLDS),
        (401, OWN_GCM, Outcome.HOLDS),
        (401, OWN_CBC, Outcome.FAILS),
        (200, "", Outcome.FAILS),
        (None, "", Outcome.HOLDS),
    ],
)
def test_nothing_is_agreed_by_a_refusal_or_a_list_without_it(status: int | None, server: str, outcome: Outcome) -> None:
    assert agreement.nothing_agreed(proposed(CBC, status, server).events, exchange=EXCHANGE).outcome is outcome


def test_the_choice_is_compared_over_two_offers() -> None:
    both = f"{OWN_GCM}, {OWN_CBC}"
    story = proposed(f"{GCM}, {CBC}", 401, both, "1:a")
    proposed(f"{CBC}, {GCM}", 401, both, "2:b", story)
    assert agreement.same_choice(story.events, exchanges=["1:a", "2:b"]).outcome is Outcome.HOLDS
    proposed(f"{CBC}, {GCM}", 401, OWN_CBC, "3:c", story)
    assert agreement.same_choice(story.events, exchanges=["1:a", "3:c"]).outcome is Outcome.FAILS
    proposed(CBC, 494, OWN_GCM, "4:d", story)
    assert agreement.same_choice(story.events, exchanges=["1:a", "4:d"]).outcome is Outcome.UNKNOWN


def test_the_choice_is_held_against_a_declared_list() -> None:
    events = proposed(f"{GCM}, {CBC}", 401, OWN_CBC).events
    best = agreement.best_choice
    cbc, gcm = "hmac-sha-1-96/aes-cbc", "null/aes-gcm"
    assert best(events, exchange=EXCHANGE, priority=[cbc, gcm]).outcome is Outcome.HOLDS
    assert best(events, exchange=EXCHANGE, priority=[gcm, cbc]).outcome is Outcome.FAILS
    assert best(events, exchange=EXCHANGE, priority=["aes-gmac/null"]).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        (OWN_CBC, Outcome.HOLDS),
        (OWN_CBC.replace("spi-c=11", "spi-c=2"), Outcome.FAILS),
        (OWN_CBC.replace("spi-c=11", "spi-c=12"), Outcome.FAILS),
        ("tls", Outcome.UNKNOWN),
        (";broken", Outcome.UNKNOWN),
    ],
)
def test_spis_differ(server: str, outcome: Outcome) -> None:
    assert agreement.spis_differ(proposed(CBC, 401, server).events, exchange=EXCHANGE).outcome is outcome


def test_an_answer_in_clear_is_no_protected_answer() -> None:
    story = Story().add(Kind.SENT, transport="esp", sip="request")
    assert agreement.answered_protected(story.events, exchange=EXCHANGE).outcome is Outcome.UNKNOWN
    assert agreement.dropped_in_silence(story.events, exchange=EXCHANGE).outcome is Outcome.HOLDS
    story.add(Kind.RECEIVED, transport="esp", sip="response", status=200)
    assert agreement.answered_protected(story.events, exchange=EXCHANGE).outcome is Outcome.HOLDS
    assert agreement.dropped_in_silence(story.events, exchange=EXCHANGE).outcome is Outcome.FAILS
    story.add(Kind.RECEIVED, transport="udp", sip="response", status=200)
    assert agreement.answered_protected(story.events, exchange=EXCHANGE).outcome is Outcome.FAILS


def test_media_security_is_nothing_in_common() -> None:
    both = f"sdes-srtp;mediasec, {CBC}"
    assert (
        agreement.agreed(proposed(both, 401, "sdes-srtp;mediasec").events, exchange=EXCHANGE).outcome is Outcome.FAILS
    )
    assert agreement.agreed(proposed(both, 401, OWN_CBC).events, exchange=EXCHANGE).outcome is Outcome.HOLDS
