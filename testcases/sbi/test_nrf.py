"""The NRF: access tokens, profiles, discovery (TS 33.518, TS 29.510, TS 33.501 clauses 13.3.1 and 13.4.1)."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from imsproof.actors import forgery
from imsproof.actors.certificates import CertificateMaker
from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.nftokens import TOKEN_PATH, token_form
from imsproof.actors.wrongclaims import other_end
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import HarnessError, InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.bench import Bench
    from imsproof.link.subject import HttpAnswer

FORM = [("content-type", "application/x-www-form-urlencoded")]
OTHER_PLMN = json.dumps({"mcc": "999", "mnc": "70"})
DAY, YEAR = 24 * 3600, 365 * 24 * 3600
"""Seconds. A token cannot be revoked (TS 33.501 clause 13.4.1.1.2), so its life should be short; the clause has no
number: more than a day is remarked, and more than a year is no expiry at all."""
STATUS = [400, 401, 403]


class Ask(NamedTuple):
    """A token request that is wrong in one thing, and the OAuth errors that name it."""

    label: str
    changes: Mapping[str, str | None]
    oauth: tuple[str, ...]


TABLE = {
    "SBI-NRF-03": Ask("another PLMN", {"requesterPlmn": OTHER_PLMN}, ("invalid_client", "unauthorized_client")),
    "SBI-NRF-05": Ask("an unknown grant type", {"grant_type": "password"}, ("unsupported_grant_type",)),
}


class Office:
    """The NRF's token endpoint, as one consumer sees it."""

    def __init__(self, bench: Bench, identity: NfIdentity | None = None, actor: str = "nf-consumer") -> None:
        """Ask as the authorised consumer, or as somebody else."""
        self.bench = bench
        self.consumer = NfConsumer(bench.session, bench.sbi, identity, actor=actor)
        self.producer = bench.producer() if bench.sbi.producers else None

    def ask(self, label: str, **changes: str | None) -> HttpAnswer:
        """Ask for a token for the producer under test, with these form fields changed."""
        return self.post(label, self.form(**changes), injected=bool(changes))

    def form(self, **changes: str | None) -> str:
        """The form that asks for this token, with these fields changed."""
        return token_form(self.consumer.identity, self.producer, changes=changes)

    def post(self, label: str, form: str, *, injected: bool = True, kind: str = FORM[0][1]) -> HttpAnswer:
        """Send a form, whatever it holds."""
        headers = [("content-type", kind)]
        return self.consumer.call(
            self.bench.nrf(), "POST", TOKEN_PATH, body=form, headers=headers, label=label, injected=injected
        )


@purpose("SBI-NRF-01")
def test_no_token_for_another_instance_id(bench: Bench) -> None:
    """The NRF gives no token when the NF instance id in the request is not the one in the client's certificate."""
    stranger = str(uuid.UUID(int=bench.random.getrandbits(128), version=4))
    office = Office(bench)
    own = office.consumer.identity.instance_id
    control(office.ask("token for itself")).accepted()
    for label, other in (("another NF instance id", stranger), ("one that begins as its own", own and other_end(own))):
        if other:
            answer = office.ask(f"token for {label}", nfInstanceId=other)
            expect(answer).refused(status=[400], oauth=["invalid_client"])
    alive(office.ask("token for itself again"))


@purposes(TABLE)
def test_no_token_for_a_wrong_request(bench: Bench, case: Ask) -> None:
    """The NRF gives no token for a request that is wrong in one thing."""
    office = Office(bench)
    control(office.ask("token for itself")).accepted()
    answer = office.ask(f"token request with {case.label}", **case.changes)
    expect(answer).refused(status=STATUS, oauth=case.oauth)
    alive(office.ask("token for itself again"))


@purpose("SBI-NRF-02")
def test_no_token_under_a_false_nf_type(bench: Bench) -> None:
    """The NRF gives no token to a consumer that may not use a service but claims an NF type that may."""
    office = Office(bench)
    outside = bench.sbi.others[0]
    other = Office(bench, NfIdentity.of(outside), outside.name)
    claimed = office.consumer.identity.nf_type
    if not claimed or claimed == outside.nf_type:
        raise InconclusiveError(
            "the two consumers' NF types are not known, or the same: fill in sbi.consumers[].nf_type"
        )
    control(office.ask("token for an NF of the type")).accepted()
    answer = other.ask("token for an NF that only claims the type", nfType=claimed)
    expect(answer).refused(status=STATUS, oauth=["invalid_client", "unauthorized_client", "invalid_request"])
    alive(office.ask("token for an NF of the type again"))


