"""TLS tricks against the reference lab, which falls for none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors import tlstricks
from imsproof.judge.predicates.tlsprobe import no_early_data, no_renegotiation, tampering_noticed
from imsproof.seams import Outcome

if TYPE_CHECKING:
    from imsproof.actors.nf import NfConsumer
    from imsproof.profile.sbi import Producer


def test_the_lab_does_not_renegotiate(consumer: NfConsumer, producer: Producer) -> None:
    attempt = tlstricks.renegotiate(consumer, producer, "again")
    assert attempt.connected
    assert no_renegotiation(attempt.record.events, exchange=attempt.exchange).outcome is Outcome.HOLDS


def test_the_lab_offers_no_early_data(consumer: NfConsumer, producer: Producer) -> None:
    attempt = tlstricks.tickets(consumer, producer, "tickets")
    assert attempt.facts["version"] == "TLSv1.3"
    assert no_early_data(attempt.record.events, exchange=attempt.exchange).outcome is Outcome.HOLDS


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("what", ["Finished", "data"])
def test_the_lab_notices_a_changed_record(consumer: NfConsumer, producer: Producer, version: str, what: str) -> None:
    attempt = tlstricks.tampered(consumer, producer, "changed", version, what)
    assert tampering_noticed(attempt.record.events, exchange=attempt.exchange).outcome is Outcome.HOLDS


@pytest.mark.parametrize("clear", [True, False])
def test_the_lab_serves_no_http_1(consumer: NfConsumer, producer: Producer, clear: bool) -> None:
    answer = tlstricks.http1(consumer, producer, "GET", "/", label="old", alpn=("http/1.1",), clear=clear)
    assert answer.failed
    assert answer.status == 0


def test_nobody_listening_is_said(consumer: NfConsumer, producer: Producer) -> None:
    absent = producer.model_copy(update={"url": type(producer.url)("https", "127.0.0.1", 9)})
    assert tlstricks.renegotiate(consumer, absent, "x").failed
    assert tlstricks.tickets(consumer, absent, "x").failed
    assert tlstricks.tampered(consumer, absent, "x", "TLSv1.3", "data").failed
