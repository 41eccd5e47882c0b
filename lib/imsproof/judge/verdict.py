"""The one table that makes a verdict out of judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.seams import Judgement, Outcome, Role, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTROL_NOT_NEEDED = "not needed"
CONTROL_ACCEPTED = "accepted"
CONTROL_NOT_ACCEPTED = "not accepted"
CONTROL_MISSING = "missing"


def decide(  # noqa: PLR0911 - one return for each row of the table
    judgements: Sequence[Judgement], *, needs_control: bool
) -> tuple[Verdict, str, str]:
    """Decide a purpose: verdict, reason in one sentence, and the state of the control.

    The worst decides. Where a control is needed, a control that was not accepted makes the purpose inconclusive
    whatever else was seen, and so does a lab that was not probed, or no longer served, after it seemed to refuse.
    """
    control, reason = _control(judgements, needs_control=needs_control)
    claims = [one for one in judgements if one.role is Role.CLAIM]
    if not claims and control != CONTROL_NOT_ACCEPTED:
        return Verdict.ERROR, "the purpose made no claim: the harness is at fault", control
    broken = _first(claims, Outcome.FAILS)
    if reason:
        also = f"; besides: {broken.sentence}" if broken else ""
        return Verdict.INCONCLUSIVE, reason + also, control
    if broken is not None:
        return Verdict.FAIL, broken.sentence, control
    undecided = _first(claims, Outcome.UNKNOWN)
    if undecided is not None:
        return Verdict.INCONCLUSIVE, undecided.sentence, control
    alive = [one for one in judgements if one.role is Role.ALIVE]
    if needs_control and not alive:
        return Verdict.INCONCLUSIVE, "the lab was not probed again after the refusal", control
    dead = next((one for one in alive if one.outcome is not Outcome.HOLDS), None)
    if dead is not None:
        return Verdict.INCONCLUSIVE, dead.sentence, control
    remark = next((one for one in judgements if one.role is Role.FORM and one.outcome is not Outcome.HOLDS), None)
    if remark is not None:
        return Verdict.REMARK, remark.sentence, control
    return Verdict.PASS, claims[-1].sentence, control


def conclude(
    judgements: Sequence[Judgement], *, needs_control: bool, raised: tuple[Verdict, str] | None
) -> tuple[Verdict, str, str]:
    """Decide a purpose that may have ended early: ``raised`` is what the harness said when it could not go on.

    What was found broken before a mere interruption stays found; an error of the harness outweighs everything.
    """
    verdict, reason, control = decide(judgements, needs_control=needs_control)
    if raised is None or (verdict is Verdict.FAIL and raised[0] is Verdict.INCONCLUSIVE):
        return verdict, reason, control
    return raised[0], raised[1], control


def _control(judgements: Sequence[Judgement], *, needs_control: bool) -> tuple[str, str]:
    controls = [one for one in judgements if one.role is Role.CONTROL]
    bad = next((one for one in controls if one.outcome is not Outcome.HOLDS), None)
    if bad is not None:
        return CONTROL_NOT_ACCEPTED, not_accepted(bad)
    if controls:
        return CONTROL_ACCEPTED, ""
    if needs_control:
        return CONTROL_MISSING, "no control was shown, so a refusal proves nothing"
    return CONTROL_NOT_NEEDED, ""


def not_accepted(control: Judgement) -> str:
    """Say that a control was not accepted, and what was seen of it."""
    return f"the control was not accepted: {control.sentence}"


def _first(judgements: Sequence[Judgement], outcome: Outcome) -> Judgement | None:
    return next((one for one in judgements if one.outcome is outcome), None)
