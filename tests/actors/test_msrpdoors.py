"""Ports beside a message session: the lab comes to the one it was given, and to no other."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from imsproof.actors.call import CallSignalling
from imsproof.actors.msrp import MsrpPeer
from imsproof.actors.msrpdoors import open_door, set_trap
from imsproof.actors.ue import Ue
from imsproof.profile.msrp import Msrp

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_the_lab_comes_through_the_door_and_not_into_the_trap(lab: Session, reference: Profile) -> None:
    assert reference.gm is not None
    assert reference.far is not None
    caller = Ue(lab, reference.gm, reference.gm.subscribers[1])
    assert caller.register().ok
    peer = MsrpPeer(lab, partial(CallSignalling, caller, reference.far.uri), random.Random(1), Msrp())
    door = open_door(peer, "door", peer.identity)
    trap = set_trap(peer, "trap", peer.offer("INVITE").where)
    call = peer.offer("INVITE with setup:passive", setup="passive", port=door.address[1])
    assert call.given
    assert lab.run(door.wait(reference.timers.handshake))
    assert not lab.run(trap.wait(0.0))
    said = [event for event in lab.record.events if event.exchange == door.exchange and event.data]
    assert said[0].data.startswith(b"MSRP ")
