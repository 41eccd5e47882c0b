"""What answers promise of message sessions, and what came back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.msrp import (
    message_certificate_announced,
    message_leg_in_core,
    message_refused,
    message_session_given,
    message_session_protected,
    no_message_session,
    no_response_to,
    no_stray_response,
    reports_at_most,
    session_ids_hard_to_guess,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
PRINT = ":".join(["AB"] * 32)


def sdp(
    port: int = 2855, proto: str = "TCP/TLS/MSRP", path: str = "msrps://192.0.2.1:2855/abc;tcp", *more: str
) -> bytes:
    lines = ["v=0", "c=IN IP4 192.0.2.1", f"m=message {port} {proto} *", f"a=path:{path}", *more]
    return "".join(f"{line}\r\n" for line in lines).encode()


def answered(data: bytes, exchange: str = "1:x", story: Story | None = None) -> Story:
    story = (story or Story()).add(Kind.SENT, exchange, sip="request", data=b"INVITE")
    body = b"SIP/2.0 200 OK\r\n\r\n" + data
    return story.add(Kind.RECEIVED, exchange, data=body, sip="response", status=200)


def test_a_session_is_given_or_refused_by_its_port() -> None:
    for port, given, refused in ((2855, H, F), (0, F, H)):
        story = answered(sdp(port))
        assert message_session_given(story.events, exchange="1:x").outcome is given
        assert no_message_session(story.events, exchange="1:x").outcome is refused
    rejected = Story().add(Kind.SENT).add(Kind.RECEIVED, sip="response", status=488)
    assert no_message_session(rejected.events, exchange="1:x").outcome is H
    assert message_session_given(rejected.events, exchange="1:x").outcome is F
    assert message_session_given([], exchange="1:x").outcome is U
    assert no_message_session([], exchange="1:x").outcome is U


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (sdp(2855, "TCP/TLS/MSRP", "msrps://h:1/x;tcp", f"a=fingerprint:SHA-256 {PRINT}"), H),
        (sdp(2855, "TCP/TLS/MSRP", "msrps://h:1/x;tcp"), F),
        (sdp(2855, "TCP/TLS/MSRP", "msrp://h:1/x;tcp", f"a=fingerprint:SHA-256 {PRINT}"), F),
        (sdp(2855, "TCP/TLS/MSRP", "msrp://h:1/x;tcp", f"a=fingerprint:SHA-256 {PRINT}", "a=msrp-cema"), H),
        (sdp(2855, "TCP/TLS/MSRP", "nothing", f"a=fingerprint:SHA-256 {PRINT}"), F),
        (sdp(2855, "TCP/MSRP", "msrp://h:1/x;tcp"), F),
        (sdp(0), U),
    ],
)
def test_an_answer_keeps_tls_or_not(data: bytes, outcome: Outcome) -> None:
    assert message_session_protected(answered(data).events, exchange="1:x").outcome is outcome


def test_the_certificate_is_the_announced_one() -> None:
    def judged(line: str, shown: str = PRINT) -> Outcome:
        story = answered(sdp(2855, "TCP/TLS/MSRP", "msrps://h:1/x;tcp", *([line] if line else [])))
        story.add(Kind.HANDSHAKE, "2:y", peer_sha256=shown)
        return message_certificate_announced(story.events, exchange="1:x", handshake="2:y").outcome

    assert judged(f"a=fingerprint:sha-256 {PRINT.lower()}") is H
    assert judged(f"a=fingerprint:SHA-256 {PRINT}", "00:11") is F
    assert judged("") is F
    assert judged("a=fingerprint:SHA-512 AA:BB") is U
    assert message_certificate_announced([], exchange="1:x", handshake="2:y").outcome is U


@pytest.mark.parametrize(
    ("ids", "outcome"),
    [
        (["EjUHLMIF9nMgeGRrE3FY", "GMkO9zuIaXRf8QM095wF", "aZkO9suYaXRf1QM195wz"], H),
        (["5f3a9c01d2b84e7766aa", "a01b2c3d4e5f60718293", "00ff11ee22dd33cc44bb"], H),
        (["s210311O", "d0rd120c", "uDD0uVCB"], F),
        (["session-of-the-far-ue-00000001", "session-of-the-far-ue-00000002"], F),
        (["12345678901234567890", "98765432109876543210"], F),
        (["same-id-for-every-session", "same-id-for-every-session"], F),
    ],
)
def test_session_ids_need_room_for_80_bits(ids: list[str], outcome: Outcome) -> None:
    story = Story()
    for number, one in enumerate(ids):
        answered(sdp(2855, "TCP/TLS/MSRP", f"msrps://192.0.2.1:2855/{one};tcp"), f"{number}:x", story)
    exchanges = [f"{number}:x" for number in range(len(ids))]
    assert session_ids_hard_to_guess(story.events, exchanges=exchanges).outcome is outcome


def test_session_ids_that_cannot_be_seen_are_told() -> None:
    assert session_ids_hard_to_guess(answered(sdp(0)).events, exchanges=["1:x"]).outcome is U
    wrong = answered(sdp(1, "TCP/MSRP", "no path"))
    assert session_ids_hard_to_guess(wrong.events, exchanges=["1:x"]).outcome is F


def asked() -> Story:
    return Story().add(Kind.SENT, data=b"MSRP t1234 SEND", msrp="request", transaction="t1234")


def test_a_response_to_a_transaction_is_found_wherever_it_comes() -> None:
    story = asked().add(Kind.RECEIVED, "2:y", msrp="response", transaction="t1234", other_status=200)
    assert no_response_to(story.events, transaction="t1234").outcome is F
    assert no_response_to(asked().events, transaction="t1234").outcome is H
    assert no_response_to(asked().events, transaction="never").outcome is U


def test_a_stray_response_is_told_from_the_labs_own_requests() -> None:
    answer: dict[str, Any] = {"msrp": "response", "transaction": "t1234", "status": 200}
    assert no_stray_response(asked().add(Kind.RECEIVED, **answer).events, exchange="1:x").outcome is H
    assert no_stray_response(asked().events, exchange="1:x").outcome is H
    report = asked().add(Kind.RECEIVED, msrp="request", method="REPORT", transaction="r")
    assert no_stray_response(report.events, exchange="1:x").outcome is H
    stray = asked().add(Kind.RECEIVED, msrp="response", transaction="z", other_status=481)
    assert no_stray_response(stray.events, exchange="1:x").outcome is F
    assert no_stray_response([], exchange="1:x").outcome is U


def test_a_message_is_refused_by_response_or_by_report() -> None:
    def judged(status: int, report: str | None, message_id: str = "m1") -> Outcome:
        story = asked().add(Kind.RECEIVED, msrp="response", transaction="t1234", status=status)
        if report is not None:
            story.add(Kind.RECEIVED, "2:y", msrp="request", method="REPORT", message_id=message_id, report=report)
        return message_refused(story.events, exchange="1:x", message_id="m1").outcome

    assert judged(415, None) is H
    assert judged(200, "000 415 unknown") is H
    assert judged(200, None) is F
    assert judged(200, "000 200 OK") is F
    assert judged(200, "000 415 unknown", "m2") is F
    assert judged(200, "") is F
    assert message_refused([], exchange="1:x", message_id="m1").outcome is U


def test_reports_are_counted_by_message() -> None:
    story = Story()
    for name in ("one", "one", "two"):
        story.add(Kind.RECEIVED, msrp="request", method="REPORT", message_id=name)
    assert reports_at_most(story.events, message_id="one", most=2).outcome is H
    assert reports_at_most(story.events, message_id="one", most=1).outcome is F
    assert reports_at_most(story.events, message_id="none", most=0).outcome is H


def test_the_access_leg_is_not_seen_in_the_core() -> None:
    offer = sdp(9, "TCP/TLS/MSRP", "msrps://h:9/x;tcp", f"a=fingerprint:SHA-256 {PRINT}", "a=3ge2ae:requested")

    def judged(arrived: bytes | None) -> Outcome:
        story = Story().add(Kind.SENT, data=b"INVITE sip:b SIP/2.0\r\n\r\n" + offer, sip="request")
        if arrived is not None:
            story.add(Kind.RECEIVED, "2:y", data=b"INVITE sip:b SIP/2.0\r\n\r\n" + arrived, sip="request")
        return message_leg_in_core(story.events, exchange="1:x", actor="tester").outcome

    assert judged(sdp(9, "TCP/MSRP", "msrps://h:9/x;tcp")) is H
    assert judged(sdp(9, "TCP/MSRP", "msrps://h:9/x;tcp", "a=3ge2ae:requested")) is F
    assert judged(sdp(9, "TCP/TLS/MSRP", "msrps://h:9/x;tcp", f"a=fingerprint:SHA-256 {PRINT}")) is F
    assert judged(None) is U
    assert message_leg_in_core([], exchange="1:x", actor="tester").outcome is U
