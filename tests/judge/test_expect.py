"""``expect``: roles, forms, and the statuses that a subject accepts."""

from __future__ import annotations

import pytest
from tests.judge.events import Story

from imsproof.judge import afterwards, alive, control, expect
from imsproof.judge.verdict import decide
from imsproof.link.subject import Exchange
from imsproof.seams import InconclusiveError, Kind, Outcome, Record, Role, Verdict


def subject(status: int, accept: tuple[int, ...] | None = None) -> Exchange:
    story = Story().add(Kind.SENT).add(Kind.RECEIVED, status=status)
    made = Exchange(record=Record("P", story.events), exchange="1:x")
    if accept is not None:
        made.accept = accept
    return made


def test_each_word_writes_its_role() -> None:
    one = subject(200)
    control(one).accepted()
    expect(one).accepted()
    alive(one)
    afterwards(one).accepted()
    assert [judged.role for judged in one.record.judgements] == [Role.CONTROL, Role.CLAIM, Role.ALIVE, Role.ALIVE]


def test_the_form_is_graded_only_where_the_lab_refused() -> None:
    refused, accepted = subject(500), subject(200)
    assert expect(refused).refused(status=[401]).held
    assert [judged.role for judged in refused.record.judgements] == [Role.CLAIM, Role.FORM]
    assert refused.record.judgements[1].outcome is Outcome.FAILS
    assert not expect(accepted).refused(status=[401]).held
    assert len(accepted.record.judgements) == 1


def test_a_subject_may_say_what_counts_as_accepted() -> None:
    assert expect(subject(401, accept=(401,))).accepted().held
    assert not expect(subject(401)).accepted().held


def test_a_purpose_ends_with_a_control_that_is_not_accepted() -> None:
    """Each further step would wait for a lab of which nothing can be shown any more."""
    one = subject(500)
    with pytest.raises(InconclusiveError, match="the control was not accepted: 1:x: the lab answered 500"):
        control(one).accepted()
    assert decide(one.record.judgements, needs_control=True)[0] is Verdict.INCONCLUSIVE
    assert [judged.role for judged in one.record.judgements] == [Role.CONTROL]
