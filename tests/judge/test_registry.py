"""Predicates are registered by name and version, and judge the same twice."""

from __future__ import annotations

import pytest

from imsproof.judge import registry
from imsproof.judge.expect import alive, control, expect
from imsproof.link.subject import Exchange
from imsproof.seams import Event, InconclusiveError, Kind, Outcome, Record, Role


def record() -> Record:
    events = [
        Event(1, "2026-01-01T00:00:00.000000Z", 1, "a", Kind.SENT, "1:x"),
        Event(2, "2026-01-01T00:00:00.000000Z", 2, "a", Kind.RECEIVED, "1:x", facts={"status": 401}),
    ]
    return Record("P", events)


def test_a_name_cannot_be_registered_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        registry.predicate("accepted")(lambda events: registry.holds("x"))


def test_an_unknown_predicate_is_named() -> None:
    with pytest.raises(registry.UnknownPredicateError, match="no-such"):
        registry.apply("no-such", [], role=Role.CLAIM, params={})


def test_what_is_judged_again_is_the_same() -> None:
    whole = record()
    subject = Exchange(record=whole, exchange="1:x")
    with pytest.raises(InconclusiveError, match="the control was not accepted"):
        control(subject).accepted()
    expect(subject).refused(status=[403], oauth=["invalid_token"])
    alive(subject)
    assert [one.outcome for one in whole.judgements] == [
        Outcome.FAILS,
        Outcome.HOLDS,
        Outcome.FAILS,
        Outcome.FAILS,
        Outcome.FAILS,
    ]
    assert [registry.recompute(one, whole.events) for one in whole.judgements] == whole.judgements


def test_every_predicate_says_what_it_is_about() -> None:
    assert all(one.about for one in registry.registered())


def test_what_happens_after_a_judgement_does_not_change_it() -> None:
    whole = record()
    subject = Exchange(record=whole, exchange="1:x")
    expect(subject).refused()
    whole.events.append(
        Event(3, "2026-01-01T00:00:00.000000Z", 3, "a", Kind.RECEIVED, "1:x", facts={"status": 200}),
    )
    assert registry.recompute(whole.judgements[0], whole.events) == whole.judgements[0]
    assert registry.apply("refused", whole.events, role=Role.CLAIM, params={"exchange": "1:x"}).outcome is Outcome.FAILS
