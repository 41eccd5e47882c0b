"""Handshakes of a capture: versions, suites by release, compression, certificates and fingerprints."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.engine.identity import make_identity
from imsproof.judge.predicates import seen_tls
from imsproof.seams import Kind, Outcome

GOOD, RC4, CBC = 0xC02F, 0x0005, 0xC013


def shook(transport: str = "tls", **facts: Any) -> Story:
    """A handshake."""
    told: dict[str, Any] = {
        "version_number": 0x0303,
        "version": "?",
        "suite": GOOD,
        "cipher": "?",
        "compression": 0,
    } | facts
    return Story().add(Kind.HANDSHAKE, "1", transport, **told)


@pytest.mark.parametrize(
    ("transport", "number", "outcome"),
    [
        ("tls", 0x0304, Outcome.HOLDS),
        ("tls", 0x0303, Outcome.HOLDS),
        ("tls", 0x0302, Outcome.FAILS),
        ("dtls", 0xFEFC, Outcome.HOLDS),
        ("dtls", 0xFEFD, Outcome.HOLDS),
        ("dtls", 0xFEFF, Outcome.FAILS),
    ],
)
def test_versions_below_1_2_are_wrong(transport: str, number: int, outcome: Outcome) -> None:
    story = shook(transport, version_number=number)
    assert seen_tls.seen_tls_version(story.events, transport=transport).outcome is outcome


@pytest.mark.parametrize(
    ("suite", "release", "outcome"),
    [
        (GOOD, 0, Outcome.HOLDS),
        (0x1301, 19, Outcome.HOLDS),
        (RC4, 0, Outcome.FAILS),
        (CBC, 0, Outcome.UNKNOWN),
        (CBC, 16, Outcome.HOLDS),
        (CBC, 18, Outcome.FAILS),
    ],
)
def test_suites_are_judged_by_the_release(suite: int, release: int, outcome: Outcome) -> None:
    found = seen_tls.seen_tls_suite(shook(suite=suite).events, transport="tls", release=release)
    assert found.outcome is outcome


def test_compression_is_wrong() -> None:
    assert seen_tls.seen_tls_compression(shook(compression=1).events).outcome is Outcome.FAILS
    assert seen_tls.seen_tls_compression(shook().events).outcome is Outcome.HOLDS


def test_a_certificate_is_read_or_passed_over() -> None:
    der = base64.b64encode(make_identity().der).decode()
    story = shook("dtls", completed=True, server_certificates=[der], client_certificates=["AAAA"])
    found = seen_tls.seen_certificate(story.events, transport="dtls", fields=["key", "signature"])
    assert (found.outcome, len(found.events)) == (Outcome.HOLDS, 1)


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"completed": True}, 1),
        ({"completed": True, "version_number": 0x0304}, 0),
        ({"completed": True, "version_number": 0x0304, "spoke": True}, 1),
        ({}, 0),
    ],
)
def test_a_certificate_that_was_refused_is_no_occasion(facts: dict[str, Any], count: int) -> None:
    der = base64.b64encode(make_identity().der).decode()
    story = shook(server_certificates=[der], client_certificates=[der], **facts)
    found = seen_tls.seen_certificate(story.events, transport="tls", fields=["key"])
    assert len(found.events) == count


def test_without_announced_fingerprints_there_is_nothing_to_compare() -> None:
    assert seen_tls.seen_fingerprint(shook("dtls", completed=True).events).events == ()
