"""Calls of producers go to the SCP with the producer's API root and an assertion; others go where they always went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import cca
from imsproof.actors.indirect import TARGET, IndirectConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_a_call_goes_through_the_scp_and_is_served(reference: Profile, lab: Session) -> None:
    sbi = reference.sbi
    assert sbi is not None
    assert sbi.scp is not None
    consumer = IndirectConsumer(lab, sbi, sbi.scp)
    client = ProducerClient(consumer, sbi.producers[0])
    token = client.token()
    assert client.probe(token).status == 201
    (sent,) = [event for event in lab.record.events if event.kind is Kind.SENT and event.transport == "h2"]
    headers = dict(map(tuple, sent.facts["headers"]))
    assert headers[TARGET] == "https://mf.ims.example:8443"
    assert headers[cca.HEADER].count(".") == 2
    assert sent.remote == (sbi.scp.url.host, sbi.scp.url.port)
    client.release(token)
    consumer.assertion = lambda _: None
    assert client.probe(token).status == 401
