"""What doors share: a good probe after cases, and again when it fails; what says that nobody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.fuzzing.doors import Door
from imsproof.seams import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.fuzzing.target import Reaction
    from imsproof.link.session import Session


class Scripted(Door):
    """Serves as it is told, one answer a probe."""

    def __init__(self, session: Session, *serves: bool, refused: str = "") -> None:
        super().__init__(session, None)
        self.answers = list(serves)
        self.refused = refused
        self.corpus = [b"good"]

    def throw(self, cases: Sequence[bytes], reaction: Reaction) -> None:
        for case in cases:
            reaction.count(case, 200)

    def serves(self) -> bool:
        served = self.answers.pop(0)
        if not served and self.refused:
            self.session.emit(Kind.REFUSED, "fuzzer", "1:x", transport=self.refused, facts={"reason": "refused"})
        return served


def test_cases_are_counted_and_a_door_that_serves_is_well(session: Session) -> None:
    reaction, health = Scripted(session, True).fire([b"a", b"b"])
    assert (reaction.statuses, health.serves, health.refused) == ({200: 2}, True, False)


def test_one_failed_probe_is_asked_again(session: Session) -> None:
    assert Scripted(session, False, True).probe().serves


@pytest.mark.parametrize(("transport", "refused"), [("tcp", True), ("udp", True), ("tls", False), ("", False)])
def test_only_a_refusal_below_tls_says_that_nobody_listens(session: Session, transport: str, refused: bool) -> None:
    health = Scripted(session, False, False, refused=transport).probe()
    assert (health.serves, health.refused) == (False, refused)


def test_a_case_that_is_sent_again_has_another_number(session: Session) -> None:
    door = Scripted(session, True)
    case = b"Call-ID: 0000000000000abc\r\n"
    assert len({case, door.again(case), door.again(case)}) == 3
    assert door.again(b"no number") == b"no number"
    assert door.like(case) == b"good"


@pytest.mark.parametrize(("transport", "gone"), [("tcp", True), ("udp", False)])
def test_a_lab_that_comes_back_at_once_was_gone(session: Session, transport: str, gone: bool) -> None:
    health = Scripted(session, False, True, refused=transport).probe()
    assert (health.serves, health.gone, health.refused) == (True, gone, False)
