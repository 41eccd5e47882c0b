"""Targets are made of what the profile gives; what it lacks is said."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from imsproof.commands.targets import Ground, TargetName, make_target
from imsproof.fuzzing.datagrams import NgOffers
from imsproof.link.session import Link
from imsproof.profile import Profile, loads
from imsproof.seams import InconclusiveError

BARE = "name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-12-31}\n"


def ground(stack: ExitStack, declared: Profile) -> Ground:
    link = Link(scope_allows=declared.scope.allows, limits=declared.limits, timers=declared.timers)
    stack.callback(link.close)
    return Ground(None, declared, link)


@pytest.mark.parametrize("name", list(TargetName))
def test_what_the_profile_does_not_give_is_said(name: TargetName) -> None:
    with ExitStack() as stack, pytest.raises(InconclusiveError, match="profile"):
        make_target(stack, name, ground(stack, loads(BARE)), 1)


def test_a_declared_door_is_knocked_at() -> None:
    with ExitStack() as stack:
        face = make_target(stack, TargetName.NG, ground(stack, loads(BARE + "fuzz: {ng: '127.0.0.1:2223'}\n")), 1)
        assert isinstance(face, NgOffers)
        assert face.where() == ("127.0.0.1", 2223)
