"""A UE that takes, or refuses, every call by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.ue import Ue
from imsproof.codec.sdp import Sdp, audio_offer

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def pair(lab: Session, reference: Profile) -> tuple[Ue, Ue]:
    assert reference.gm is not None
    ues = (
        Ue(lab, reference.gm, reference.gm.subscribers[0], actor="ue-a"),
        Ue(lab, reference.gm, reference.gm.subscribers[1], actor="ue-b"),
    )
    assert all(one.register().ok for one in ues)
    return ues


def test_each_call_is_taken_with_the_answer_that_was_made_for_it(lab: Session, reference: Profile) -> None:
    caller, callee = pair(lab, reference)
    offers: list[Sdp] = []

    def answer(offer: Sdp) -> Sdp:
        offers.append(offer)
        return audio_offer(callee.local[0], 40000)

    calls = Answering(callee, answer)
    for number in (1, 2):
        call = caller.invite(callee.impu, audio_offer(caller.local[0], 30000).to_bytes())
        assert call.ok
        call.bye()
        assert calls.wait(number) is calls.taken[number - 1]
    assert len(offers) == 2


def test_without_an_answer_the_call_is_refused(lab: Session, reference: Profile) -> None:
    caller, callee = pair(lab, reference)
    Answering(callee, lambda _offer: None)
    assert caller.invite(callee.impu, audio_offer(caller.local[0], 30000).to_bytes()).status == 488


def test_a_call_that_does_not_come_is_not_waited_for_longer_than_told(lab: Session, reference: Profile) -> None:
    _, callee = pair(lab, reference)
    assert Answering(callee, lambda _offer: None).wait(within=0.05) is None
