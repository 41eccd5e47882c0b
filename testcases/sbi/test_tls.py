"""TLS on the service-based interfaces: versions (TS 33.210 clause 6.2, TS 33.117 clause 4.2.2.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.actors.nf import NfConsumer, ProducerClient


@purpose("SBI-TLS-01")
def test_tls_1_2_and_1_3_are_both_accepted(consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer completes handshakes with TLS 1.2 alone and with TLS 1.3 alone."""
    for version in ("TLSv1.2", "TLSv1.3"):
        attempt = consumer.handshake(producer.producer, f"{version} alone", minimum=version, maximum=version)
        expect(attempt).negotiated(version)


@purpose("SBI-TLS-02")
def test_tls_1_1_and_older_are_refused(consumer: NfConsumer, producer: ProducerClient) -> None:
    """A producer refuses a hello that offers nothing newer than TLS 1.1, and one with TLS 1.0."""
    control(consumer.handshake(producer.producer, "TLS 1.2 or 1.3")).accepted()
    for version in ("TLSv1.1", "TLSv1"):
        attempt = consumer.handshake(
            producer.producer, f"{version} alone", minimum=version, maximum=version, ciphers="ALL:@SECLEVEL=0"
        )
        expect(attempt).handshake_refused(version, alert=["protocol_version", "handshake_failure"])
    alive(consumer.handshake(producer.producer, "TLS 1.2 or 1.3 again"))
