"""Single frames against the reference lab: what was sent and what came stands in the journal, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.http2probe import Http2Probe
from imsproof.actors.nf import NfConsumer
from imsproof.codec import http2
from imsproof.seams import HarnessError, Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def probe_of(reference: Profile, lab: Session) -> Http2Probe:
    assert reference.sbi is not None
    consumer = NfConsumer(lab, reference.sbi)
    producer = reference.sbi.producers[0]
    return Http2Probe(consumer, producer, consumer.token(producer))


def test_a_right_request_is_answered_and_its_location_kept(reference: Profile, lab: Session) -> None:
    answer = probe_of(reference, lab).run("right", lambda s: [s.request()], injected=False)
    assert answer.statuses == {1: 201}
    assert len(answer.locations) == 1
    frames = [event.facts.get("frame") for event in lab.record.events if event.kind is Kind.RECEIVED]
    assert {"SETTINGS", "PING", "HEADERS", "DATA"} <= set(frames)


def test_an_offence_is_answered_by_goaway_with_its_name(reference: Profile, lab: Session) -> None:
    answer = probe_of(reference, lab).run("PING of 6 octets", lambda _: [http2.ping(b"6octet")], watch=())
    assert answer.goaway == 6
    (event,) = [event for event in lab.record.events if event.facts.get("frame") == "GOAWAY"]
    assert event.facts["error"] == "FRAME_SIZE_ERROR"


def test_a_step_waits_for_the_end_of_a_stream(reference: Profile, lab: Session) -> None:
    answer = probe_of(reference, lab).run("two", lambda s: [s.request(1), 1, s.request(3)], watch=(1, 3))
    assert answer.statuses == {1: 201, 3: 201}


def test_nothing_to_send_is_skipped_and_said(reference: Profile, lab: Session) -> None:
    assert probe_of(reference, lab).run("nothing", lambda _: []).skipped


def test_a_producer_without_a_probe_cannot_be_tested(reference: Profile, lab: Session) -> None:
    assert reference.sbi is not None
    without = reference.sbi.producers[0].model_copy(update={"probe": None})
    with pytest.raises(HarnessError, match="has no probe"):
        Http2Probe(NfConsumer(lab, reference.sbi), without, None)


def test_what_is_longer_than_a_tls_record_is_sent_whole(reference: Profile, lab: Session) -> None:
    probe = probe_of(reference, lab)
    long = probe.body + b" " * 40_000
    answer = probe.run("40 000 octets at once", lambda s: [s.headers() + s.data(1, long)], injected=False)
    assert answer.statuses == {1: 201}
