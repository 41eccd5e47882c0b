"""The tester as a far network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.answering import Answering
from imsproof.actors.farnetwork import FarNetwork
from imsproof.actors.ue import Ue
from imsproof.codec.sdp import Sdp

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile

OFFER = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_subscriber_calls_the_far_network_which_ends_the_call(lab: Session, reference: Profile, number: int) -> None:
    assert reference.gm
    assert reference.mw
    far = FarNetwork(lab, reference.gm, reference.mw.borders[number])
    assert far.local == tuple(reference.mw.borders[number].far)
    Answering(far, lambda _offer: Sdp.parse(OFFER))
    caller = Ue(lab, reference.gm, reference.gm.subscribers[number])
    assert caller.register().ok
    call = caller.invite(far.uri, OFFER)
    assert call.ok
    assert call.dialog
    there = far.calls[call.dialog.call_id]
    assert far.back(there, "OPTIONS", "OPTIONS along the hidden route").ok
    assert far.back(there, "OPTIONS", "OPTIONS elsewhere", ("<sip:127.0.0.9;lr>",)).status == 404


def test_it_is_the_visited_p_cscf_of_a_subscriber(lab: Session, reference: Profile) -> None:
    assert reference.gm
    assert reference.mw
    far = FarNetwork(lab, reference.gm, reference.mw.borders[1], reference.gm.subscribers[4])
    host, port = far.local
    done = far.register(headers=[("Path", f"<sip:{host}:{port};lr>")])
    assert done.ok
    assert "hidden." in done.service_route[0]
