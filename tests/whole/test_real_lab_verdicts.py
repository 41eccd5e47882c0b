"""What make run-real says of a run: as expected, changed, unsteady, new, gone; and the pages made of it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imsproof import catalogue

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "profiles" / "kamailio" / "lab"
EXPECTED = {
    "A-01": {"verdict": "pass", "reason": "correct"},
    "A-02": {"verdict": "fail", "reason": "real"},
    "A-03": {"verdict": "not-applicable", "reason": "no field"},
}
STAND_IN = """
import json, pathlib, sys
words = sys.argv[1:]
script = json.loads(pathlib.Path(__file__).with_name("script.json").read_text())
count = pathlib.Path(__file__).with_name("count")
number = int(count.read_text()) if count.exists() else 0
count.write_text(str(number + 1))
told = script[number]
if isinstance(told, int):
    sys.exit(told)
chosen = [words[at + 1] for at, word in enumerate(words) if word == "--purpose"]
folder = pathlib.Path(words[words.index("--out") + 1]) / f"run-{number}"
folder.mkdir(parents=True)
purposes = [{"id": one, "verdict": verdict, "reason": f"reason {number}"} for one, verdict in told.items()]
purposes = [one for one in purposes if not chosen or one["id"] in chosen]
(folder / "run.json").write_text(json.dumps({"purposes": purposes}))
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"real_lab_{name}", LAB / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Trial:
    """verdicts.py with a stand-in for imsproof that tells one scripted run after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected = folder / "expected.json"
        self.expected.write_text(json.dumps(EXPECTED))
        (folder / "stand-in.py").write_text(STAND_IN)

    def __call__(self, *runs: dict[str, str] | int, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        (self.folder / "script.json").write_text(json.dumps(runs))
        command = [sys.executable, str(self.folder / "stand-in.py")]
        own = [sys.executable, str(LAB / "verdicts.py"), "--expected", str(self.expected), "--dir", str(self.folder)]
        return subprocess.run([*own, *more, "--", *command], capture_output=True, text=True, check=False)

    @property
    def runs(self) -> int:
        return int((self.folder / "count").read_text())


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


AS_EXPECTED = {"A-01": "pass", "A-02": "fail", "A-03": "not-applicable"}


def test_a_lab_with_real_flaws_is_as_expected(trial: Trial) -> None:
    done = trial(AS_EXPECTED)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 as in expected.json" in done.stdout
    assert trial.runs == 1


def test_a_changed_verdict_is_run_again_and_told_as_unsteady_when_it_comes_back(trial: Trial) -> None:
    done = trial(AS_EXPECTED | {"A-01": "inconclusive"}, AS_EXPECTED)
    assert done.returncode == 0, done.stderr
    assert "A-01: unsteady: inconclusive (reason 0), then as expected" in done.stdout
    assert "3 of 3" in done.stdout
    assert trial.runs == 2


def test_a_verdict_that_stays_changed_is_told_with_its_second_reason(trial: Trial) -> None:
    done = trial(AS_EXPECTED | {"A-02": "pass"}, AS_EXPECTED | {"A-02": "pass"})
    assert done.returncode == 1
    assert "A-02: fail was expected, found pass (reason 1)" in done.stdout


def test_only_what_changed_is_run_again(trial: Trial) -> None:
    trial(AS_EXPECTED | {"A-02": "pass"}, {"A-01": "fail", "A-02": "fail"})
    second = json.loads((trial.folder / "again" / "run-1" / "run.json").read_text())["purposes"]
    assert [one["id"] for one in second] == ["A-02"]


def test_a_lab_that_does_not_live_for_the_second_look_keeps_the_first_verdict(trial: Trial) -> None:
    done = trial(AS_EXPECTED | {"A-01": "fail"}, 4)
    assert done.returncode == 1
    assert "A-01: pass was expected, found fail (reason 0)" in done.stdout


def test_what_nobody_has_looked_at_and_what_is_gone_is_told(trial: Trial) -> None:
    done = trial({"A-01": "pass", "A-03": "not-applicable", "A-04": "pass", "A-05": "not-applicable"})
    assert done.returncode == 1
    assert "A-02: fail was expected, it did not run" in done.stdout
    assert "A-04: pass, but nobody has looked at it yet" in done.stdout
    assert "A-05" not in done.stdout


def test_a_lab_that_is_not_reachable_is_no_result(trial: Trial) -> None:
    assert trial(4).returncode == 4


def test_what_runs_again_by_the_way_is_not_called_unsteady(trial: Trial) -> None:
    """The command may name families, too, so that more runs than what changed."""
    (trial.folder / "stand-in.py").write_text(STAND_IN.replace("if not chosen or one", "if True or one"))
    done = trial(AS_EXPECTED | {"A-01": "inconclusive"}, AS_EXPECTED)
    assert done.returncode == 0, done.stdout
    assert "A-01: unsteady" in done.stdout
    assert "A-02" not in done.stdout


def test_update_keeps_reasons_where_the_verdict_stays(trial: Trial) -> None:
    trial({"A-01": "pass", "A-02": "inconclusive"}, more=("--update",))
    written = json.loads(trial.expected.read_text())
    assert written["A-01"] == EXPECTED["A-01"]
    assert written["A-02"] == {"verdict": "inconclusive", "reason": "not looked at yet"}
    assert "A-03" not in written


@pytest.fixture(scope="module")
def page() -> ModuleType:
    return load("page")


def test_the_page_and_the_readme_say_what_the_expected_results_say(page: ModuleType) -> None:
    """`.venv/bin/python profiles/kamailio/lab/page.py` writes both."""
    expected = page.read()
    assert (ROOT / "docs" / "real-lab.md").read_text() == page.page(expected)
    assert (ROOT / "README.md").read_text() == page.readme(expected)
    assert "| `hardened`" in page.summary(expected)


def test_every_expected_verdict_is_of_a_known_purpose_and_has_a_reason(page: ModuleType) -> None:
    known = {one.id for one in catalogue.load()}
    for name, told in page.read().items():
        assert set(told) <= known, name
        for purpose, one in told.items():
            assert one["reason"], (name, purpose)
            assert one["reason"] != "not looked at yet", (name, purpose)
            assert one["verdict"] != "error", (name, purpose)


FEW = ("expected-ipsec", "expected-esp")


def test_each_configuration_expects_what_it_runs_and_no_more() -> None:
    """A purpose that is expected and does not run fails run-real."""
    every = {one.id for one in catalogue.load().purposes}
    some = {one for one in every if one.startswith(("GM-AGREE-", "GM-ESP-"))}  # what run.sh has ipsec run
    for file in LAB.parent.glob("expected-*.json"):
        assert set(json.loads(file.read_text())) == (some if file.stem in FEW else every), file.name


def test_where_two_configurations_differ_the_clause_is_named(page: ModuleType) -> None:
    told: Any = {name: {} for name in page.LABS}
    told["default"] = {
        "GM-AKA-02": {"verdict": "fail", "reason": "a|b"},
        "GM-AKA-03": {"verdict": "pass", "reason": ""},
    }
    told["hardened"] = {"GM-AKA-02": {"verdict": "pass", "reason": ""}, "GM-AKA-03": {"verdict": "pass", "reason": ""}}
    (row,) = page.differences(told)[2:]
    assert "TS 33.203" in row
    assert "fail: a\\|b | pass |" in row


@pytest.fixture(scope="module")
def steady() -> ModuleType:
    return load("steady")


def test_whose_verdict_changed_in_several_runs_is_told_with_each_verdict(steady: ModuleType) -> None:
    good, bad = {"verdict": "pass", "reason": "held"}, {"verdict": "fail", "reason": "504"}
    runs = [{"A-01": good, "A-02": good}, {"A-01": bad, "A-02": good}, {"A-01": good, "A-02": good}]
    assert steady.unsteady(runs) == {"A-01": "2 x pass: held; 1 x fail: 504"}
    assert steady.unsteady([{"A-01": good}, {}]) == {"A-01": "1 x pass: held; 1 x did not run: "}


def test_a_second_look_does_not_make_a_purpose_steady(trial: Trial) -> None:
    trial(AS_EXPECTED | {"A-01": "inconclusive"}, AS_EXPECTED)
    done = subprocess.run(
        [sys.executable, str(LAB / "steady.py"), str(trial.folder), str(trial.folder / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 of 2 runs came to verdicts" in done.stdout
    assert done.returncode == 3
    told = json.loads((trial.folder / "verdicts.json").read_text())
    assert (told["first"]["A-01"]["verdict"], told["second"]["A-01"]["verdict"]) == ("inconclusive", "pass")
