"""What a server answered to a hello made by hand."""

from __future__ import annotations

from typing import Any

import pytest
from tests.judge.events import Story

from imsproof.judge.predicates.tlsprobe import (
    alpn_chosen,
    closed_in_form,
    downgrade_marked,
    hello_refused,
    large_field,
    no_early_data,
    no_http_answer,
    no_renegotiation,
    server_hello,
    tampering_noticed,
)
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
X = "1:x"
HELLO: dict[str, Any] = {
    "version": "TLSv1.2",
    "suite": "S",
    "compression": 0,
    "extensions": ["renegotiation_info"],
    "random": "00" * 24 + "444f574e47524401",
    "group": 23,
}


def asked() -> Story:
    return Story().add(Kind.OPENED, transport="tcp").add(Kind.SENT)


def answered(**facts: Any) -> Story:
    return asked().add(Kind.RECEIVED, tls={**HELLO, **facts})


def alerted(name: str = "handshake_failure") -> Story:
    return asked().add(Kind.RECEIVED, tls={"alerts": [[name, "fatal"]]}).add(Kind.ALERT, alert=name)


def test_a_hello_is_refused_by_anything_but_a_server_hello() -> None:
    assert hello_refused(answered().events, exchange=X).outcome is F
    assert hello_refused(alerted().events, exchange=X).outcome is H
    assert hello_refused(asked().add(Kind.CLOSED, by="lab").events, exchange=X).outcome is H
    assert hello_refused(asked().add(Kind.TIMEOUT).events, exchange=X).outcome is H


def test_who_cannot_be_reached_refused_nothing() -> None:
    nobody = Story().add(Kind.REFUSED, transport="tcp", reason="connect")
    assert hello_refused(nobody.events, exchange=X).outcome is U
    assert server_hello(nobody.events, exchange=X).outcome is U
    busy = Story().add(Kind.OPENED).add(Kind.SENT).add(Kind.TIMEOUT)
    assert server_hello(busy.events, exchange=X).outcome is U
    assert alpn_chosen(busy.events, exchange=X, protocol="h2").outcome is U
    assert downgrade_marked(nobody.events, exchange=X).outcome is U


@pytest.mark.parametrize(
    "wanted",
    [{"compression": 1}, {"extensions": ["extended_master_secret"]}, {"group": 24}, {"suites": ["T"]}],
)
def test_each_property_of_the_server_hello_counts(wanted: dict[str, Any]) -> None:
    right: dict[str, Any] = {"compression": 0, "extensions": ["renegotiation_info"], "group": 23, "suites": ["S"]}
    assert server_hello(answered().events, exchange=X, **right).outcome is H
    assert server_hello(answered().events, exchange=X, **wanted).outcome is F


def test_a_server_without_the_version_is_not_judged_by_it() -> None:
    assert server_hello(alerted().events, exchange=X).outcome is F
    assert server_hello(alerted("protocol_version").events, exchange=X).outcome is U


def test_a_server_without_tls_1_2_has_nothing_to_be_looked_at_in_it() -> None:
    story = asked().add(Kind.ALERT, alert="protocol_version", level="fatal")
    assert server_hello(story.events, exchange=X, compression=0, moot=True).outcome is H
    assert server_hello(story.events, exchange=X, compression=0).outcome is U
    assert downgrade_marked(story.events, exchange=X).outcome is H
    assert no_renegotiation(story.events, exchange=X).outcome is H


def test_the_downgrade_mark_stands_at_the_end_of_the_random() -> None:
    assert downgrade_marked(answered().events, exchange=X).outcome is H
    assert downgrade_marked(answered(random="00" * 32).events, exchange=X).outcome is F


def test_an_end_is_in_form_by_a_fitting_alert_or_a_close() -> None:
    assert closed_in_form(alerted().events, exchange=X, alerts=["handshake_failure"]).outcome is H
    assert closed_in_form(alerted().events, exchange=X, alerts=["decode_error"]).outcome is F
    assert closed_in_form(alerted().events, exchange=X).outcome is H
    assert closed_in_form(asked().add(Kind.CLOSED, by="lab").events, exchange=X, alerts=["a"]).outcome is H
    assert closed_in_form(asked().add(Kind.TIMEOUT).events, exchange=X).outcome is F


def test_alpn() -> None:
    done = Story().add(Kind.HANDSHAKE, alpn="h2").events
    assert alpn_chosen(done, exchange=X, protocol="h2").outcome is H
    assert alpn_chosen(done, exchange=X, protocol="http/1.1").outcome is F
    assert alpn_chosen(alerted().events, exchange=X, protocol="h2").outcome is F
    assert alpn_chosen([], exchange=X, protocol="h2").outcome is U


