"""TLS on the service-based interfaces (TS 33.210 clause 6.2, TS 33.117 clause 4.2.2.2.2, RFC 9113 section 9.2)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from imsproof.actors import tlstricks
from imsproof.actors.nf import NfConsumer
from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.tlsprobe import (
    FALLBACK_SCSV,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    SSL3,
    TOLERABLE,
    TlsProbe,
    malformed,
    other_curve,
)
from imsproof.codec.tlssuites import CLASSES, FINITE_FIELD, GOOD, NAMES, forbidden
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.bench import Bench
    from imsproof.link.subject import Attempt

OLD_VERSIONS = ("TLSv1.1", "TLSv1")
VERSION_ALERTS = ["protocol_version", "handshake_failure"]
LEAST_FIELD = 2048
"""Bits of a finite field (RFC 9113 section 9.2.1)."""
WEAK = tuple(number for kind in CLASSES.values() for number in kind)
EVERYTHING = (*WEAK, *GOOD)
SOMETHING = (*GOOD, *WEAK)
"""For what does not depend on the suite: whatever the server takes, the good ones first."""
SMALL_CURVES = (*range(0x0001, 0x0006), *range(0x000F, 0x0014))
"""Curves of fewer than 224 bits (RFC 9113 section 9.2.1), by IANA's numbers: sect163k1 and on, secp160k1 and on."""


def any_handshake(producer: ProducerClient, label: str) -> Attempt:
    """A handshake as any client makes it; where there is none, one as old or weak as the server may want it."""
    modern = producer.consumer.handshake(producer.producer, label)
    if modern.connected:
        return modern
    weak = producer.consumer.handshake(
        producer.producer, f"{label}, or anything", minimum="TLSv1", ciphers="ALL:@SECLEVEL=0"
    )
    return weak if weak.connected else modern


def tls_1_2(producer: ProducerClient) -> str:
    """The exchange of a whole handshake with TLS 1.2 alone, which tells what a server means that sends no alerts."""
    alone = producer.consumer.handshake(producer.producer, "TLS 1.2 alone", minimum="TLSv1.2", maximum="TLSv1.2")
    return alone.exchange