@purpose("SBI-NRF-04")
def test_no_token_for_a_service_that_is_not_allowed(bench: Bench) -> None:
    """The NRF gives a consumer that may not use a producer no token for it."""
    office = Office(bench)
    outside = bench.sbi.others[0]
    other = Office(bench, NfIdentity.of(outside), outside.name)
    control(office.ask("token for an authorised consumer")).accepted()
    answer = other.ask("token for a consumer that may not use the service")
    expect(answer).refused(status=[400, 403], oauth=["unauthorized_client", "invalid_scope", "invalid_client"])
    alive(office.ask("token for an authorised consumer again"))


@purpose("SBI-NRF-06")
def test_no_token_for_malformed_requests(bench: Bench) -> None:
    """The NRF refuses forms with parameters missing, given twice or out of form, and what is no form at all."""
    office = Office(bench)
    control(office.ask("well formed")).accepted()
    form = office.form()
    own = office.consumer.identity.instance_id
    broken = {
        "without a grant type": office.form(grant_type=None),
        "without a scope": office.form(scope=None),
        "without an NF instance id": office.form(nfInstanceId=None),
        "with the NF instance id twice": f"{form}&{urlencode({'nfInstanceId': own})}",
        "with the scope twice": f"{form}&scope=nudr-dr&{urlencode({'scope': office.producer.token_scope})}"
        if office.producer
        else f"{form}&scope=a&scope=b",
        "with an NF instance id that is no UUID": office.form(nfInstanceId="../../etc/passwd"),
        "with a scope out of form": office.form(scope='a"b\\c;{}'),
        "with nothing in it": "",
        "with no form but noise": "%%%=%00&&&==",
    }
    for label, text in broken.items():
        expect(office.post(label, text)).refused()
    expect(office.post("as JSON", json.dumps({"grant_type": "client_credentials"}), kind="application/json")).refused()
    alive(office.ask("well formed again"))


@purpose("SBI-NRF-07")
def test_tokens_live_for_a_bounded_time(bench: Bench) -> None:
    """An issued token has an expiry, which lies ahead, and should lie no further ahead than a day."""
    answer = Office(bench).ask("token")
    control(answer).accepted()
    expect(answer).holds("token-lifetime", longest=YEAR).holds("token-lifetime", role=Role.FORM, longest=DAY)
    alive(answer)


@purpose("SBI-NRF-08")
def test_token_responses_are_not_stored(bench: Bench) -> None:
    """The response with a token says Cache-Control: no-store."""
    answer = Office(bench).ask("token")
    control(answer).accepted()
    expect(answer).holds("response-header", name="cache-control", contains="no-store")
    alive(answer)


@purpose("SBI-NRF-09")
def test_issued_tokens_say_what_is_true(bench: Bench) -> None:
    """An issued token is signed with the NRF's key, for this consumer, this producer and this scope only."""
    office = Office(bench)
    answer = office.ask("token")
    control(answer).accepted()
    producer, own = office.producer, office.consumer.identity.instance_id
    try:
        key = forgery.public_key_pem(office.consumer).decode("ascii")
    except HarnessError:
        key = ""
    judged = expect(answer).holds("token-signed", public_key=key)
    expected = {"sub": [own]} if own else {}
    issuer = bench.nrf().instance_id
    expected |= {"iss": [issuer]} if issuer else {}
    if expected:
        judged.holds("token-claims", expected=expected)
    if producer and (producer.nf_type or producer.instance_id):
        judged.holds("token-audience", nf_type=producer.nf_type or "", instance_id=producer.instance_id or "")
    if producer and producer.token_scope:
        judged.holds("token-scope", allowed=producer.token_scope.split())
    alive(answer)


class Registry:
    """The NRF's profiles, as one NF sees them."""

    def __init__(self, bench: Bench, identity: NfIdentity, actor: str) -> None:
        """Speak as ``identity``."""
        self.nrf = bench.nrf()
        self.consumer = NfConsumer(bench.session, bench.sbi, identity, actor=actor)

    def put(self, who: NfIdentity, label: str, name: str, *, injected: bool = False) -> HttpAnswer:
        """Register or replace the profile of ``who``; ``name`` is its fqdn."""
        body = {
            "nfInstanceId": who.instance_id,
            "nfType": who.nf_type,
            "nfStatus": "REGISTERED",
            "fqdn": name,
            "ipv4Addresses": ["127.0.0.1"],
        }
        return self.consumer.call(self.nrf, "PUT", path_of(who), body=body, label=label, injected=injected)

    def get(self, who: NfIdentity, label: str) -> HttpAnswer:
        """Read a profile."""
        return self.consumer.call(self.nrf, "GET", path_of(who), label=label)

    def patch(self, who: NfIdentity, label: str, name: str) -> HttpAnswer:
        """Change the fqdn in the profile of ``who``, in the name of another."""
        body = [{"op": "replace", "path": "/fqdn", "value": name}]
        headers = [("content-type", "application/json-patch+json")]
        return self.consumer.call(
            self.nrf, "PATCH", path_of(who), body=body, headers=headers, label=label, injected=True
        )

    def delete(self, who: NfIdentity, label: str, *, injected: bool = False) -> HttpAnswer:
        """Deregister."""
        return self.consumer.call(self.nrf, "DELETE", path_of(who), label=label, injected=injected)


