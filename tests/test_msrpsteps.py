"""The steps of message-session testcases against the reference lab: all of them hold."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from tests.actors.conftest import lab, reference  # noqa: F401 - fixtures

from imsproof.actors.call import CallSignalling
from imsproof.actors.msrp import MsrpPeer
from imsproof.actors.ue import Ue
from imsproof.msrpsteps import joined, serves, still_serves
from imsproof.profile.msrp import Msrp
from imsproof.seams import Outcome, Role

if TYPE_CHECKING:
    from imsproof.link.session import Session
    from imsproof.profile import Profile


def test_a_right_lab_passes_each_step(reference: Profile, lab: Session) -> None:  # noqa: F811 - the fixtures above
    assert reference.gm is not None
    assert reference.far is not None
    caller = Ue(lab, reference.gm, reference.gm.subscribers[1])
    assert caller.register().ok
    connection = joined(MsrpPeer(lab, partial(CallSignalling, caller, reference.far.uri), random.Random(1), Msrp()))
    still_serves(connection)
    serves(connection)
    found = [(one.role, one.outcome) for one in lab.record.judgements]
    expected = [Role.CONTROL, Role.CONTROL, Role.CLAIM, Role.CLAIM, Role.ALIVE]
    assert found == [(role, Outcome.HOLDS) for role in expected]
