"""Access tokens at a producer (TS 33.117 clause 4.2.2.2.3.1, TS 33.501 clause 13.4.1.1.2, RFC 8725)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imsproof.actors import forgery
from imsproof.actors.forgery import Hostile, Workshop, wrong_claims, wrong_times
from imsproof.actors.nf import NfConsumer, NfIdentity, ProducerClient
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.nf import TokenAnswer
    from imsproof.bench import Bench

OTHER_TYPE = "UDR"
STRANGER = "6d0f1c1e-ffff-4fff-8fff-00000000ffff"
INVALID = ("invalid_token",)
SCOPE = ("insufficient_scope",)
OTHER_PLMN = {"mcc": "999", "mnc": "70"}


class Row(NamedTuple):
    """A row of the table: what is wrong with the token, and the OAuth error that names it."""

    recipe: Callable[[Workshop], Sequence[Hostile]]
    oauth: tuple[str, ...] = INVALID
    status: tuple[int, ...] = (400, 401, 403)


TABLE = {
    "SBI-TOKEN-01": Row(forgery.no_token, ()),
    "SBI-TOKEN-02": Row(forgery.wrong_signature),
    "SBI-TOKEN-03": Row(wrong_claims("the audience of another NF type", aud=OTHER_TYPE)),
    "SBI-TOKEN-04": Row(wrong_claims("a scope of another service", scope="nudr-dr"), SCOPE),
    "SBI-TOKEN-05": Row(wrong_times("an expiry in the past", iat=-7200, exp=-3600)),
    "SBI-TOKEN-06": Row(wrong_claims("the subject of another NF", sub=STRANGER)),
    "SBI-TOKEN-07": Row(forgery.algorithm_none),
    "SBI-TOKEN-08": Row(forgery.public_key_as_secret),
    "SBI-TOKEN-09": Row(forgery.unknown_key_id),
    "SBI-TOKEN-10": Row(forgery.key_in_header),
    "SBI-TOKEN-12": Row(forgery.unknown_extension),
    "SBI-TOKEN-13": Row(wrong_claims("the audience of another instance", aud=[STRANGER])),
    "SBI-TOKEN-14": Row(forgery.wrong_scopes, SCOPE),
    "SBI-TOKEN-15": Row(wrong_claims("no expiry", exp=None)),
    "SBI-TOKEN-16": Row(wrong_times("a beginning in the future", iat=3600, nbf=3600, exp=7200)),
    "SBI-TOKEN-18": Row(wrong_claims("an issuer that is not the NRF", iss=STRANGER)),
    "SBI-TOKEN-19": Row(wrong_claims("another S-NSSAI", producerSnssaiList=[{"sst": 250, "sd": "ffeedd"}])),
    "SBI-TOKEN-20": Row(wrong_claims("another NSI", producerNsiList=["imsproof-no-such-nsi"])),
    "SBI-TOKEN-21": Row(wrong_claims("another NF set", producerNfSetId="set99.none.5gc.mnc070.mcc999")),
    "SBI-TOKEN-22": Row(wrong_claims("another PLMN", producerPlmnId=OTHER_PLMN)),
    "SBI-TOKEN-23": Row(forgery.two_headers, ("invalid_request",)),
    "SBI-TOKEN-24": Row(forgery.in_query, ()),
    "SBI-TOKEN-25": Row(forgery.malformed, (), ()),
    "SBI-TOKEN-26": Row(forgery.duplicate_claim),
    "SBI-TOKEN-27": Row(forgery.certificate_in_header),
}


def refuses(producer: ProducerClient, row: Row) -> None:
    """The whole shape of a token purpose: accepted with a good token, refused with each hostile one, unchanged."""
    good = producer.token()
    control(producer.probe(good, label="probe with a good token")).accepted()
    if not good.token:
        raise InconclusiveError(f"no access token could be had: {good.failed or f'the NRF answered {good.status}'}")
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
    """A producer refuses a token that points elsewhere for its key (jku, x5u), and does not go there."""
    trap = forgery.set_trap(producer.consumer, producer, "the tester's key server")
    for member in ("jku", "x5u"):
        refuses(producer, Row(forgery.key_url(member, trap)))
    trap.session.run(trap.wait(trap.session.timers.silence))
    expect(producer.probe(label="probe without a token, after the trap", injected=True)).that(
        "nobody-came", exchange=trap.exchange
    )


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
