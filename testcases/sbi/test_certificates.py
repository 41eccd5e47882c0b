"""Certificates on the service-based interfaces (TS 33.501 13.1.0, TS 33.310 6.1.3c, TS 33.117 4.2.2.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from imsproof.actors.certificates import CertificateMaker
from imsproof.actors.led import Leader, ServerMaker
from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.revocation import StatusServer, Told
from imsproof.judge import afterwards, alive, control, expect
from imsproof.link.tls import read_pem
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.actors.led import Led
    from imsproof.actors.nftokens import TokenAnswer
    from imsproof.bench import Bench
    from imsproof.judge import Expectation
    from imsproof.link.subject import HttpAnswer

    Flaw = Callable[[CertificateMaker], NfIdentity]

CERTIFICATE_ALERTS = [
    "certificate_required",
    "handshake_failure",
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "access_denied",
    "decrypt_error",
]
STATUSES = [400, 401, 403]
"""A server may also complete the handshake and refuse the request (RFC 8446 section 4.4.2.4)."""
Maker = CertificateMaker
TABLE: dict[str, tuple[Flaw, ...]] = {
    "SBI-CERT-02": (Maker.of_unknown_authority, Maker.of_namesake_authority),
    "SBI-CERT-03": (Maker.self_signed,),
    "SBI-CERT-09": (Maker.issued_by_end_entity,),
    "SBI-CERT-11": (Maker.loop, Maker.long_chain),
}
"""What anybody can make."""
MINTED: dict[str, tuple[Flaw, ...]] = {
    "SBI-CERT-04": (Maker.expired,),
    "SBI-CERT-05": (Maker.not_yet_valid,),
    "SBI-CERT-06": (Maker.server_only,),
    "SBI-CERT-07": (Maker.weak_key, Maker.sha1_signature),
    "SBI-CERT-14": (Maker.missing_link,),
}
"""What only an authority that the lab trusts can make."""
LEGACY = {"ciphers": "DEFAULT"}
"""The tester's own TLS library would not show a weak certificate otherwise."""
SECURITY = ("validity", "names", "server-auth", "key", "signature")
PROFILE = (
    "version",
    "serial",
    "subject",
    "lifetime",
    "key-usage",
    "both-usages",
    "san-critical",
    "instance-id",
    "authority-key-id",
    "crl-point",
    "nf-types",
)
"""Fields of the server's certificate: those that security hangs on, and those that only the profile asks for."""


def in_form(judged: Expectation) -> None:
    """Grade the form of a refusal that held."""
    if judged.held:
        judged.holds("refused-in-form", role=Role.FORM, alerts=CERTIFICATE_ALERTS, statuses=STATUSES)


def as_client(bench: Bench, producer: ProducerClient, identity: NfIdentity) -> ProducerClient:
    """The same producer, seen by a client with another certificate."""
    return ProducerClient(NfConsumer(bench.session, bench.sbi, identity, actor="impostor"), producer.producer)


def token_of(producer: ProducerClient) -> TokenAnswer | None:
    """A good token, where the producer wants one."""
    return producer.token() if producer.wants_token else None


def status_server(bench: Bench, producer: ProducerClient) -> StatusServer:
    """The tester's responder, as the producer reaches it."""
    maker = CertificateMaker(producer.consumer.identity, bench.sbi.client_ca)
    url = producer.producer.url
    return StatusServer(bench.session, maker, (url.host, url.port))


def maker_for(bench: Bench, producer: ProducerClient) -> CertificateMaker:
    """Makes certificates like the consumer's own; a producer that asks for their status is told that it is good."""
    own, authority, revocation = producer.consumer.identity, bench.sbi.client_ca, bench.sbi.revocation
    told = status_server(bench, producer).pointers(revocation) if revocation and authority else ()
    return CertificateMaker(own, authority, told)


def refuses(
    bench: Bench,
    producer: ProducerClient,
    identities: Sequence[NfIdentity],
) -> None:
    """The whole shape: served with the right certificate, refused with each wrong one, served again."""
    token = token_of(producer)
    control(producer.probe(token, label="with the right certificate")).accepted()
    producer.release(token)
    for identity in identities:
        impostor = as_client(bench, producer, identity)
        answer = impostor.probe(token, label=f"with a certificate: {identity.name}", injected=True, tls=LEGACY)
        in_form(expect(answer).refused(accept=producer.successes))
    alive(producer.probe(token, label="with the right certificate again"))
    producer.release(token)


