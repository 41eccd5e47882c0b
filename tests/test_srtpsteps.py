"""The steps of SRTP testcases against the reference lab: right packets get through, wrong ones do not."""

from __future__ import annotations

import random
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.actors.conftest import lab, reference  # noqa: F401 - fixtures

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling
from imsproof.actors.farleg import FarLeg
from imsproof.actors.media import MediaPeer
from imsproof.actors.ue import Ue
from imsproof.seams import InconclusiveError, Outcome, Role
from imsproof.srtpsteps import by_dtls, by_sdes

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile

KINDS = {(Role.CONTROL, Outcome.HOLDS), (Role.CLAIM, Outcome.HOLDS), (Role.ALIVE, Outcome.HOLDS)}


@pytest.fixture
def bench(reference: Profile, lab: Session) -> Any:  # noqa: F811 - the fixtures above
    """What the steps need of a bench: media between two UEs, timers, chance."""
    assert reference.gm is not None
    caller = Ue(lab, reference.gm, reference.gm.subscribers[4], actor="ue-a")
    callee = Ue(lab, reference.gm, reference.gm.subscribers[5], actor="ue-b")
    assert caller.register().ok
    assert callee.register().ok
    chance = random.Random(1)
    far = FarLeg(lab, callee.local[0], actor="ue-b", random=chance)
    Answering(callee, far.sdp)
    signalling = partial(CallSignalling, caller, callee.impu)
    peer = MediaPeer(lab, signalling, chance, address=caller.local[0], far=far)
    return SimpleNamespace(random=chance, profile=reference, media=lambda: peer)


def outcomes(session: Session) -> set[tuple[Role, Outcome]]:
    return {(one.role, one.outcome) for one in session.record.judgements}


@pytest.mark.parametrize("make", [by_sdes, by_dtls])
def test_media_flow_and_a_plain_packet_does_not_get_through(bench: Any, lab: Session, make: Any) -> None:  # noqa: F811
    stream = make(bench)
    payload = stream.mark()
    stream.claimed()
    stream.refuses("plain RTP", {payload: stream.leg.plain(payload)}, how="plain")
    assert outcomes(lab) == KINDS
    stream.call.close()


def test_the_far_side_answers_and_long_streams_last(bench: Any, lab: Session) -> None:  # noqa: F811
    stream = by_sdes(bench)
    payload = stream.mark()
    stream.lasts("many", 45)
    stream.comes_back("media of the far side", payload)
    assert stream.leg.wait_for(payload, 5)
    assert stream.far is not None
    with pytest.raises(InconclusiveError, match="no RTCP"):
        stream.far.report("report", b"mark")
    assert stream.call.multiplexed
    stream.leg.send("SRTCP", stream.leg.report(b"mark"), how="srtcp")
    assert stream.far.wait_for(b"TESTmark", 5)
    stream.far.report("report", b"back")
    assert stream.leg.wait_for(b"TESTback", 5)
    stream.call.close()
    del lab


def test_media_that_come_before_the_lab_has_keys_are_sent_again(
    bench: Any,
    lab: Session,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = by_sdes(bench)
    keys, sent = stream.leg.keys(), stream.leg.send
    rounds: list[int] = []

    def late(label: str, *packets: bytes, **rest: Any) -> Any:
        """The first packets are lost: they are plain."""
        rounds.append(len(packets))
        return sent(label, *(keys.unprotect(one) if len(rounds) == 1 else one for one in packets), **rest)

    monkeypatch.setattr(stream.leg, "send", late)
    stream.claimed()
    assert len(rounds) == 2
    assert outcomes(lab) == {(Role.CONTROL, Outcome.HOLDS), (Role.CLAIM, Outcome.HOLDS)}
    stream.call.close()
