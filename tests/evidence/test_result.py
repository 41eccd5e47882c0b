"""The content of run.json: what is written is read back, and no rule lets an undecided purpose pass."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import samples

from imsproof.evidence.result import Accepted, PurposeResult, Run, RunInfo, judgement_from_json, run_verdict
from imsproof.seams import Verdict

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.sampled_from(Verdict), max_size=8))
def test_a_run_is_read_back_as_it_was_written(verdicts: list[Verdict]) -> None:
    """from_json(to_json(run)) is the run."""
    run = samples.run(*(samples.result(f"A-B-{n:02}", verdict) for n, verdict in enumerate(verdicts)))
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


@given(st.lists(st.sampled_from(Verdict), max_size=8), st.booleans())
def test_a_run_passes_only_when_every_applicable_purpose_passed(verdicts: list[Verdict], outstanding: bool) -> None:
    """Pass stands only with at least one pass, nothing else but not-applicable, and nothing outstanding."""
    results = [samples.result(f"A-B-{n:02}", verdict) for n, verdict in enumerate(verdicts)]
    verdict, reason = run_verdict(results, ["A-C-01"] if outstanding else [])
    passes = Verdict.PASS in verdicts and set(verdicts) <= {Verdict.PASS, Verdict.NOT_APPLICABLE} and not outstanding
    assert (verdict is Verdict.PASS) == passes
    assert reason
    if Verdict.FAIL in verdicts:
        assert verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([Verdict.NOT_APPLICABLE], Verdict.INCONCLUSIVE),
        ([Verdict.PASS, Verdict.REMARK], Verdict.REMARK),
        ([Verdict.ERROR, Verdict.FAIL], Verdict.FAIL),
        ([Verdict.ERROR, Verdict.INCONCLUSIVE], Verdict.ERROR),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
    ],
)
def test_the_worst_verdict_decides(verdicts: list[Verdict], expected: Verdict) -> None:
    """Fail before error before inconclusive before remark; nothing shown is inconclusive."""
    results = [samples.result(f"A-B-{n:02}", verdict) for n, verdict in enumerate(verdicts)]
    assert run_verdict(results)[0] is expected


def test_counts_name_every_verdict() -> None:
    """A verdict that no purpose has counts 0."""
    counts = samples.run(samples.result()).counts
    assert counts == {verdict.value: int(verdict is Verdict.PASS) for verdict in Verdict}


@given(JSON)
def test_hostile_json_is_a_value_error(value: Any) -> None:
    """No JSON value makes the reader fail in another way."""
    whole = {"schema": 1, "run": value, "purposes": [value], "planned": value}
    good = samples.run(samples.result()).to_json()
    for candidate in (value, whole, {**good, "purposes": [{**good["purposes"][0], "judgements": [{"role": value}]}]}):
        with pytest.raises(ValueError, match=r"."):
            Run.from_json(candidate)


@pytest.mark.parametrize("field", ["id", "family", "verdict", "citations", "duration_s"])
def test_the_message_names_the_purpose_and_the_field(field: str) -> None:
    """A wrong field is found by its name."""
    value = samples.run(samples.result()).to_json()
    value["purposes"][0][field] = {"x": 1}
    with pytest.raises(ValueError, match=field if field != "verdict" else "verdict"):
        Run.from_json(value)


def test_a_purpose_twice_is_refused() -> None:
    """Two results with one id are no run."""
    value = samples.run(samples.result()).to_json()
    value["purposes"] *= 2
    with pytest.raises(ValueError, match="GM-AKA-02 more than once"):
        Run.from_json(value)


def test_a_malformed_judgement_is_a_value_error() -> None:
    """A missing key of a judgement is named."""
    with pytest.raises(ValueError, match="predicate"):
        judgement_from_json({})


def test_what_is_not_mandatory_takes_no_more_than_the_clean_pass() -> None:
    good = samples.result("A-B-01", Verdict.PASS)
    extra = replace(samples.result("A-B-02", Verdict.FAIL), mandatory=False)
    verdict, reason = run_verdict([good, extra])
    assert verdict is Verdict.REMARK
    assert "A-B-02" in reason
    assert run_verdict([extra])[0] is Verdict.INCONCLUSIVE


def test_a_run_to_which_nothing_came_back_reached_nobody() -> None:
    """All undecided and nothing answered; one answer, one verdict, or nothing tried at all is another matter."""
    silent = samples.result(verdict=Verdict.INCONCLUSIVE, evidence="evidence/GM-AKA-02")
    absent = samples.result("GM-AKA-01", Verdict.NOT_APPLICABLE)
    info = RunInfo("1", "p", "", 1, "0")
    assert Run(info, (), (silent, absent)).unreached
    assert not Run(info, (), (replace(silent, answered=True), absent)).unreached
    assert not Run(info, (), (replace(silent, verdict=Verdict.FAIL),)).unreached
    assert not Run(info, (), (absent,)).unreached
    assert PurposeResult.from_json(replace(silent, answered=True).to_json()).answered


def accepting(until: str, *results: PurposeResult) -> Run:
    run = samples.run(*results)
    return replace(run, info=replace(run.info, accepted=(Accepted("SBI-TLS-03", "old front", "Jane", until),)))


def test_what_is_accepted_changes_the_exit_codes_verdict_and_no_other() -> None:
    good, bad = samples.result("SBI-TLS-01"), samples.result("SBI-TLS-03", Verdict.FAIL)
    run = accepting("2099-01-01", good, bad)
    assert (run.verdict, run.verdict_but_accepted) == (Verdict.FAIL, Verdict.PASS)
    assert list(run.accepted) == ["SBI-TLS-03"]
    assert Run.from_json(run.to_json()) == run
    assert accepting("2099-01-01", bad).verdict_but_accepted is Verdict.PASS
    other = samples.result("SBI-TLS-04", Verdict.FAIL)
    assert accepting("2099-01-01", bad, other).verdict_but_accepted is Verdict.FAIL


def test_what_was_accepted_until_before_the_run_is_not_any_more() -> None:
    run = accepting("2000-01-01", samples.result("SBI-TLS-03", Verdict.FAIL))
    assert run.verdict_but_accepted is Verdict.FAIL
    assert not run.accepted


def test_what_passes_needs_no_acceptance_and_nothing_at_all_is_no_pass() -> None:
    assert not accepting("2099-01-01", samples.result("SBI-TLS-03")).accepted
    assert accepting("2099-01-01").verdict_but_accepted is not Verdict.PASS