@pytest.mark.parametrize(("status", "outcome"), [(200, F), (302, F), (400, H), (505, H)])
def test_an_error_serves_nothing(status: int, outcome: Outcome) -> None:
    story = asked().add(Kind.RECEIVED, transport="http", status=status)
    assert no_http_answer(story.events, exchange=X).outcome is outcome
    assert no_http_answer(asked().add(Kind.TIMEOUT).events, exchange=X).outcome is H
    assert no_http_answer([], exchange=X).outcome is U


def test_renegotiation_is_judged_only_when_it_was_asked_for() -> None:
    first = Story().add(Kind.HANDSHAKE)
    assert no_renegotiation(first.events, exchange=X).outcome is U
    assert no_renegotiation(first.add(Kind.NOTE, asked=True).events, exchange=X).outcome is H
    assert no_renegotiation(first.add(Kind.HANDSHAKE, renegotiated=True).events, exchange=X).outcome is F


def test_early_data() -> None:
    assert no_early_data(Story().add(Kind.NOTE, max_early_data=0).events, exchange=X).outcome is H
    assert no_early_data(Story().add(Kind.NOTE, max_early_data=16384).events, exchange=X).outcome is F
    assert no_early_data(alerted("protocol_version").events, exchange=X).outcome is H
    assert no_early_data(alerted().events, exchange=X).outcome is U


def test_who_says_nothing_more_after_a_change_let_nothing_through_but_did_not_end_it() -> None:
    changed = Story().add(Kind.HANDSHAKE).add(Kind.NOTE, tampered=True)
    silent = changed.add(Kind.NOTE, octets=0)
    assert tampering_noticed(silent.events, exchange=X).outcome is H
    assert tampering_noticed(silent.events, exchange=X, ended=True).outcome is F
    spoke = Story().add(Kind.HANDSHAKE).add(Kind.NOTE, tampered=True).add(Kind.NOTE, octets=7)
    assert tampering_noticed(spoke.events, exchange=X).outcome is F


def test_tampering_is_noticed_after_it_happened() -> None:
    before = Story().add(Kind.HANDSHAKE).add(Kind.ALERT, alert="bad_record_mac")
    assert tampering_noticed(before.events, exchange=X).outcome is U
    changed = before.add(Kind.NOTE, tampered=True)
    assert tampering_noticed(changed.events, exchange=X).outcome is F
    assert tampering_noticed(changed.add(Kind.ALERT, alert="close_notify").events, exchange=X).outcome is F
    assert tampering_noticed(changed.add(Kind.CLOSED, by="tester").events, exchange=X).outcome is F
    assert tampering_noticed(changed.add(Kind.CLOSED, by="lab").events, exchange=X).outcome is H


def test_who_breaks_off_the_hello_as_any_handshake_with_tls_1_2_takes_none() -> None:
    def broken(plain: str | None) -> Story:
        story = asked().add(Kind.CLOSED, by="lab")
        if plain == "refused":
            return story.add(Kind.OPENED, exchange="2:plain").add(Kind.REFUSED, exchange="2:plain", stage="handshake")
        return story.add(Kind.HANDSHAKE, exchange="2:plain", version="TLSv1.2") if plain else story

    newer, older, untold = broken("refused").events, broken("done").events, broken(None).events
    assert server_hello(newer, exchange=X, moot=True, plain="2:plain").outcome is H
    assert server_hello(newer, exchange=X, plain="2:plain").outcome is U
    assert server_hello(older, exchange=X, moot=True, plain="2:plain").outcome is F
    assert server_hello(untold, exchange=X, moot=True).outcome is F
    assert downgrade_marked(newer, exchange=X, plain="2:plain").outcome is H
    assert no_renegotiation(newer, exchange=X, plain="2:plain").outcome is H
    assert no_early_data(older, exchange=X, plain="2:plain").outcome is H
    assert no_early_data(newer, exchange=X, plain="2:plain").outcome is U


def test_a_finite_field_is_large_or_not_taken() -> None:
    assert large_field(answered(field_bits=2048).events, exchange=X, least=2048).outcome is H
    assert large_field(answered(field_bits=1024).events, exchange=X, least=2048).outcome is F
    assert large_field(answered(group=None).events, exchange=X, least=2048).outcome is U
    assert large_field(answered(group=23).events, exchange=X, small=[19]).outcome is H
    assert large_field(answered(group=19).events, exchange=X, small=[19]).outcome is F
    assert large_field(alerted().events, exchange=X, least=2048).outcome is H
    assert large_field([], exchange=X, least=2048).outcome is U
