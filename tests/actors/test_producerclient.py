"""The probe of a producer, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from imsproof.actors.nf import NfConsumer
from imsproof.actors.nftokens import TokenAnswer
from imsproof.actors.producerclient import ProducerClient
from imsproof.codec import jose
from imsproof.profile.sbi import Sbi
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    import socket

    from tests.conftest import Serve

    from imsproof.link.session import Session
    from imsproof.profile.sbi import Producer


def test_a_token_of_the_nrf_opens_the_producer(consumer: NfConsumer, producer: Producer) -> None:
    client = ProducerClient(consumer, producer)
    token = client.token(source="nrf")
    assert jose.parse_unverified(token.token).claims["aud"] == "MF"
    answer = client.probe(token)
    assert answer.status in (answer.accept or ())
    assert client.created
    client.release(token)
    assert client.created == []


def test_without_a_token_the_producer_refuses(consumer: NfConsumer, producer: Producer) -> None:
    client = ProducerClient(consumer, producer)
    assert client.probe(label="no token").status == 401
    assert client.created == []


def test_a_producer_that_requires_assertions_gets_one(consumer: NfConsumer, producer: Producer) -> None:
    asking = ProducerClient(consumer, producer.model_copy(update={"cca": "required"}))
    asking.probe(label="with an assertion")
    asking.probe(label="with another", headers=[("3gpp-sbi-client-credentials", "a.b.c")])
    sent = [event.facts["headers"] for event in consumer.session.record.events if event.kind is Kind.SENT]
    shown = [[value for name, value in headers if name == "3gpp-sbi-client-credentials"] for headers in sent]
    assert len(shown[0]) == 1
    assert jose.parse_unverified(shown[0][0]).claims["aud"] == ["MF"]
    assert shown[1] == ["a.b.c"]


def test_only_what_a_probe_makes_is_deleted_again(session: Session, serve: Serve) -> None:
    def handle(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 201 Made\r\nLocation: made/7\r\nContent-Length: 0\r\n\r\n")

    made = {}
    for method in ("GET", "POST"):
        address = serve(handle)
        probe = {"method": method, "path": "/v1/things", "expect": [201]}
        url = f"http://{address[0]}:{address[1]}/root"
        sbi = Sbi.model_validate({"producers": [{"name": "f", "url": url, "http": "1.1", "probe": probe}]})
        client = ProducerClient(NfConsumer(session, sbi), sbi.producers[0])
        client.probe()
        made[method] = client.created
    assert made == {"GET": [], "POST": ["/root/v1/made/7"]}


def test_who_was_given_no_token_is_told_so(consumer: NfConsumer, producer: Producer) -> None:
    client = ProducerClient(consumer, producer)
    none = TokenAnswer(record=consumer.session.record, exchange="1:token", status=400, token="")
    with pytest.raises(InconclusiveError, match="no access token could be had: the NRF answered 400"):
        client.probe(none)


def test_a_profile_that_says_no_way_to_have_tokens_wants_none(consumer: NfConsumer, producer: Producer) -> None:
    assert ProducerClient(consumer, producer).wants_token
    bare = NfConsumer(consumer.session, consumer.sbi.model_copy(update={"tokens": None, "nrf": None}))
    assert not ProducerClient(bare, producer).wants_token


def test_a_forged_certificate_does_not_spoil_the_assertion(consumer: NfConsumer, producer: Producer) -> None:
    own = consumer.identity
    forged = NfConsumer(consumer.session, consumer.sbi, replace(own, certificate=b"", key=b""))
    assert ProducerClient(forged, producer).signer == own
    nobody = replace(own, instance_id="")
    assert ProducerClient(NfConsumer(consumer.session, consumer.sbi, nobody), producer).signer == nobody
