"""The media peer against the reference lab's IMS-AGW: SDES, DTLS-SRTP, and what comes out at the far side."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

import pytest

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling
from imsproof.actors.farleg import FarLeg
from imsproof.actors.media import MediaPeer
from imsproof.actors.signalling import Answered
from imsproof.actors.ue import Ue
from imsproof.seams import InconclusiveError, Kind

if TYPE_CHECKING:
    from imsproof.codec.sdp import Sdp
    from imsproof.link.session import Session
    from imsproof.profile import Profile


@pytest.fixture
def media(lab: Session, reference: Profile) -> tuple[MediaPeer, FarLeg]:
    assert reference.gm is not None
    caller = Ue(lab, reference.gm, reference.gm.subscribers[2], actor="ue-a")
    callee = Ue(lab, reference.gm, reference.gm.subscribers[3], actor="ue-b")
    assert caller.register().ok
    assert callee.register().ok
    far = FarLeg(lab, callee.local[0])
    Answering(callee, far.sdp)
    signalling = partial(CallSignalling, caller, callee.impu)
    return MediaPeer(lab, signalling, random.Random(1), address=caller.local[0], far=far), far


def test_sdes_media_arrives_in_clear_at_the_far_side(media: tuple[MediaPeer, FarLeg]) -> None:
    peer, far = media
    call = peer.offer_sdes("call")
    assert len(call.answered_crypto()) == 1
    call.send("SRTP", b"protected payload", how="srtp")
    assert far.wait_for(b"protected payload", 2)
    sent = [event for event in far.record.events if event.kind is Kind.SENT and event.transport == "rtp"]
    assert b"protected payload" not in sent[0].data
    call.close()


def test_dtls_srtp_media_arrives_and_plain_packets_do_not(media: tuple[MediaPeer, FarLeg]) -> None:
    peer, far = media
    call = peer.offer_dtls("call")
    assert call.handshake("DTLS").connected
    call.send("plain", b"plain payload", how="plain", injected=True)
    call.send("SRTP", b"protected payload", how="srtp")
    assert far.wait_for(b"protected payload", 2)
    assert not any(b"plain payload" in event.data for event in far.record.events if event.kind is Kind.RECEIVED)
    call.close()


class NoAnswer:
    """Signalling that leads nowhere."""

    local_address = "127.0.0.1"
    not_told = ""

    def __init__(self, session: Session) -> None:
        self.session = session

    def offer(self, offer: Sdp, label: str, *, method: str = "INVITE") -> Answered:
        return Answered(record=self.session.record, exchange=label, failed="nobody answered")

    def end(self) -> None: ...


def test_without_an_answer_there_is_nothing_to_send_to(session: Session) -> None:
    call = MediaPeer(session, partial(NoAnswer, session), random.Random(1), address="127.0.0.1").offer_sdes("call")
    with pytest.raises(InconclusiveError, match="nobody answered"):
        call.need_peer()
