"""Another NF is another consumer with its own certificate and token, where the profile has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.neighbour import Neighbour
from imsproof.actors.nf import NfConsumer

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_it_is_the_second_authorised_consumer_and_leaves_nothing(reference: Profile, lab: Session) -> None:
    assert reference.sbi is not None
    neighbour = Neighbour(NfConsumer(lab, reference.sbi), reference.sbi, reference.sbi.producers[0])
    assert neighbour.client.consumer.identity.name == "tester-as-2"
    assert neighbour.probe("another NF").status == 201
    assert not neighbour.client.created


def test_without_a_second_it_is_the_first_once_more(reference: Profile, lab: Session) -> None:
    assert reference.sbi is not None
    alone = reference.sbi.model_copy(update={"consumers": reference.sbi.consumers[:1]})
    neighbour = Neighbour(NfConsumer(lab, alone), alone, alone.producers[0])
    assert neighbour.client.consumer.identity.name == "tester-as"