def path_of(who: NfIdentity) -> str:
    """Where an NF's profile lies (TS 29.510 clause 6.1.3.3)."""
    return f"/nnrf-nfm/v1/nf-instances/{who.instance_id}"


def two_nfs(bench: Bench) -> tuple[NfIdentity, Registry, Registry]:
    """The owner of a profile that nobody else plays meanwhile, and both NFs at the NRF: the owner, the intruder."""
    another = bench.sbi.another
    if another is None or bench.sbi.consumer is None:
        raise InconclusiveError("the profile has no two consumers with an instance_id")
    bench.lease("nf-profile", [another.name])
    owner = NfIdentity.of(another)
    rightful = Registry(bench, owner, "owner")
    if rightful.get(owner, "is it registered already?").ok:
        raise InconclusiveError(f"{another.name} is registered at the NRF already, and its profile is left alone")
    return owner, rightful, Registry(bench, NfIdentity.of(bench.sbi.consumer), "intruder")


@purpose("SBI-NRF-10")
def test_nobody_registers_in_the_name_of_another(bench: Bench) -> None:
    """An NF can register itself, but no profile under the instance id of another."""
    owner, rightful, intruder = two_nfs(bench)
    control(rightful.put(owner, "registration by the NF itself", "own.invalid")).accepted()
    rightful.delete(owner, "deregistration by the NF itself")
    attack = intruder.put(owner, "registration in the name of another", "forged.invalid", injected=True)
    expect(attack).refused()
    expect(rightful.get(owner, "the profile afterwards")).refused()
    alive(rightful.put(owner, "registration by the NF itself again", "own.invalid"))
    rightful.delete(owner, "tidy up")


@purpose("SBI-NRF-11")
def test_nobody_changes_the_profile_of_another(bench: Bench) -> None:
    """The profile of an NF cannot be replaced or removed by another, and is unchanged afterwards."""
    owner, rightful, intruder = two_nfs(bench)
    control(rightful.put(owner, "registration by the NF itself", "own.invalid")).accepted()
    control(rightful.get(owner, "the profile as the NF itself sees it")).accepted()
    expect(intruder.put(owner, "replacement by another", "forged.invalid", injected=True)).refused()
    expect(intruder.patch(owner, "change by another", "forged.invalid")).refused()
    expect(intruder.delete(owner, "removal by another", injected=True)).refused()
    after = rightful.get(owner, "the profile afterwards")
    expect(after).accepted().holds("json-equals", path=["fqdn"], value="own.invalid")
    alive(rightful.put(owner, "registration by the NF itself again", "own.invalid"))
    rightful.delete(owner, "tidy up")


@purpose("SBI-NRF-12")
def test_discovery_is_for_the_authorised(bench: Bench) -> None:
    """The NRF shows a producer to a consumer that may use it, and not to another, whatever type that claims."""
    office = Office(bench)
    outside = bench.sbi.others[0]
    other = Office(bench, NfIdentity.of(outside), outside.name)
    producer = bench.producer()
    if not (producer.nf_type and office.consumer.identity.nf_type and outside.nf_type):
        raise InconclusiveError("NF types are not known: fill in nf_type of the producer and the consumers")

    def discover(who: Office, label: str, claimed: str, *, injected: bool = False) -> HttpAnswer:
        query = urlencode({"target-nf-type": producer.nf_type, "requester-nf-type": claimed})
        path = f"/nnrf-disc/v1/nf-instances?{query}"
        return who.consumer.call(bench.nrf(), "GET", path, label=label, injected=injected)

    own = office.consumer.identity.nf_type
    control(discover(office, "discovery by an authorised consumer", own)).accepted()
    known = producer.instance_id or ""
    for label, claimed in (("discovery by another NF", outside.nf_type), ("discovery under a false NF type", own)):
        expect(discover(other, label, claimed, injected=True)).holds(
            "not-discovered", instance_id=known, nf_type=producer.nf_type
        )
    alive(discover(office, "discovery by an authorised consumer again", own))


@purpose("SBI-NRF-13")
def test_no_token_without_a_certificate(bench: Bench) -> None:
    """The NRF gives no token to a client without a certificate that it trusts, though it names an NF that has one."""
    office = Office(bench)
    own = office.consumer.identity
    maker = CertificateMaker(own, None)
    control(office.ask("with a certificate")).accepted()
    for who in (own.without_certificate(), maker.self_signed(), maker.of_unknown_authority()):
        label = f"with a certificate: {who.name}" if who.certificate else "without a certificate"
        expect(Office(bench, who, "nobody").ask(label)).refused()
    alive(office.ask("with a certificate again"))
