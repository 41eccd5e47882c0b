"""The lab as a process: started, steered, stopped, and never left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imsproof.lab.launch import LaunchError, RunningLab, control_path, launch
from imsproof.profile.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with launch(tmp_path_factory.mktemp("lab")) as running:
        yield running


def test_it_says_where_it_is_and_holds_nothing(lab: RunningLab) -> None:
    state = lab.control("state")
    assert (state["prefix"], state["faults"], state["contexts"]) == (lab.prefix, [], 0)


def test_faults_are_planted_and_taken_back(lab: RunningLab) -> None:
    lab.faults("token.audience_ignored")
    assert lab.control("state")["faults"] == ["token.audience_ignored"]
    lab.faults()
    assert lab.control("state")["faults"] == []
    lab.reset()


def test_what_it_cannot_do_is_an_error_with_its_words(lab: RunningLab) -> None:
    with pytest.raises(LaunchError, match="no fault is named 'nope'"):
        lab.faults("nope")
    with pytest.raises(LaunchError, match="no such op: 'dance'"):
        lab.control("dance")
    assert lab.alive


def test_the_reference_profile_fits_it(lab: RunningLab) -> None:
    profile = load(ROOT / "profiles" / "reference.yaml", env={**os.environ, **lab.environment})
    assert not {"gm.aka", "sbi.nmf-mrm", "sbi.mint", "sbi.second-consumer", "dc.call"} - set(profile.capabilities())


def test_two_labs_live_side_by_side(lab: RunningLab, tmp_path: Path) -> None:
    with launch(tmp_path, faults=["token.not_required"]) as second:
        assert second.prefix != lab.prefix
        assert second.control("state")["faults"] == ["token.not_required"]
        assert lab.control("state")["faults"] == []
    assert not second.alive
    with pytest.raises(LaunchError, match="control channel does not answer"):
        second.control("state")


def test_a_prefix_in_use_is_an_error_with_the_labs_words(lab: RunningLab, tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"(?s)did not come up.*in use"):
        launch(tmp_path, prefix=lab.prefix)


def test_an_unknown_fault_is_an_error_with_the_labs_words(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="no fault is named 'nope'"):
        launch(tmp_path, faults=["nope"])


def test_it_stops_when_told_over_the_control_channel(tmp_path: Path) -> None:
    with launch(tmp_path) as second:
        second.control("stop")
        assert second._process.wait(5) == 0


def test_it_stops_when_its_starter_is_killed(tmp_path: Path) -> None:
    """The starter is killed without a chance to clean up; the end of the pipe tells the lab."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom imsproof.lab.launch import launch\n"
        "lab = launch(Path(sys.argv[1]))\nprint(lab.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=False, timeout=30)
    pid = int(run.stdout)
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        subprocess.run(["sleep", "0.01"], check=True)
    pytest.fail("the lab outlived its starter")


def test_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    assert control_path(Path("/x")) == Path("/x/control.sock")
    assert len(os.fsencode(control_path(tmp_path / ("long" * 40)))) < 100
