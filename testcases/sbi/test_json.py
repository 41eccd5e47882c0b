"""JSON at a producer (TS 33.117 clause 4.3.6, TS 29.501 clause 6.2): errors for what is wrong, and service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imsproof.actors import jsoncases, schemacases
from imsproof.actors.jsoncases import JSON_TYPE, PATCH_TYPE, JsonCase
from imsproof.actors.neighbour import Neighbour
from imsproof.actors.nfrequest import full_path
from imsproof.actors.openapi import OpenApi
from imsproof.judge import alive, control, expect
from imsproof.paths import profiles
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.nftokens import TokenAnswer
    from imsproof.actors.producerclient import ProducerClient
    from imsproof.bench import Bench
    from imsproof.link.subject import HttpAnswer
    from imsproof.profile.sbi import SbiProbe

    Token = TokenAnswer | None

TABLES = {
    "SBI-JSON-01": jsoncases.duplicates,
    "SBI-JSON-02": jsoncases.nestings,
    "SBI-JSON-03": jsoncases.leaves,
    "SBI-JSON-04": jsoncases.sizes,
    "SBI-JSON-05": jsoncases.syntax,
    "SBI-JSON-08": jsoncases.odd,
    "SBI-JSON-11": jsoncases.compressed,
}
LONG = 20.0
"""Seconds for a body of millions of octets to be sent and answered."""


def the_probe(producer: ProducerClient) -> SbiProbe:
    """The probe, which has a JSON body where a purpose needs sbi.json."""
    probe = producer.producer.probe
    if probe is None or not isinstance(probe.body, dict):
        raise InconclusiveError("sbi.producers[].probe has no JSON object as its body")
    return probe


def send(producer: ProducerClient, token: Token, case: JsonCase) -> HttpAnswer:
    """Send the probe with another body."""
    probe = the_probe(producer)
    path = probe.path + (f"{'&' if '?' in probe.path else '?'}{case.query}" if case.query else "")
    kind = [("content-type", case.content_type)] if case.content_type else []
    kind += [("content-encoding", case.coding)] if case.coding else []
    answer = producer.consumer.call(
        producer.producer,
        probe.method,
        path,
        body=case.body,
        token=token,
        headers=[*probe.headers.items(), *kind],
        label=case.name,
        injected=True,
        within=LONG,
    )
    answer.accept = tuple(probe.expect)
    location = answer.header("location")
    if answer.ok and location:
        producer.created.append(location)
    return answer


def judge(answer: HttpAnswer, case: JsonCase) -> None:
    """Refused where that is claimed; in either case no error of the server's own."""
    if case.claimed and not expect(answer).refused().held:
        return
    expect(answer).holds("no-server-error", role=Role.FORM)


def run(bench: Bench, producer: ProducerClient, make: Callable[[], Sequence[JsonCase]]) -> None:
    """The whole shape: accepted when right, each case, another NF served meanwhile and afterwards."""
    token = producer.token() if producer.wants_token else None
    control(producer.probe(token, label="the probe, right")).accepted()
    neighbour = Neighbour(producer.consumer, bench.sbi, producer.producer)
    cases = make()
    for case in cases:
        judge(send(producer, token, case), case)
        producer.release(token)
    expect(neighbour.probe("another NF afterwards")).serves()
    alive(producer.probe(token, label="the probe afterwards"))
    producer.release(token)


@purposes(TABLES)
def test_json_that_must_not_be_taken(
    bench: Bench, producer: ProducerClient, case: Callable[[dict[str, object]], list[JsonCase]]
) -> None:
    """The producer refuses such bodies, or survives them, and serves another NF on."""
    body = the_probe(producer).body
    run(bench, producer, lambda: case(body if isinstance(body, dict) else {}))


@purpose("SBI-JSON-06")
def test_values_that_the_schema_forbids(bench: Bench, producer: ProducerClient) -> None:
    """The producer refuses mandatory IEs of a wrong type or range, and bodies that lack them."""
    probe, target = the_probe(producer), producer.producer
    body = probe.body if isinstance(probe.body, dict) else {}
    file = Path(target.openapi) if target.openapi else profiles() / "openapi" / "nmf-mrm.yaml"
    api = OpenApi(file)
    schema = api.body_schema(probe.method, full_path(target, probe.path))
    if schema is None:
        raise InconclusiveError(f"{file.name} has no JSON body for {probe.method} {probe.path}")
    run(bench, producer, lambda: schemacases.cases(schema, body, api))


