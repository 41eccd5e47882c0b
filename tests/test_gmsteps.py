"""What the testcases of registrations do again and again, against the reference lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.actors.conftest import lab, reference  # noqa: F401 - fixtures

from imsproof import catalogue
from imsproof.bench import Bench
from imsproof.gmsteps import (
    Reach,
    answered_wrongly,
    bindings,
    challenge_of,
    fail_authentication,
    refused_as_wrong,
    wrong,
)
from imsproof.judge import conclude, control, expect
from imsproof.seams import InconclusiveError, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imsproof.link.session import Session
    from imsproof.profile import Profile


@pytest.fixture
def bench(lab: Session, reference: Profile, tmp_path: Path) -> Iterator[Bench]:  # noqa: F811 - the fixtures above
    """A bench against the reference lab."""
    made = Bench(reference, catalogue.load().get("GM-AKA-02"), lab.link, tmp_path, 1, own_lab=True)
    yield made
    made.close()


def verdict(bench: Bench) -> Verdict:
    return conclude(bench.record.judgements, needs_control=True, raised=None)[0]


def test_a_res_that_is_wrong_differs_in_one_bit() -> None:
    assert wrong(b"\x00\xff") == b"\x00\xfe"


def test_wrong_answers_of_both_kinds_are_refused_and_rightly_so(bench: Bench) -> None:
    def attack_of(auth: str) -> None:
        answered_wrongly(bench, lambda ue: fail_authentication(ue, f"wrong {auth}"), auth=auth)

    attack_of("aka")
    attack_of("digest")
    assert verdict(bench) is Verdict.PASS


def test_a_registration_that_is_refused_as_wrong_was_challenged(bench: Bench) -> None:
    ue = bench.ue()
    refused_as_wrong(fail_authentication(bench.stranger(ue.subscriber), "wrong"))
    assert [one.predicate for one in bench.record.judgements][-3:-1] == ["challenged", "refused"]


def test_who_is_registered_is_reached_and_its_bindings_are_listed(bench: Bench) -> None:
    ue = bench.ue(registered=False)
    assert bindings(ue, "before").ok
    bench.register(ue)
    Reach(bench, ue).shown(expect, "now")
    assert bench.record.judgements[-1].outcome.value == "holds"


def test_without_a_challenge_nothing_can_be_answered_wrongly(bench: Bench) -> None:
    done = bench.ue(registered=False).challenge()
    assert challenge_of(done).nonce
    done.challenge = None
    with pytest.raises(InconclusiveError, match="nothing to answer wrongly"):
        challenge_of(done)
    control(done).refused()
