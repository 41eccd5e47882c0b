"""Client certificates on the service-based interfaces (TS 33.501 clause 13.1.0, TS 33.117 clause 4.2.2.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.nf import NfConsumer, ProducerClient
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.bench import Bench

CERTIFICATE_ALERTS = ["certificate_required", "handshake_failure", "bad_certificate"]


@purpose("SBI-CERT-01")
def test_a_client_without_a_certificate_is_refused(bench: Bench, producer: ProducerClient) -> None:
    """A producer does not serve a request over TLS without a client certificate, even with a good token."""
    token = producer.token() if producer.wants_token else None
    control(producer.probe(token, label="with a certificate")).accepted()
    producer.release(token)
    nobody = NfConsumer(bench.session, bench.sbi, producer.consumer.identity.without_certificate(), actor="nobody")
    bare = ProducerClient(nobody, producer.producer)
    expect(bare.probe(token, label="without a certificate", injected=True)).refused(alert=CERTIFICATE_ALERTS)
    alive(producer.probe(token, label="with a certificate again"))
    producer.release(token)
