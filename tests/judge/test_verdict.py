"""The one table that makes verdicts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.judge.verdict import conclude, decide
from imsproof.seams import Judgement, Outcome, Role, Verdict

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN


def judged(role: Role, outcome: Outcome) -> Judgement:
    return Judgement("p", 1, role, {}, outcome, f"{role} {outcome}")


def told(*pairs: tuple[Role, Outcome]) -> list[Judgement]:
    return [judged(role, outcome) for role, outcome in pairs]


CONTROL, CLAIM, FORM, ALIVE = Role.CONTROL, Role.CLAIM, Role.FORM, Role.ALIVE


@pytest.mark.parametrize(
    ("judgements", "verdict"),
    [
        (told((CONTROL, H), (CLAIM, H), (ALIVE, H)), Verdict.PASS),
        (told((CLAIM, H), (ALIVE, H)), Verdict.INCONCLUSIVE),
        (told((CONTROL, F), (CLAIM, H), (ALIVE, H)), Verdict.INCONCLUSIVE),
        (told((CONTROL, U), (CLAIM, F)), Verdict.INCONCLUSIVE),
        (told((CONTROL, H), (CLAIM, F), (ALIVE, H)), Verdict.FAIL),
        (told((CONTROL, H), (CLAIM, H), (CLAIM, F), (ALIVE, H)), Verdict.FAIL),
        (told((CONTROL, H), (CLAIM, U), (ALIVE, H)), Verdict.INCONCLUSIVE),
        (told((CONTROL, H), (CLAIM, H)), Verdict.INCONCLUSIVE),
        (told((CONTROL, H), (CLAIM, H), (ALIVE, F)), Verdict.INCONCLUSIVE),
        (told((CONTROL, H), (CLAIM, H), (FORM, F), (ALIVE, H)), Verdict.REMARK),
        (told((CONTROL, H), (ALIVE, H)), Verdict.ERROR),
        ([], Verdict.ERROR),
    ],
)
def test_a_refusal_needs_an_accepted_control_and_a_lab_that_lives(
    judgements: list[Judgement], verdict: Verdict
) -> None:
    assert decide(judgements, needs_control=True)[0] is verdict


def test_a_purpose_without_refusals_needs_no_control() -> None:
    assert decide(told((CLAIM, H)), needs_control=False) == (Verdict.PASS, f"{CLAIM} {H}", "not needed")


def test_an_interruption_does_not_hide_what_was_found() -> None:
    broken = told((CONTROL, H), (CLAIM, F))
    why = (Verdict.INCONCLUSIVE, "interrupted")
    assert conclude(broken, needs_control=True, raised=why)[0] is Verdict.FAIL
    assert conclude(broken[:1], needs_control=True, raised=why)[:2] == why


def test_an_error_of_the_harness_is_never_held_against_the_lab() -> None:
    broken = told((CONTROL, H), (CLAIM, F))
    assert conclude(broken, needs_control=True, raised=(Verdict.ERROR, "bug"))[0] is Verdict.ERROR


@given(st.lists(st.tuples(st.sampled_from(Role), st.sampled_from(Outcome)), max_size=8))
def test_only_what_held_can_pass(pairs: list[tuple[Role, Outcome]]) -> None:
    """Whatever is judged: pass means that every control, claim and probe held."""
    verdict, reason, _ = decide(told(*pairs), needs_control=True)
    assert reason
    if verdict is Verdict.PASS:
        assert all(outcome is H for _, outcome in pairs)
        assert {CONTROL, CLAIM, ALIVE} <= {role for role, _ in pairs}
