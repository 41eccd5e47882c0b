"""What a handshake agreed on."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.handshake import (
    connection_kept,
    handshake_refused,
    negotiated_version,
    strong_suite,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def shaken(version: str = "TLSv1.2", cipher: str = "ECDHE-RSA-AES128-GCM-SHA256") -> Story:
    return Story().add(Kind.OPENED).add(Kind.HANDSHAKE, version=version, cipher=cipher)


def test_the_version_must_be_the_one_that_was_meant() -> None:
    assert negotiated_version(shaken().events, exchange="1:x", version="TLSv1.2").outcome is H
    assert negotiated_version(shaken().events, exchange="1:x", version="TLSv1.3").outcome is F


def test_a_refused_handshake_negotiated_nothing_and_an_unreachable_lab_is_not_judged() -> None:
    refused = Story().add(Kind.OPENED).add(Kind.ALERT, alert="protocol_version")
    nobody = Story().add(Kind.REFUSED, stage="connect")
    busy = Story().add(Kind.OPENED).add(Kind.TIMEOUT)
    assert negotiated_version(refused.events, exchange="1:x", version="TLSv1.3").outcome is F
    assert negotiated_version(nobody.events, exchange="1:x", version="TLSv1.3").outcome is U
    assert negotiated_version(busy.events, exchange="1:x", version="TLSv1.3").outcome is U


@pytest.mark.parametrize(
    ("cipher", "outcome"),
    [
        ("ECDHE-ECDSA-AES256-GCM-SHA384", H),
        ("ECDHE-RSA-CHACHA20-POLY1305", H),
        ("ECDHE-ECDSA-AES128-CCM8", H),
        ("TLS_AES_128_GCM_SHA256", H),
        ("AES128-GCM-SHA256", F),
        ("ECDHE-RSA-AES128-SHA", F),
        ("ECDHE-ECDSA-NULL-SHA", F),
        ("DHE-RSA-AES128-GCM-SHA256", F),
        ("TLS_SHA256_SHA256", F),
        ("", F),
    ],
)
def test_strong_is_ephemeral_and_authenticated(cipher: str, outcome: Outcome) -> None:
    assert strong_suite(shaken(cipher=cipher).events, exchange="1:x").outcome is outcome


def test_without_a_handshake_there_is_no_suite_to_look_at() -> None:
    assert strong_suite(Story().add(Kind.OPENED).events, exchange="1:x").outcome is U


def test_a_completed_handshake_was_not_refused_unless_it_fell_to_another_version() -> None:
    assert handshake_refused(shaken("TLSv1.1").events, exchange="1:x", versions=["TLSv1.1"]).outcome is F
    assert handshake_refused(shaken("TLSv1.2").events, exchange="1:x", versions=["TLSv1.1"]).outcome is H
    assert handshake_refused([], exchange="1:x").outcome is U


def test_who_selected_what_must_not_be_taken_has_not_refused_it() -> None:
    """A server picks an anonymous suite and asks for a certificate beside it: the tester's own stack stops there."""
    story = Story().add(Kind.SENT, transport="dtls")
    story.add(Kind.REFUSED, transport="dtls", reason="unexpected message", stage="handshake", selected="TLS_ECDH_anon")
    found = handshake_refused(story.events, exchange="1:x")
    assert found.outcome is F
    assert "selected TLS_ECDH_anon" in found.sentence


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        (Story().add(Kind.OPENED).add(Kind.HANDSHAKE).add(Kind.SENT).add(Kind.RECEIVED), H),
        (Story().add(Kind.HANDSHAKE).add(Kind.CLOSED, by="tester"), H),
        (Story().add(Kind.HANDSHAKE).add(Kind.CLOSED, by="lab"), F),
        (Story().add(Kind.HANDSHAKE).add(Kind.ALERT, alert="internal_error"), F),
        (Story().add(Kind.SENT), U),
    ],
)
def test_a_connection_is_kept_until_the_lab_ends_it(story: Story, outcome: Outcome) -> None:
    assert connection_kept(story.events, exchange="1:x").outcome is outcome
