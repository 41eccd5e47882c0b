"""The lab's NRF is led to the tester by a subscription, and its certificates are right or wrong in one thing."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from tests.conftest import kinds

from imsproof.actors.certificates import CertificateMaker
from imsproof.actors.led import Leader, ServerMaker
from imsproof.profile.sbi import Callback
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.actors.nf import NfConsumer


def test_the_lab_comes_and_its_requests_are_taken_back(consumer: NfConsumer) -> None:
    assert consumer.sbi.callback
    leader = Leader(consumer, consumer.sbi.callback)
    servers = ServerMaker(CertificateMaker(consumer.identity, consumer.sbi.client_ca), leader.host)
    met = leader.lead(servers.right())
    assert Kind.RECEIVED in kinds(consumer.session, met.exchange)
    sent = [e for e in consumer.session.record.events if e.facts.get("method") == "DELETE"]
    assert len(sent) == len(consumer.sbi.callback.release)
    assert "subscriptions/" in sent[0].facts["path"]


def test_a_wrong_server_differs_in_one_thing(consumer: NfConsumer) -> None:
    servers = ServerMaker(CertificateMaker(consumer.identity, consumer.sbi.client_ca), "127.0.0.1")

    def names(made: bytes | None) -> list[object]:
        certificate = x509.load_pem_x509_certificate(made or b"")
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)

    right = servers.right()
    assert x509.IPAddress(ipaddress.ip_address("127.0.0.1")) in names(right.certificate)
    assert names(servers.misnamed().certificate) == [x509.DNSName("not-the-tester.invalid")]
    assert names(servers.expired().certificate) == names(right.certificate)
    assert names(servers.of_unknown_authority().certificate) == names(right.certificate)


def test_by_name_the_address_alone_is_wrong(consumer: NfConsumer) -> None:
    servers = ServerMaker(CertificateMaker(consumer.identity, consumer.sbi.client_ca), "127.0.0.1", "tester.example")

    def names(made: bytes | None) -> list[object]:
        certificate = x509.load_pem_x509_certificate(made or b"")
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)

    assert names(servers.right().certificate) == [x509.DNSName("tester.example")]
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    assert names(servers.misnamed().certificate) == [x509.DNSName("not-the-tester.invalid"), address]


def test_a_node_that_is_not_in_the_profile_is_named(consumer: NfConsumer) -> None:
    callback = Callback.model_validate({"requests": [{"to": "nobody", "path": "/"}]})
    with pytest.raises(InconclusiveError, match="nobody"):
        Leader(consumer, callback)
