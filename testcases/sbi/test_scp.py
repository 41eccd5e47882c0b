"""Indirect communication through an SCP (TS 33.501 clause 13.3.8, TS 29.500 clause 6.10)."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from imsproof.actors import cca, forgery
from imsproof.actors.forgery import Workshop
from imsproof.actors.indirect import IndirectConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.nfrequest import authority
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.tokencases import TABLE, THROUGH_SCP
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imsproof.actors.cca import Forge
    from imsproof.actors.nftokens import TokenAnswer
    from imsproof.bench import Bench
    from imsproof.profile.sbi import Producer

ASSERTIONS = {
    "SBI-SCP-07": cca.WRONG["signature"],
    "SBI-SCP-08": cca.WRONG["audience"],
    "SBI-SCP-09": cca.WRONG["expired"],
    "SBI-SCP-16": cca.WRONG["future"],
}


def indirect(bench: Bench, identity: NfIdentity | None = None) -> tuple[IndirectConsumer, ProducerClient]:
    """A consumer that goes through the SCP, and the producer as it sees it that way."""
    scp = bench.sbi.scp
    if scp is None:
        raise InconclusiveError("the profile has no sbi.scp")
    consumer = IndirectConsumer(bench.session, bench.sbi, scp, identity)
    return consumer, ProducerClient(consumer, bench.producer())


@contextmanager
def through(bench: Bench) -> Iterator[tuple[IndirectConsumer, ProducerClient, TokenAnswer]]:
    """What comes before and after: the same request, right in everything, is served through the SCP, and served on."""
    consumer, client = indirect(bench)
    token = client.token()
    control(client.probe(token, label="through the SCP, right")).accepted()
    client.release(token)
    yield consumer, client, token
    consumer.assertion, consumer.target = consumer.good, ()
    alive(client.probe(token, label="through the SCP, right again"))
    client.release(token)


@purposes(THROUGH_SCP)
def test_a_wrong_token_through_the_scp(bench: Bench, case: Sequence[str]) -> None:
    """A wrong access token is refused as it is without an SCP, also when one brings it with a good assertion."""
    with through(bench) as (_, client, token):
        shop = Workshop.of(client, token.token)
        for row in (TABLE[one] for one in case):
            for hostile in row.recipe(shop):
                label = f"through the SCP {hostile.label}"
                answer = client.probe(
                    hostile.token, label=label, headers=hostile.headers, query=hostile.query, injected=True
                )
                expect(answer).refused(status=row.status, accept=client.successes)


@purpose("SBI-SCP-06")
def test_a_stolen_token_through_the_scp(bench: Bench) -> None:
    """An access token of one consumer is refused with the assertion of another, whose connection it comes over."""
    with through(bench) as (_, client, token):
        others = [one for one in bench.sbi.consumers if one is not bench.sbi.consumer]
        if not others:
            raise InconclusiveError("sbi.consumers holds no second consumer, so there is nobody to steal the token")
        _, thief = indirect(bench, NfIdentity.of(others[0]))
        answer = thief.probe(token, label="through the SCP, a stolen token", injected=True)
        expect(answer).refused(status=[400, 401, 403], accept=client.successes)


def forged(make: Forge, identity: NfIdentity, producer: Producer) -> str:
    """A wrong assertion for a producer."""
    return make(identity, producer.nf_type or "")


@purposes(ASSERTIONS)
def test_a_wrong_assertion_through_the_scp(bench: Bench, case: Mapping[str, Forge]) -> None:
    """A wrong client credentials assertion is refused: through an SCP it alone says who the consumer is."""
    with through(bench) as (consumer, client, token):
        for what, make in case.items():
            consumer.assertion = partial(forged, make, consumer.identity)
            answer = client.probe(token, label=f"through the SCP, an assertion with {what}", injected=True)
            expect(answer).refused(status=[400, 401, 403], accept=client.successes)


@purpose("SBI-SCP-17")
def test_an_assertion_in_the_name_of_another_nf_through_the_scp(bench: Bench) -> None:
    """An assertion in the name of the consumer is refused that another NF has signed with its certificate."""
    with through(bench) as (consumer, client, token):
        another = bench.sbi.another
        if another is None:
            raise InconclusiveError("the profile has no second consumer")
        claims = {"sub": consumer.identity.instance_id}
        consumer.assertion = lambda one: cca.assertion(NfIdentity.of(another), one.nf_type or "", claims=claims)
        answer = client.probe(token, label="through the SCP, an assertion signed by another NF", injected=True)
        expect(answer).refused(status=[400, 401, 403], accept=client.successes)


@purpose("SBI-SCP-10")
def test_no_assertion_through_the_scp(bench: Bench) -> None:
    """A producer that asks for assertions serves no request that an SCP brings without one."""
    with through(bench) as (consumer, client, token):
        consumer.assertion = lambda _: None
        answer = client.probe(token, label="through the SCP without an assertion", injected=True)
        expect(answer).refused(status=[400, 401, 403], accept=client.successes)


@purpose("SBI-SCP-11")
def test_the_scp_leads_nowhere_else(bench: Bench) -> None:
    """The SCP leads no request to an address that is no NF's, and so no token to a stranger."""
    with through(bench) as (consumer, client, token):
        trap = forgery.set_trap(consumer, client, "the tester where no NF is")
        host, port = trap.address
        for scheme in ("https", "http"):
            consumer.target = [f"{scheme}://{host}:{port}"]
            expect(client.probe(token, label=f"to a stranger over {scheme}", injected=True)).refused(
                status=[400, 403, 404, 504], accept=client.successes
            )
        trap.session.run(trap.wait(trap.session.timers.silence))
        consumer.target = ()
        expect(client.probe(token, label="through the SCP, after the trap")).that("nobody-came", exchange=trap.exchange)


@purpose("SBI-SCP-12")
def test_one_request_has_one_target(bench: Bench) -> None:
    """The SCP refuses a request that names two targets, since another node might choose the other."""
    with through(bench) as (consumer, client, token):
        consumer.target = ["https://127.0.0.1:9", f"{client.producer.url.scheme}://{authority(client.producer)}"]
        answer = client.probe(token, label="with two targets", injected=True)
        expect(answer).refused(status=[400], accept=client.successes)


@purpose("SBI-SCP-13")
def test_hops_are_counted(bench: Bench) -> None:
    """The SCP leads no request on whose hops are used up, so that requests cannot go round for ever."""
    with through(bench) as (_, client, token):
        hops = [("3gpp-sbi-max-forward-hops", "0; nodetype=scp")]
        answer = client.probe(token, label="with no hop left", headers=hops, injected=True)
        expect(answer).refused(status=[400, 403, 429, 500, 508], accept=client.successes)
