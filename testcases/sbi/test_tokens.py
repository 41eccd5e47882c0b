"""Access tokens at a producer (TS 33.117 clause 4.2.2.2.3.1, TS 33.501 clause 13.4.1.1.2, RFC 8725)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import forgery
from imsproof.actors.forgery import Workshop
from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.tokencases import INVALID, SCOPE, TABLE, Row
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.forgery import Hostile
    from imsproof.actors.nftokens import TokenAnswer
    from imsproof.bench import Bench


def refuses(producer: ProducerClient, row: Row) -> None:
    """The whole shape of a token purpose: accepted with a good token, refused with each hostile one, unchanged."""
    good = producer.token()
    control(producer.probe(good, label="probe with a good token")).accepted()
    deletes = can_delete(producer, good)
    hostile = row.recipe(Workshop.of(producer, good.token))
    for one in hostile:
        refused(producer, one, row)
    alive(producer.probe(good, label="probe with a good token again"))
    for location in list(producer.created) if deletes else ():
        attack(producer, location, hostile[0], good)
    producer.release(good)


def can_delete(producer: ProducerClient, good: TokenAnswer) -> bool:
    """Whether the rightful owner can delete what the probe made: only then does a deletion show anything."""
    made = list(producer.created)
    return bool(made) and all(producer.delete(one, good, label="DELETE by the rightful owner").ok for one in made)


def refused(producer: ProducerClient, one: Hostile, row: Row) -> None:
    """One hostile request is refused."""
    label = f"probe {one.label}"
    answer = producer.probe(one.token, label=label, headers=one.headers, query=one.query, injected=True)
    expect(answer).refused(status=row.status, oauth=row.oauth, accept=producer.successes)


def attack(producer: ProducerClient, location: str, one: Hostile, good: TokenAnswer) -> None:
    """A hostile request to delete is refused, and what was to be deleted is there: its owner can delete it."""
    label = f"DELETE {one.label}"
    expect(producer.delete(location, one.token, label=label, headers=one.headers, injected=True)).refused()
    expect(producer.delete(location, good, label="DELETE by the rightful owner")).accepted()


@purposes(TABLE)
def test_a_wrong_token_is_refused(producer: ProducerClient, case: Row) -> None:
    """A producer refuses to create and to delete for a token that is wrong in one thing, and nothing changes."""
    refuses(producer, case)


@purpose("SBI-TOKEN-11")
def test_a_token_does_not_lead_the_producer_to_an_address(producer: ProducerClient) -> None:
    """A producer refuses a token that points elsewhere for its key (jku, x5u, a URL as kid), and does not go there."""
    trap = forgery.set_trap(producer.consumer, producer, "the tester's key server")
    for member in ("jku", "x5u", "kid"):
        refuses(producer, Row(forgery.key_url(member, trap)))
    trap.session.run(trap.wait(trap.session.timers.silence))
    expect(producer.probe(label="probe without a token, after the trap", injected=True)).that(
        "nobody-came", exchange=trap.exchange
    )


@purpose("SBI-TOKEN-28")
def test_a_token_without_the_additional_scope_is_refused(bench: Bench) -> None:
    """A producer whose operation needs a scope of its own refuses a token that has the service's scope only."""
    strict = next(one for one in bench.sbi.producers if one.probe and one.operation_scope)
    client = ProducerClient(NfConsumer(bench.session, bench.sbi), strict)
    good = client.token()
    control(client.probe(good, label="probe with both scopes")).accepted()
    client.release(good)
    narrow = client.token(scope=strict.service_scope, label="access token for the service only")
    if not narrow.token:
        raise InconclusiveError(f"no token for the service only could be had: the NRF answered {narrow.status}")
    answer = client.probe(narrow, label="probe with the service's scope only", injected=True)
    expect(answer).refused(status=[400, 401, 403], oauth=SCOPE, accept=client.successes)
    alive(client.probe(good, label="probe with both scopes again"))
    client.release(good)


@purpose("SBI-TOKEN-17")
def test_a_stolen_token_is_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer refuses one NF's access token over the connection of another NF that is authorised itself."""
    peer = bench.sbi.peers[0]
    thief = ProducerClient(
        NfConsumer(bench.session, bench.sbi, NfIdentity.of(peer), actor=peer.name), producer.producer
    )
    own = thief.token(label="the other NF's own token")
    control(thief.probe(own, label="probe by the other NF with its own token")).accepted()
    thief.release(own)
    stolen = producer.token()
    control(producer.probe(stolen, label="probe by the rightful NF")).accepted()
    producer.release(stolen)
    theft = thief.probe(stolen, label="probe by the other NF with the stolen token", injected=True)
    expect(theft).refused(status=[400, 401, 403], oauth=INVALID, accept=thief.successes)
    alive(producer.probe(stolen, label="probe by the rightful NF again"))
    producer.release(stolen)