@purpose("SBI-TLS-01")
def test_tls_1_2_and_1_3_are_both_accepted(consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer completes handshakes with TLS 1.2 alone and with TLS 1.3 alone."""
    for version in ("TLSv1.2", "TLSv1.3"):
        attempt = consumer.handshake(producer.producer, f"{version} alone", minimum=version, maximum=version)
        expect(attempt).negotiated(version)


@purpose("SBI-TLS-02")
def test_tls_1_1_and_older_are_refused(bench: Bench, consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer refuses a hello that offers nothing newer than TLS 1.1, TLS 1.0 or SSLv3."""
    control(any_handshake(producer, "TLS 1.2 or 1.3")).accepted()
    for version in OLD_VERSIONS:
        attempt = consumer.handshake(
            producer.producer, f"{version} alone", minimum=version, maximum=version, ciphers="ALL:@SECLEVEL=0"
        )
        expect(attempt).handshake_refused(version, alert=VERSION_ALERTS)
    probe = TlsProbe(bench.session, producer.producer)
    hello = probe.hello("SSLv3 alone", EVERYTHING, version=SSL3, record_version=SSL3)
    expect(probe.show(hello)).holds("hello-refused")
    alive(any_handshake(producer, "TLS 1.2 or 1.3 again"))


@purpose("SBI-TLS-03")
def test_forbidden_suites_are_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer answers no hello that offers nothing but one forbidden cipher suite, for each of them."""
    control(any_handshake(producer, "good suites")).accepted()
    probe = TlsProbe(bench.session, producer.producer)
    hellos = [probe.hello(f"only {name}", [number]) for number, name in forbidden().items()]
    for answer in probe.show_all(hellos):
        expect(answer).holds("hello-refused")
    alive(any_handshake(producer, "good suites again"))


@purpose("SBI-TLS-04")
def test_the_suite_chosen_is_strong(bench: Bench, producer: ProducerClient) -> None:
    """Of every suite, weak ones first, a producer chooses ECDHE with AEAD; of fields and curves, none that is small."""
    probe = TlsProbe(bench.session, producer.producer)
    strong = list(GOOD.values())
    plain = tls_1_2(producer)
    every = probe.show(probe.hello("every suite, weak ones first", EVERYTHING))
    expect(every).holds("server-hello", suites=strong, moot=True, plain=plain)
    field = probe.show(probe.hello("finite fields alone", FINITE_FIELD))
    expect(field).holds("large-field", least=LEAST_FIELD)
    curve = probe.show(probe.hello("small curves first", groups=(*SMALL_CURVES, SECP256R1, SECP384R1, SECP521R1)))
    expect(curve).holds("large-field", small=list(SMALL_CURVES))
    modern = producer.consumer.handshake(producer.producer, "TLS 1.3", minimum="TLSv1.3")
    if modern.connected:
        expect(modern).holds("strong-suite", role=Role.FORM)


@purpose("SBI-TLS-05")
def test_no_compression_and_no_loose_renegotiation(
    bench: Bench, consumer: NfConsumer, producer: ProducerClient
) -> None:
    """A producer compresses nothing, indicates secure renegotiation, and lets no client start a second handshake."""
    control(consumer.handshake(producer.producer, "TLS 1.2 or 1.3")).accepted()
    probe = TlsProbe(bench.session, producer.producer)
    plain = tls_1_2(producer)
    offered = probe.show(probe.hello("compression offered", SOMETHING, compressions=(1, 0)))
    expect(offered).holds("server-hello", compression=0, moot=True, plain=plain)
    indicated = probe.show(probe.hello("renegotiation indicated", SOMETHING))
    expect(indicated).holds("server-hello", extensions=["renegotiation_info"], moot=True, plain=plain)
    second = tlstricks.renegotiate(consumer, producer.producer, "a second handshake")
    expect(second).holds("no-renegotiation", plain=plain)
    alive(consumer.handshake(producer.producer, "TLS 1.2 or 1.3 again"))


@purpose("SBI-TLS-06")
def test_alpn_chooses_h2(consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer chooses h2 when it is offered alone or first; in form, when it is last, and no HTTP/1.1."""
    for offered in (("h2",), ("h2", "http/1.1"), ("http/1.1", "h2")):
        attempt = consumer.handshake(producer.producer, f"ALPN {', '.join(offered)}", alpn=offered)
        role = Role.CLAIM if offered[0] == "h2" else Role.FORM  # whose order counts is the server's choice (RFC 7301)
        expect(attempt).holds("alpn-chosen", role=role, protocol="h2")
    old = tlstricks.http1(consumer, producer.producer, "GET", producer.path, label="HTTP/1.1 alone", alpn=("http/1.1",))
    expect(old).holds("no-http-answer", role=Role.FORM)


@purpose("SBI-TLS-07")
def test_nothing_is_served_in_clear(consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer serves its probe over TLS, and neither HTTP/2 nor HTTP/1.1 without TLS at the same port."""
    token = producer.token() if producer.wants_token else None
    control(producer.probe(token, label="over TLS")).accepted()
    producer.release(token)
    bare = producer.probe(token, label="HTTP/2 without TLS", injected=True, clear=True)
    expect(bare).refused(accept=producer.successes)
    for label, headers in (
        ("HTTP/1.1 without TLS", ()),
        ("an upgrade to h2c", (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", ""))),
    ):
        old = tlstricks.http1(
            consumer, producer.producer, "GET", producer.path, label=label, clear=True, headers=headers
        )
        expect(old).holds("no-http-answer")
    alive(producer.probe(token, label="over TLS again"))
    producer.release(token)


@purpose("SBI-TLS-08")
def test_no_early_data(consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer's session tickets allow no early data."""
    plain = tls_1_2(producer)
    attempt = tlstricks.tickets(consumer, producer.producer, "TLS 1.3 session")
    expect(attempt).holds("no-early-data", plain=plain)


@purpose("SBI-TLS-09")
def test_a_downgrade_is_noticed(bench: Bench, consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer that knows TLS 1.3 refuses a fallback to TLS 1.2, and marks a TLS 1.2 hello that is none."""
    modern = consumer.handshake(producer.producer, "TLS 1.3", minimum="TLSv1.3")
    control(modern).accepted()
    probe = TlsProbe(bench.session, producer.producer)
    fallback = probe.show(probe.hello("TLS 1.2 with TLS_FALLBACK_SCSV", (*GOOD, FALLBACK_SCSV)))
    expect(fallback).holds("hello-refused")
    expect(fallback).holds("closed-in-form", role=Role.FORM, alerts=["inappropriate_fallback"])
    expect(probe.show(probe.hello("TLS 1.2"))).holds("downgrade-marked", plain=tls_1_2(producer))
    alive(consumer.handshake(producer.producer, "TLS 1.3 again", minimum="TLSv1.3"))


def thieves(bench: Bench, producer: ProducerClient) -> list[ProducerClient]:
    """The producer as it is seen by those who must not pass for its consumer: nobody, and the other consumers."""
    own = producer.consumer.identity
    others = {one.name: NfIdentity.of(one) for one in bench.sbi.consumers if one is not bench.sbi.consumer}
    return [
        ProducerClient(NfConsumer(bench.session, bench.sbi, identity, actor=name), producer.producer)
        for name, identity in {"nobody": own.without_certificate(), **others}.items()
    ]


@purpose("SBI-TLS-10")
def test_a_resumed_session_is_whose_it_was(bench: Bench, producer: ProducerClient) -> None:
    """Who is refused over a TLS session of its own is refused over the same session resumed, too."""
    token = producer.token() if producer.wants_token else None
    control(producer.probe(token, label="by the rightful NF")).accepted()
    outsiders = 0
    for thief, version in itertools.product(thieves(bench, producer), ("TLSv1.2", "TLSv1.3")):
        who = f"{thief.consumer.actor} in {version}"
        tls: dict[str, Any] = {"minimum": version, "maximum": version}
        alone = thief.probe(token, label=f"by {who}", injected=True, tls=tls)
        thief.release(token)
        if alone.status in thief.successes:
            continue  # the producer serves it anyway
        outsiders += 1
        session = tlstricks.held(thief.consumer, producer.producer, f"a session of {who}", version)
        producer.probe(token, label="by the rightful NF meanwhile")
        if session is not None:
            tls["resume"] = session
            alone = thief.probe(token, label=f"by {who}, resuming it", injected=True, tls=tls)
        expect(alone).refused(accept=producer.successes)
    if not outsiders:
        raise InconclusiveError("the producer serves every other consumer of the profile, and one without certificate")
    alive(producer.probe(token, label="by the rightful NF again"))
    producer.release(token)


@purpose("SBI-TLS-11")
def test_secp256r1_and_the_extended_master_secret(bench: Bench, producer: ProducerClient) -> None:
    """A producer agrees on secp256r1 with a client that has nothing else, and on the extended master secret."""
    probe = TlsProbe(bench.session, producer.producer)
    # An EC certificate counts among the groups of TLS 1.2 (RFC 8422 5.1): with another curve, this one cannot be alone.
    curve = other_curve(producer.consumer.handshake(producer.producer, "the server's certificate").facts)
    plain = tls_1_2(producer)
    groups = (SECP256R1, curve) if curve else (SECP256R1,)
    only = probe.show(probe.hello("secp256r1 first" if curve else "secp256r1 alone", groups=groups))
    expect(only).holds("server-hello", group=SECP256R1, role=Role.FORM if curve else Role.CLAIM, plain=plain)
    secret = probe.show(probe.hello("the extended master secret"))
    suites = [NAMES[one] for one in GOOD]
    expect(secret).holds("server-hello", extensions=["extended_master_secret"], suites=suites, plain=plain)


@purpose("SBI-TLS-12")
def test_malformed_messages_end_the_connection(bench: Bench, consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer goes on after no malformed message, lets no changed record through, and serves on."""
    control(consumer.handshake(producer.producer, "well formed")).accepted()
    probe = TlsProbe(bench.session, producer.producer)
    messages = malformed(producer.producer.fqdn or "")
    for message, answer in zip(messages, probe.show_all(messages), strict=True):
        judged = expect(answer).holds("hello-refused", role=Role.FORM if message.label in TOLERABLE else Role.CLAIM)
        if judged.held:
            judged.holds("closed-in-form", role=Role.FORM, alerts=message.alerts)
    for version in ("TLSv1.2", "TLSv1.3"):
        plain = consumer.handshake(producer.producer, f"{version} unchanged", minimum=version, maximum=version)
        for what in ("Finished", "data") if plain.connected else ():
            attempt = tlstricks.tampered(
                consumer, producer.producer, f"{version}, {what} changed on the way", version, what
            )
            judged = expect(attempt).holds("tampering-noticed")
            if judged.held:
                judged.holds("tampering-noticed", role=Role.FORM, ended=True)
    alive(consumer.handshake(producer.producer, "well formed again"))
