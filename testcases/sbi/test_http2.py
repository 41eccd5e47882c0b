"""HTTP/2 of a producer, condition by condition (RFC 9113, RFC 7541), and floods (TS 33.117 clause 4.2.6.2.2).

Each case has a connection of its own. What is claimed is that the offence is not served and that another NF is served
meanwhile and afterwards; which error the lab answers with is judged as form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.http2cases import compression, fields, frames, streams, valid
from imsproof.actors.http2flooder import SHAPES, Http2Flooder
from imsproof.actors.http2probe import Http2Probe
from imsproof.actors.neighbour import Neighbour
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.http2cases import Case
    from imsproof.actors.http2probe import Http2Answer
    from imsproof.actors.producerclient import ProducerClient
    from imsproof.bench import Bench

CASES = {
    "SBI-HTTP2-01": frames.PREFACES,
    "SBI-HTTP2-02": frames.SIZES,
    "SBI-HTTP2-03": frames.DATA,
    "SBI-HTTP2-04": frames.HEADERS,
    "SBI-HTTP2-05": frames.PRIORITY,
    "SBI-HTTP2-06": frames.SETTINGS,
    "SBI-HTTP2-07": frames.PING,
    "SBI-HTTP2-08": frames.WINDOW,
    "SBI-HTTP2-09": frames.CONTINUATION,
    "SBI-HTTP2-10": streams.STATES,
    "SBI-HTTP2-11": fields.PSEUDO,
    "SBI-HTTP2-12": fields.INJECTION,
    "SBI-HTTP2-13": fields.SMUGGLING,
    "SBI-HTTP2-14": compression.ERRORS,
    "SBI-HTTP2-15": compression.BOMBS,
    "SBI-HTTP2-16": compression.ENDLESS,
}
FLOODS = {
    "SBI-HTTP2-18": ["rapid-reset", "provoked-reset"],
    "SBI-HTTP2-19": ["half-open", "shut-window"],
    "SBI-HTTP2-20": ["settings"],
    "SBI-HTTP2-21": ["ping"],
    "SBI-HTTP2-22": ["empty-data"],
    "SBI-HTTP2-23": ["priority", "window", "unknown"],
}
SHARE = 0.75
"""The least share of the other NF's requests that must be served during a flood."""


def without_field(probe: Http2Probe, name: bytes) -> Http2Answer:
    """The request without one of its fields: would the lab serve that too?"""
    return probe.run(f"the request without {name.decode()}", lambda s: [s.request(1, s.block(change={name: None}))])


def unended(probe: Http2Probe) -> Http2Answer:
    """The request whose end is still to come: does the lab answer all the same?"""
    return probe.run("the request before its end", lambda s: [s.headers()])


@purposes(CASES)
def test_offences_are_not_served(bench: Bench, producer: ProducerClient, case: Sequence[Case]) -> None:
    """The producer serves no request, PING or SETTINGS that breaks this part of RFC 9113, and serves others on."""
    token = producer.token() if producer.wants_token else None
    probe = Http2Probe(producer.consumer, producer.producer, token)
    neighbour = Neighbour(producer.consumer, bench.sbi, producer.producer)
    right = probe.run("the request, well formed", lambda s: [s.request()], injected=False)
    control(right).accepted()
    producer.created += right.locations
    bare: dict[bytes, str] = {}
    early = ""
    for number, one in enumerate(case):
        if one.field and one.field not in bare:
            without = without_field(probe, one.field)
            producer.created += without.locations
            bare[one.field] = without.exchange
        answer = probe.run(
            one.name,
            one.send,
            watch=one.watch,
            greet=one.greet,
            fence=one.fence,
            settings=one.settings,
        )
        producer.created += answer.locations
        if answer.skipped:
            bench.session.note(f"{one.name}: the lab announces that it takes such frames", exchange=answer.exchange)
            continue
        if one.late and not early and set(answer.statuses.values()) & set(probe.accept):
            before = unended(probe)
            producer.created += before.locations
            early = before.exchange
        judged = expect(answer)
        if one.effect or not one.free:
            judged.holds(
                "h2-not-served",
                effect=one.effect,
                accept=list(probe.accept),
                legit=list(one.legit),
                limit=one.limit,
                without=bare.get(one.field, ""),
                early=early if one.late else "",
            )
        if judged.held and not one.free:
            judged.holds(
                "h2-error",
                role=Role.FORM,
                connection=list(one.connection),
                stream=list(one.stream),
                malformed=one.clause.startswith("8"),
            )
        if number == len(case) // 2:
            expect(neighbour.probe("another NF meanwhile")).serves()
    expect(neighbour.probe("another NF afterwards")).serves()
    alive(producer.probe(token, label="probe afterwards"))
    producer.release(token)


@purpose("SBI-HTTP2-17")
def test_what_the_rfc_allows_is_served(producer: ProducerClient) -> None:
    """The producer serves requests that use what RFC 9113 and RFC 7541 allow a client."""
    token = producer.token() if producer.wants_token else None
    control(producer.probe(token)).accepted()
    probe = Http2Probe(producer.consumer, producer.producer, token)
    for one in valid.VALID:
        answer = probe.run(one.name, one.send, watch=one.watch, injected=False)
        producer.created += answer.locations
        if answer.skipped:
            continue
        role = Role.FORM if one.free else Role.CLAIM
        expect(answer).holds("h2-served", role=role, streams=list(one.watch), accept=list(probe.accept))
    alive(producer.probe(token, label="probe afterwards"))
    producer.release(token)


@purposes(FLOODS)
def test_floods_do_not_stop_another_nf(bench: Bench, producer: ProducerClient, case: Sequence[str]) -> None:
    """While one NF floods its connection with frames, another NF is served."""
    token = producer.token() if producer.wants_token else None
    control(producer.probe(token)).accepted()
    probe = Http2Probe(producer.consumer, producer.producer, token)
    neighbour = Neighbour(producer.consumer, bench.sbi, producer.producer)
    flooder = Http2Flooder(probe)
    for name in case:
        flood = flooder.flood(SHAPES[name], neighbour.aprobe)
        if flood.failed:
            raise InconclusiveError(f"the flood could not begin: {flood.failed}")
        producer.created += flood.locations
        control(flood).holds("h2-flood-met", at_least=1)
        expect(flood).that("served-share", exchanges=flood.beside, share=SHARE, accept=list(probe.accept))
    neighbour.release()
    alive(neighbour.probe("another NF afterwards"))
    producer.release(token)
