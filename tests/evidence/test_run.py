"""The run folder: whole at any moment, and clear about what cannot be written or read."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from tests.evidence import samples

from imsproof.evidence.run import RunFolder, load_run, parse_run
from imsproof.seams import HarnessError, Verdict

NOW = datetime(2025, 10, 9, 8, 53, 20, 5, tzinfo=UTC)


def make(out: Path, planned: tuple[str, ...] = ()) -> RunFolder:
    """Make a run folder at a fixed time."""
    return RunFolder.create(out, "my lab/1", seed=7, version="0.1.0", commit="abc", planned=planned, now=NOW)


def test_the_folder_is_named_by_time_profile_and_short_id(tmp_path: Path) -> None:
    """Anything that could leave the folder is replaced in the profile's name."""
    folder = make(tmp_path / "reports")
    assert re.fullmatch(r"20251009T085320Z-my-lab-1-[0-9a-f]{6}", folder.path.name)
    assert folder.run.info.id == folder.path.name[-6:]


def test_run_json_follows_the_published_schema(tmp_path: Path) -> None:
    """From the first moment to the last, run.json is valid against run.schema.json."""
    schema = json.loads(files("imsproof.evidence").joinpath("run.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    folder = make(tmp_path, ("GM-AKA-02",))
    for step in (
        lambda: None,
        lambda: folder.add(samples.result(evidence="evidence/GM-AKA-02")),
        lambda: folder.add(samples.result("GM-AKA-01", Verdict.NOT_APPLICABLE, reason="no gm", judgements=())),
        lambda: folder.set_capture_source("wire"),
        folder.finish,
    ):
        step()
        jsonschema.validate(json.loads((folder.path / "run.json").read_bytes()), schema)
    assert load_run(folder.path) == folder.run
    assert [item.id for item in folder.run.results] == ["GM-AKA-01", "GM-AKA-02"]


def test_a_run_with_a_planned_purpose_undecided_is_no_pass(tmp_path: Path) -> None:
    """What was planned and has no verdict keeps the run inconclusive."""
    folder = make(tmp_path, ("GM-AKA-02",))
    folder.add_planned(["GM-AKA-01"])
    folder.add(samples.result())
    assert folder.run.verdict == "inconclusive"
    assert "GM-AKA-01" in folder.run.reason
    folder.add(samples.result("GM-AKA-01"))
    assert load_run(folder.path).verdict is Verdict.PASS


def test_a_later_result_replaces_the_former(tmp_path: Path) -> None:
    """One purpose has one result."""
    folder = make(tmp_path)
    folder.add(samples.result(verdict=Verdict.ERROR))
    folder.add(samples.result(verdict=Verdict.PASS))
    assert [item.verdict for item in load_run(folder.path).results] == [Verdict.PASS]


def test_a_full_disk_is_a_harness_error_and_the_former_file_stays(tmp_path: Path) -> None:
    """A write that the system refuses half-way leaves the former run.json whole and nothing beside it."""
    folder = make(tmp_path)
    before = (folder.path / "run.json").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        with pytest.raises(HarnessError, match=r"cannot write .*run\.json.*free space"):
            folder.add(samples.result())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder.path / "run.json").read_bytes() == before
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_a_folder_that_cannot_be_made_is_a_harness_error(tmp_path: Path) -> None:
    """A file in the way of the reports' folder is named."""
    (tmp_path / "reports").write_text("in the way")
    with pytest.raises(HarnessError, match="reports"):
        make(tmp_path / "reports")


def test_a_killed_run_keeps_what_it_had_decided(tmp_path: Path) -> None:
    """SIGKILL while results are being added leaves a valid run.json that holds the results that were reported."""
    script = (
        "import sys, itertools\n"
        "from pathlib import Path\n"
        "from imsproof.evidence.run import RunFolder\n"
        "from tests.evidence import samples\n"
        "folder = RunFolder.create(Path(sys.argv[1]), 'k', seed=1, version='0', planned=['Z-Z-99'])\n"
        "for n in itertools.count():\n"
        "    folder.add(samples.result(f'A-B-{n:05}'))\n"
        "    print(n, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        assert child.stdout is not None
        for _ in range(20):
            line = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    run = load_run(next(tmp_path.iterdir()))
    assert len(run.results) > int(line)
    assert run.info.finished is None
    assert run.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("purpose", ["../x", "/etc", "", "a/b", ".hidden"])
def test_an_id_that_leaves_the_folder_is_refused(tmp_path: Path, purpose: str) -> None:
    """Evidence is written below the run folder only."""
    with pytest.raises(ValueError, match="no purpose id"):
        make(tmp_path).evidence(purpose)


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"[" * 100_000, b"[]", b'{"schema": 2}', b'{"schema": 1}'])
def test_what_is_no_run_json_is_a_value_error(tmp_path: Path, data: bytes) -> None:
    """Garbage is refused with the file's name."""
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"run\.json"):
        load_run(path)
    with pytest.raises(ValueError, match=r"."):
        parse_run(data)


def test_a_missing_run_is_a_value_error(tmp_path: Path) -> None:
    """A folder without run.json says which file is missing."""
    with pytest.raises(ValueError, match=r"run\.json: No such file"):
        load_run(tmp_path)