@purpose("SBI-CERT-01")
def test_a_client_without_a_certificate_is_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer does not serve a request over TLS without a client certificate, even with a good token."""
    token = token_of(producer)
    control(producer.probe(token, label="with a certificate")).accepted()
    producer.release(token)
    bare = as_client(bench, producer, producer.consumer.identity.without_certificate())
    answer = bare.probe(token, label="without a certificate", injected=True)
    in_form(expect(answer).refused(accept=producer.successes))
    alive(producer.probe(token, label="with a certificate again"))
    producer.release(token)


@purposes(TABLE)
def test_a_certificate_that_nobody_trusts_is_refused(
    bench: Bench, producer: ProducerClient, case: tuple[Flaw, ...]
) -> None:
    """A producer does not serve a client whose certificate no trusted authority stands behind."""
    maker = maker_for(bench, producer)
    identities = [flaw(maker) for flaw in case]
    if bench.purpose.id == "SBI-CERT-02" and bench.sbi.rogue is not None:
        identities.append(rogue(bench, producer))
    refuses(bench, producer, identities)


def rogue(bench: Bench, producer: ProducerClient) -> NfIdentity:
    """The rogue certificate of the profile, in the name of the authorised consumer."""
    pair = bench.sbi.rogue
    if pair is None:
        raise InconclusiveError("the profile has no sbi.rogue")
    of = NfIdentity.of(pair)
    own = producer.consumer.identity
    return NfIdentity("the profile's rogue", of.certificate, of.key, own.nf_type, own.instance_id)


@purposes(MINTED)
def test_a_certificate_with_a_flaw_is_refused(bench: Bench, producer: ProducerClient, case: tuple[Flaw, ...]) -> None:
    """A producer does not serve a client whose certificate has one flaw, though the authority is trusted."""
    maker = maker_for(bench, producer)
    minted = as_client(bench, producer, maker.good())
    token = token_of(producer)
    control(minted.probe(token, label="with a minted certificate without a flaw")).accepted()
    minted.release(token)
    refuses(bench, producer, [flaw(maker) for flaw in case])


@purpose("SBI-CERT-10")
def test_an_nf_is_known_by_the_san(bench: Bench, producer: ProducerClient) -> None:
    """A producer takes no token of one NF over TLS with the certificate of another that only shares its subject."""
    maker = maker_for(bench, producer)
    minted = as_client(bench, producer, maker.good())
    token = token_of(producer)
    control(minted.probe(token, label="with a minted certificate without a flaw")).accepted()
    minted.release(token)
    refuses(bench, producer, [maker.of_other_instance()])


@purpose("SBI-CERT-08")
def test_a_revoked_certificate_is_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer does not serve a client whose certificate was revoked."""
    revoked = bench.sbi.revoked
    if revoked is None:
        raise InconclusiveError("the profile has no sbi.revoked")
    if producer.wants_token and bench.sbi.tokens is not None and bench.sbi.tokens.source == "file":
        raise InconclusiveError("a token of the revoked NF is needed: sbi.tokens.from must be key or nrf")
    token = token_of(producer)
    control(producer.probe(token, label="with the right certificate")).accepted()
    producer.release(token)
    client = as_client(bench, producer, NfIdentity.of(revoked))
    own = token_of(client)
    if own is not None and not own.token:
        raise InconclusiveError("the NRF gives the revoked NF no token, so the producer's own check cannot be seen")
    answer = client.probe(own, label="with a revoked certificate", injected=True)
    in_form(expect(answer).refused(accept=producer.successes))
    client.release(own)
    alive(producer.probe(token, label="with the right certificate again"))
    producer.release(token)


Ask = Callable[[StatusServer, Told], NfIdentity]
ASKED: dict[str, Ask] = {"SBI-CERT-15": StatusServer.with_responder, "SBI-CERT-17": StatusServer.with_list}
NOT_VOUCHED: dict[str, tuple[Ask, Sequence[Told]]] = {
    "SBI-CERT-16": (
        StatusServer.with_responder,
        ("no answer", "of another", "stale", "of a stranger", "of no delegate"),
    ),
    "SBI-CERT-18": (StatusServer.with_list, ("no answer", "stale", "of a stranger")),
}
"""Where a status is asked for, and what vouches for nobody."""