def make_one(producer: ProducerClient, token: Token) -> tuple[HttpAnswer, str]:
    """Make a resource with the probe and return the answer and where it is."""
    made = producer.probe(token, label="the probe, right")
    control(made).accepted()
    if not producer.created:
        raise InconclusiveError(
            "the probe makes no resource (its answer has no Location), so none can be named wrongly"
        )
    return made, producer.created[-1]


@purpose("SBI-JSON-07")
def test_hostile_identifiers_name_nothing(bench: Bench, producer: ProducerClient) -> None:
    """The producer takes no identifier for a path, a pattern or an expression; what there is stays."""
    token = producer.token() if producer.wants_token else None
    neighbour = Neighbour(producer.consumer, bench.sbi, producer.producer)
    _, first = make_one(producer, token)
    if not producer.delete(first, token, label="DELETE of what was made").ok:
        raise InconclusiveError("the producer does not delete what the probe makes, so it shows nothing by its DELETE")
    if producer.delete(first, token, label="DELETE of what is gone").ok:
        raise InconclusiveError(
            "the producer answers DELETE of what is gone as of what is there: its DELETE shows nothing"
        )
    _, location = make_one(producer, token)
    root = location.rpartition("/")[0]
    for hostile in jsoncases.HOSTILE_IDS:
        answer = producer.delete(f"{root}/{hostile}", token, label=f"DELETE of {hostile[:40]}", injected=True)
        if expect(answer).refused().held:
            expect(answer).holds("no-server-error", role=Role.FORM)
    expect(producer.delete(location, token, label="DELETE of what is there still")).accepted()
    expect(neighbour.probe("another NF afterwards")).serves()
    alive(producer.probe(token, label="the probe afterwards"))
    producer.release(token)


@purpose("SBI-JSON-09")
def test_patches_that_do_not_apply_change_nothing(producer: ProducerClient) -> None:
    """The producer refuses a JSON Patch that leads out of bounds or fails, and nothing of it is applied."""
    token = producer.token() if producer.wants_token else None
    made, location = make_one(producer, token)
    value = made.json()
    if not isinstance(value, dict):
        raise InconclusiveError("the answer to the probe does not show the resource, so a change could not be seen")
    name = next(iter(the_probe(producer).body or {}), "")
    same = [{"op": "test", "path": f"/{name}", "value": value.get(name)}]

    def patch(body: object, label: str, *, injected: bool = True) -> HttpAnswer:
        return producer.consumer.call(
            producer.producer,
            "PATCH",
            location,
            body=body if isinstance(body, dict | list) else f'"{body}"',
            token=token,
            headers=[("content-type", PATCH_TYPE)],
            label=label,
            injected=injected,
        )

    control(patch(same, "PATCH that tests for what there is", injected=False)).accepted()
    for label, body in jsoncases.patches(value):
        answer = patch(body, f"PATCH with {label}")
        if expect(answer).refused().held:
            expect(answer).holds("no-server-error", role=Role.FORM)
    expect(patch(same, "PATCH that tests for what there was", injected=False)).accepted()
    producer.release(token)
    alive(producer.probe(token, label="the probe afterwards"))
    producer.release(token)


@purpose("SBI-JSON-10")
def test_urls_that_lead_astray_are_refused(bench: Bench, producer: ProducerClient) -> None:
    """The MF takes no replacement URL that is no HTTP URL with a host."""
    probe = the_probe(producer)
    body = probe.body if isinstance(probe.body, dict) else {}
    media = jsoncases.place_of("dcMedia", body)
    if media is None:
        raise InconclusiveError("sbi.producers[].probe reserves no data channel: its body has no dcMedia")
    where = (*media, "replaceHttpUrl")
    cases = []
    for name, url in jsoncases.HOSTILE_URLS.items():
        value = {"0": {"streamId": 0, "replaceHttpUrl": url}}
        cases.append(JsonCase(f"replaceHttpUrl: {name}", jsoncases.encoded(body, where, value), JSON_TYPE))
    run(bench, producer, lambda: cases)
