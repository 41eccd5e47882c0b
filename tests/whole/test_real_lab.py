"""The real lab starts, serves, stops clean, runs beside itself; where profiles/kamailio/install.sh installed it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.whole.command import verdicts

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-real" / "bin" / "python"
UP = [str(PYTHON), str(ROOT / "profiles" / "kamailio" / "lab" / "up.py"), "registrar"]
SECONDS = 60
NO_NAMESPACE = 2
"""What netns.py ends with."""

pytestmark = pytest.mark.skipif(
    not (PYTHON.exists() and shutil.which("kamailio", path="/usr/sbin:/usr/bin")),
    reason="the real lab is not installed here: profiles/kamailio/install.sh",
)


def up(folder: Path, *command: object, configuration: str = "registrar") -> subprocess.CompletedProcess[str]:
    """Start the lab in a folder, run a command against it, stop it."""
    words = [*UP[:-1], configuration, "--dir", str(folder), "--", *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, cwd=ROOT, check=False)


def living(folder: Path) -> list[str]:
    """Return the commands of processes that work in a lab's folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and Path(process / "cwd").resolve() == folder:
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_it_serves_its_profile_and_leaves_no_process(tmp_path: Path) -> None:
    done = up(tmp_path / "lab", sys.executable, "-m", "imsproof", "profile", "check", "profiles/kamailio.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 programs on 127.50." in done.stderr
    assert "not reached" not in done.stdout
    assert living(tmp_path / "lab") == []
    assert {path.stem for path in (tmp_path / "lab" / "log").iterdir()} >= {"registrar", "nginx"}


def test_who_only_looks_learns_what_is_true(tmp_path: Path) -> None:
    """nginx 1.22 has no TLS 1.3 of its own accord (docs/findings.md F4); Kamailio's TLS is as it should be."""
    steps = """
    set -e
    new="imsproof profile new lab.yaml --authorised-by me --until 2099-01-01"
    "$1" -m $new --from $IMSPROOF_REAL_PREFIX.10 --from $IMSPROOF_REAL_PREFIX.60
    "$1" -m imsproof run lab.yaml -p GM-TLS-01 -p SBI-TLS-01 -p SBI-TLS-11 -p GM-PRIVACY-01 --out out --workers 2
    """
    (tmp_path / "work").mkdir()
    done = up(tmp_path / "lab", "env", "-C", tmp_path / "work", "sh", "-c", steps, "sh", sys.executable)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "challenges a REGISTER for" in done.stdout
    assert verdicts(tmp_path / "work" / "out") == {
        "GM-PRIVACY-01": "pass-with-remark",
        "GM-TLS-01": "pass",
        "SBI-TLS-01": "fail",
        "SBI-TLS-11": "pass",
    }


def test_it_ends_with_the_commands_status(tmp_path: Path) -> None:
    assert up(tmp_path / "lab", "sh", "-c", "exit 7").returncode == 7


def test_a_command_that_is_not_there_is_told_and_nothing_stays(tmp_path: Path) -> None:
    done = up(tmp_path / "lab", "/no/such/command")
    assert done.returncode == 4
    assert "the command cannot be started" in done.stderr
    assert living(tmp_path / "lab") == []


def test_a_program_that_does_not_survive_is_named(tmp_path: Path) -> None:
    kill = 'pid=$(cat "$IMSPROOF_REAL_DIR/nginx.pid"); kill -9 $pid; while readlink /proc/$pid/exe; do :; done'
    done = up(tmp_path / "lab", "sh", "-c", kill)
    assert "nginx did not survive" in done.stderr
    assert living(tmp_path / "lab") == []


def test_a_program_that_ends_in_the_middle_is_started_again(tmp_path: Path) -> None:
    steps = """
    old=$(cat "$IMSPROOF_REAL_DIR/nginx.pid"); kill -9 $old
    until new=$(cat "$IMSPROOF_REAL_DIR/nginx.pid") && [ "$new" ] && [ "$new" != $old ]; do sleep 0.1; done
    """
    done = up(tmp_path / "lab", "sh", "-c", steps)
    assert done.returncode == 0, done.stderr
    assert "nginx did not survive (status -9); it is started again" in done.stderr
    assert living(tmp_path / "lab") == []


def test_two_run_beside_each_other(tmp_path: Path) -> None:
    done = up(tmp_path / "first", *UP, "--dir", tmp_path / "second", "--", "true")
    assert done.returncode == 0, done.stderr
    prefixes = {line.split(" on ")[1].split("/")[0] for line in done.stderr.splitlines() if " on 127." in line}
    assert len(prefixes) == 2


def test_one_runs_in_a_network_namespace_beside_another(tmp_path: Path) -> None:
    inside = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make network namespaces here")
    done = up(tmp_path / "first", *inside, *UP, "--dir", tmp_path / "second", "--", "true")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("programs on 127.50.1.0/24") >= 1
    assert living(tmp_path / "second") == []


def test_a_lab_that_makes_ipsec_associations_is_in_a_network_namespace_of_its_own(tmp_path: Path) -> None:
    netns = subprocess.run([str(PYTHON), UP[1].replace("up.py", "netns.py")], capture_output=True, check=False)
    if netns.returncode == NO_NAMESPACE:
        pytest.skip("this user may not make network namespaces here")
    done = up(tmp_path / "lab", "readlink", "/proc/self/ns/net", configuration="ipsec")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() != str(Path("/proc/self/ns/net").readlink())
    assert living(tmp_path / "lab") == []
