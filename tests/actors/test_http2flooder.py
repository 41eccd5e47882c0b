"""A flood is counted, bounded by the profile, and another NF asks for service beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.http2flooder import SHAPES, Http2Flooder
from imsproof.actors.http2probe import Http2Probe
from imsproof.actors.neighbour import Neighbour
from imsproof.actors.nf import NfConsumer
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_a_flood_is_counted_and_others_ask_beside_it(reference: Profile, lab: Session) -> None:
    assert reference.sbi is not None
    consumer = NfConsumer(lab, reference.sbi)
    producer = reference.sbi.producers[0]
    neighbour = Neighbour(consumer, reference.sbi, producer)
    flood = Http2Flooder(Http2Probe(consumer, producer, None)).flood(SHAPES["ping"], neighbour.aprobe, attempts=3)
    assert len(flood.beside) == 3
    (counted,) = [event for event in lab.record.events if event.kind is Kind.COUNTED]
    assert 0 < counted.facts["sent"] <= reference.limits.flood_packets
    statuses = {e.exchange: e.facts.get("status") for e in lab.record.events if e.exchange in flood.beside}
    assert set(statuses.values()) <= {201, None}
    neighbour.release()
    assert not neighbour.client.created
