"""Client credentials assertions and static authorisation (TS 33.501 13.3.8 and 13.3.0, TS 33.117 4.2.2.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import cca, forgery
from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.producerclient import ProducerClient
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imsproof.actors.cca import Forge
    from imsproof.bench import Bench
    from imsproof.link.subject import HttpAnswer

TABLE = {
    "SBI-CCA-02": cca.WRONG["signature"],
    "SBI-CCA-03": cca.WRONG["audience"],
    "SBI-CCA-04": cca.WRONG["expired"],
    "SBI-CCA-05": cca.WRONG["future"],
}


def refuses(producer: ProducerClient, assertions: Sequence[tuple[str, str]]) -> None:
    """The whole shape: served with a good assertion, refused with each hostile one, served again."""
    token = producer.token() if producer.wants_token else None

    def probe(label: str, text: str, *, injected: bool = False) -> HttpAnswer:
        return producer.probe(token, label=label, headers=[(cca.HEADER, text)], injected=injected)

    control(probe("with a good assertion", good(producer))).accepted()
    producer.release(token)
    for label, text in assertions:
        answer = probe(f"with an assertion with {label}", text, injected=True)
        expect(answer).refused(status=[400, 401, 403], accept=producer.successes)
    alive(probe("with a good assertion again", good(producer)))
    producer.release(token)


def good(producer: ProducerClient) -> str:
    """An assertion that the producer accepts."""
    return cca.assertion(producer.consumer.identity, audience(producer))


def audience(producer: ProducerClient) -> str:
    """The producer's NF type."""
    if not producer.producer.nf_type:
        raise InconclusiveError("the producer's NF type is not known: fill in sbi.producers[].nf_type")
    return producer.producer.nf_type


@purpose("SBI-CCA-01")
def test_a_request_without_an_assertion_is_refused(bench: Bench) -> None:
    """A producer that asks for client credentials assertions serves no request without one."""
    strict = next(one for one in bench.sbi.producers if one.probe and one.cca == "required")
    client = ProducerClient(NfConsumer(bench.session, bench.sbi), strict)
    token = client.token() if client.wants_token else None
    control(client.probe(token, label="with an assertion")).accepted()
    client.release(token)
    answer = client.probe(token, label="without an assertion", assertion=False, injected=True)
    expect(answer).refused(status=[400, 401, 403], accept=client.successes)
    alive(client.probe(token, label="with an assertion again"))
    client.release(token)


@purposes(TABLE)
def test_a_wrong_assertion_is_refused(producer: ProducerClient, case: Mapping[str, Forge]) -> None:
    """A producer refuses a request whose client credentials assertion is wrong in one thing."""
    own, name = producer.consumer.identity, audience(producer)
    refuses(producer, [(label, forge(own, name)) for label, forge in case.items()])


@purpose("SBI-CCA-06")
def test_an_assertion_in_the_name_of_another_nf_is_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer refuses an assertion in the name of the consumer that another NF has signed with its certificate."""
    another = bench.sbi.another
    if another is None:
        raise InconclusiveError("the profile has no second consumer")
    own = producer.consumer.identity.instance_id
    forged = cca.assertion(NfIdentity.of(another), audience(producer), claims={"sub": own})
    refuses(producer, [("the name of the consumer but the certificate of another", forged)])


@purpose("SBI-CCA-07")
def test_an_assertion_of_another_nf_than_the_token_is_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer refuses a good access token with a good assertion of another NF."""
    another = bench.sbi.another
    if another is None:
        raise InconclusiveError("the profile has no second consumer")
    refuses(producer, [("the name of another NF", cca.assertion(NfIdentity.of(another), audience(producer)))])


@purpose("SBI-CCA-08")
def test_an_assertion_does_not_lead_the_producer_to_an_address(producer: ProducerClient) -> None:
    """A producer does not fetch a certificate from wherever an assertion says (x5u), and refuses it."""
    trap = forgery.set_trap(producer.consumer, producer, "the tester's certificate server")
    host, port = trap.address
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/certificate"
    hostile = cca.assertion(producer.consumer.identity, audience(producer), header={"x5c": None, "x5u": url})
    refuses(producer, [("an x5u at the tester", hostile)])
    trap.session.run(trap.wait(trap.session.timers.silence))
    expect(producer.probe(label="probe without a token, after the trap", injected=True)).that(
        "nobody-came", exchange=trap.exchange
    )


@purpose("SBI-STATIC-01")
def test_a_consumer_outside_the_local_policy_is_refused(bench: Bench) -> None:
    """A producer that asks for no token serves the consumer of its local policy, and refuses one outside of it."""
    served = next(one for one in bench.sbi.producers if one.probe and not one.requires_token)
    own = ProducerClient(NfConsumer(bench.session, bench.sbi), served)
    outside = bench.sbi.others[0]
    other = ProducerClient(NfConsumer(bench.session, bench.sbi, NfIdentity.of(outside), actor=outside.name), served)
    control(own.probe(label="by the consumer of the local policy")).accepted()
    answer = other.probe(label="by a consumer outside of it", injected=True)
    expect(answer).refused(status=[401, 403], accept=own.successes)
    alive(own.probe(label="by the consumer of the local policy again"))
    own.release()
