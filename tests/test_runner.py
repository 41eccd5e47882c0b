"""Which purposes apply, and that nothing that was not executed counts as passed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from imsproof import catalogue, paths
from imsproof.profile import loads
from imsproof.purpose import purposes_of
from imsproof.runner import applicable, execute, files_of, not_executed
from imsproof.seams import Verdict

SCOPE = "scope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"


def test_what_the_profile_lacks_makes_purposes_not_applicable_and_says_which_field() -> None:
    profile = loads("name: x\n" + SCOPE + "gm: {domain: d, udp: '127.0.0.1:5060'}\n", source="x", base=Path())
    apply, without = applicable(list(catalogue.load()), profile)
    assert {one.id for one in apply} >= {"GM-MALFORMED-01"}
    assert not any(one.family.startswith("SBI") for one in apply)
    reasons = {one.id: one.reason for one in without}
    assert "sbi" in reasons["SBI-TLS-01"]
    assert all(one.verdict is Verdict.NOT_APPLICABLE and one.reason for one in without)


def test_a_purpose_that_no_worker_reported_is_inconclusive() -> None:
    one = catalogue.load().get("SBI-TLS-01")
    (result,) = not_executed({one.id: ("",)}, set(), {one.id: one}, "the worker was lost")
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "the worker was lost")
    assert not_executed({one.id: ("",)}, {one.id}, {one.id: one}, "") == []


def test_an_empty_plan_runs_nothing(tmp_path: Path) -> None:
    profile = tmp_path / "lab.yaml"
    profile.write_text("name: x\n" + SCOPE)
    heard: list[object] = []
    outcome = execute(profile, {}, lambda *both: heard.append(both), seed=1, workers=1)
    assert not heard
    assert not outcome.interrupted


def test_each_purpose_is_in_the_files_that_are_collected_for_it() -> None:
    for path in sorted(paths.testcases().rglob("test_*.py")):
        name = f"testcase_{path.parent.name}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec
        assert spec.loader
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        cases = [one for value in vars(module).values() if (found := purposes_of(value)) for one in found.cases]
        for one in cases:
            files = files_of([one])
            assert path in files or files == [paths.testcases()], one
    assert files_of(["SBI-TLS-01"]) == [paths.testcases() / "sbi" / "test_tls.py"]
    assert files_of(["SBI-TLS-01", "NOWHERE-01"]) == [paths.testcases()]
