"""Indirect communication through an SCP (TS 33.501 clause 13.3.8, TS 29.500 clause 6.10)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from imsproof.actors import cca, forgery
from imsproof.actors.indirect import IndirectConsumer
from imsproof.actors.nf import NfIdentity, ProducerClient, authority
from imsproof.codec import jose
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.nf import TokenAnswer
    from imsproof.bench import Bench

OTHER_TYPE, OTHER_SCOPE = "UDR", "nudr-dr"
HOUR = 3600
Attack = tuple[str, "Callable[[IndirectConsumer, ProducerClient], str | None]"]


def _claims(**claims: object) -> Callable[[IndirectConsumer, ProducerClient], str]:
    return lambda consumer, client: consumer.mint(client.producer, claims=claims)


def _broken(consumer: IndirectConsumer, client: ProducerClient) -> str:
    return jose.tampered_signature(consumer.mint(client.producer))


def _expired(consumer: IndirectConsumer, client: ProducerClient) -> str:
    now = int(time.time())
    return consumer.mint(client.producer, claims={"iat": now - 2 * HOUR, "exp": now - HOUR})


TOKENS: dict[str, Attack] = {
    "SBI-SCP-02": ("a bad signature", _broken),
    "SBI-SCP-03": ("another audience", _claims(aud=OTHER_TYPE)),
    "SBI-SCP-04": ("another scope", _claims(scope=OTHER_SCOPE)),
    "SBI-SCP-05": ("an expiry in the past", _expired),
}
ASSERTIONS: dict[str, tuple[str, Callable[[NfIdentity, str], str]]] = {
    "SBI-SCP-07": ("with a bad signature", lambda who, aud: jose.tampered_signature(cca.assertion(who, aud))),
    "SBI-SCP-08": ("for another audience", lambda who, _: cca.assertion(who, OTHER_TYPE)),
    "SBI-SCP-09": ("that has expired", lambda who, aud: cca.assertion(who, aud, offset=-HOUR)),
}


def indirect(bench: Bench, identity: NfIdentity | None = None) -> tuple[IndirectConsumer, ProducerClient]:
    """A consumer that goes through the SCP, and the producer as it sees it that way."""
    scp = bench.sbi.scp
    if scp is None:
        raise InconclusiveError("the profile has no sbi.scp")
    consumer = IndirectConsumer(bench.session, bench.sbi, scp, identity)
    return consumer, ProducerClient(consumer, bench.producer())


def accepted(client: ProducerClient, token: TokenAnswer | None) -> None:
    """The control: the same request, right in everything, is served through the SCP."""
    control(client.probe(token, label="through the SCP, right")).accepted()
    client.release(token)


def served_on(client: ProducerClient, token: TokenAnswer | None) -> None:
    """The SCP and the producer behind it serve on."""
    alive(client.probe(token, label="through the SCP, right again"))
    client.release(token)


@purpose("SBI-SCP-01")
def test_no_token_through_the_scp(bench: Bench) -> None:
    """A request without an access token is refused, also when the SCP brings it."""
    _, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    answer = client.probe(None, label="through the SCP without a token", injected=True)
    expect(answer).refused(status=[401, 403], accept=client.successes)
    served_on(client, token)


@purposes(TOKENS)
def test_a_wrong_token_through_the_scp(bench: Bench, case: Attack) -> None:
    """A wrong access token is refused, also when the SCP brings it with a good assertion."""
    consumer, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    what, make = case
    answer = client.probe(make(consumer, client), label=f"through the SCP, token with {what}", injected=True)
    expect(answer).refused(status=[400, 401, 403], accept=client.successes)
    served_on(client, token)


@purpose("SBI-SCP-06")
def test_a_stolen_token_through_the_scp(bench: Bench) -> None:
    """An access token of one consumer is refused with the assertion of another, whose connection it comes over."""
    _, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    others = [one for one in bench.sbi.consumers if one is not bench.sbi.consumer]
    if not others:
        raise InconclusiveError("sbi.consumers holds no second consumer, so there is nobody to steal the token")
    _, thief = indirect(bench, NfIdentity.of(others[0]))
    answer = thief.probe(token, label="through the SCP, a stolen token", injected=True)
    expect(answer).refused(status=[400, 401, 403], accept=client.successes)
    served_on(client, token)


@purposes(ASSERTIONS)
def test_a_wrong_assertion_through_the_scp(bench: Bench, case: tuple[str, Callable[[NfIdentity, str], str]]) -> None:
    """A wrong client credentials assertion is refused: through an SCP it alone says who the consumer is."""
    consumer, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    what, make = case
    consumer.assertion = lambda producer: make(consumer.identity, producer.nf_type or "")
    answer = client.probe(token, label=f"through the SCP, an assertion {what}", injected=True)
    expect(answer).refused(status=[400, 401, 403], accept=client.successes)
    consumer.assertion = consumer.good
    served_on(client, token)


@purpose("SBI-SCP-10")
def test_no_assertion_through_the_scp(bench: Bench) -> None:
    """A producer that asks for assertions serves no request that an SCP brings without one."""
    consumer, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    consumer.assertion = lambda _: None
    answer = client.probe(token, label="through the SCP without an assertion", injected=True)
    expect(answer).refused(status=[400, 401, 403], accept=client.successes)
    consumer.assertion = consumer.good
    served_on(client, token)


@purpose("SBI-SCP-11")
def test_the_scp_leads_nowhere_else(bench: Bench) -> None:
    """The SCP leads no request to an address that is no NF's, and so no token to a stranger."""
    consumer, client = indirect(bench)
    token = client.token()
    accepted(client, token)
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
    served_on(client, token)


@purpose("SBI-SCP-12")
def test_one_request_has_one_target(bench: Bench) -> None:
    """The SCP refuses a request that names two targets, since another node might choose the other."""
    consumer, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    consumer.target = ["https://127.0.0.1:9", f"{client.producer.url.scheme}://{authority(client.producer)}"]
    answer = client.probe(token, label="with two targets", injected=True)
    expect(answer).refused(status=[400], accept=client.successes)
    consumer.target = ()
    served_on(client, token)


@purpose("SBI-SCP-13")
def test_hops_are_counted(bench: Bench) -> None:
    """The SCP leads no request on whose hops are used up, so that requests cannot go round for ever."""
    _, client = indirect(bench)
    token = client.token()
    accepted(client, token)
    hops = [("3gpp-sbi-max-forward-hops", "0; nodetype=scp")]
    answer = client.probe(token, label="with no hop left", headers=hops, injected=True)
    expect(answer).refused(status=[400, 403, 429, 500, 508], accept=client.successes)
    served_on(client, token)