@purposes(ASKED)
def test_the_status_of_a_certificate_is_asked_for(bench: Bench, producer: ProducerClient, case: Ask) -> None:
    """A producer serves a client that the tester's responder or list calls good, and none that it calls revoked."""
    server = status_server(bench, producer)
    token = token_of(producer)

    def shown(told: Told, *, injected: bool = False) -> HttpAnswer:
        client = as_client(bench, producer, case(server, told))
        answer = client.probe(token, label=f"with a certificate whose status is {told}", injected=injected)
        client.release(token)
        return answer

    control(shown("good")).accepted()
    in_form(expect(shown("revoked", injected=True)).refused(accept=producer.successes))
    if case is StatusServer.with_responder:
        expect(shown("good, by a delegate")).holds("accepted", role=Role.FORM, accept=list(producer.successes))
    alive(shown("good"))


@purposes(NOT_VOUCHED)
def test_what_cannot_be_believed_vouches_for_nobody(
    bench: Bench, producer: ProducerClient, case: tuple[Ask, Sequence[Told]]
) -> None:
    """A producer that requires a good status serves nobody for a response or list that is wrong in one thing."""
    ask, wrong = case
    server = status_server(bench, producer)
    identities = [ask(server, told) for told in wrong]
    good = as_client(bench, producer, ask(server, "good"))
    token = token_of(producer)
    control(good.probe(token, label="with a certificate whose status is good")).accepted()
    good.release(token)
    refuses(bench, good, identities)


@purpose("SBI-CERT-19")
def test_what_is_stapled_can_be_believed(producer: ProducerClient) -> None:
    """A producer staples a fresh OCSP response about its own certificate, rightly signed, that says good."""
    sbi = producer.consumer.sbi
    ca = read_pem(sbi.ca).decode("ascii", "replace") if sbi.ca else ""
    for version in ("TLSv1.2", "TLSv1.3"):
        attempt = producer.consumer.handshake(
            producer.producer, f"a status asked for in {version}", status_request=True, minimum=version, maximum=version
        )
        if attempt.connected:
            expect(attempt).holds("stapled", ca=ca)


SERVERS = (
    ServerMaker.misnamed,
    ServerMaker.of_unknown_authority,
    ServerMaker.expired,
    ServerMaker.client_only,
)
"""What a consumer must not trust."""


@purpose("SBI-CERT-13")
def test_a_consumer_tells_nothing_to_a_wrong_server(bench: Bench) -> None:
    """An NF that is led to a server speaks to it when its certificate is right, and only then."""
    consumer = NfConsumer(bench.session, bench.sbi)
    if bench.sbi.callback is None:
        raise InconclusiveError("the profile has no sbi.callback")
    leader = Leader(consumer, bench.sbi.callback)
    maker = CertificateMaker(consumer.identity, bench.sbi.client_ca)

    def led_to(identity: NfIdentity, name: str) -> Led:
        led = leader.lead(identity, name)
        for answer in led.asked:
            control(answer).accepted()
        return led

    for name in dict.fromkeys(("", bench.sbi.callback.name or "")):
        servers = ServerMaker(maker, leader.host, name)
        control(led_to(servers.right(), name)).holds("spoke-to-tester")
        for flaw in SERVERS:
            expect(led_to(flaw(servers), name)).holds("kept-silent")
        afterwards(led_to(servers.right(), name)).holds("spoke-to-tester")


@purpose("SBI-CERT-12")
def test_the_server_certificate_keeps_the_profile(producer: ProducerClient) -> None:
    """A producer shows a certificate that is valid, its own, strong and for servers, in the form of the SBA profile."""
    attempt = producer.consumer.handshake(producer.producer, "the server's certificate")
    fqdn = producer.producer.fqdn
    names = [fqdn, producer.producer.url.host] if fqdn else []
    judged = expect(attempt)  # whether the producer serves without a client certificate is not asked here
    if producer.consumer.sbi.ca is not None:
        judged.holds("server-verified")
    for field in SECURITY if names else [one for one in SECURITY if one != "names"]:
        judged.holds("certificate-field", field=field, names=names)
    if producer.producer.nf_type:
        for field in PROFILE:
            judged.holds(
                "certificate-field",
                role=Role.FORM,
                field=field,
                names=names,
                instance_id=producer.producer.instance_id or "",
            )
