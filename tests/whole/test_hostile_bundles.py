"""A bundle of anybody's is safe to verify: whatever its files hold, the answer is a report, and soon."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.evidence import runs
from typer.testing import CliRunner

from imsproof.cli import app
from imsproof.evidence.bundle import write_bundle
from imsproof.evidence.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = f"evidence/{runs.REFUSED}"
DEEP = b"[" * 200_000
BOMBS = {
    "nested lists": DEEP,
    "nested objects": b'{"a":' * 100_000,
    "a long number": b'{"schema": ' + b"9" * 100_000 + b"}",
    "no finite number": b'{"schema": NaN}',
    "a lone surrogate": b'{"schema": "\\ud800"}',
    "bytes": bytes(range(256)) * 10,
    "nothing": b"",
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a small run."""
    return write_bundle(runs.make(tmp_path_factory.mktemp("run")).path)


def replaced(bundle: Path, target: Path, name: str, data: bytes) -> Path:
    """Copy a bundle with one member replaced, and a manifest that agrees."""
    with zipfile.ZipFile(bundle) as source:
        members = {one: source.read(one) for one in source.namelist() if one != "manifest.json"}
    members[name] = data
    files = [{"path": n, "sha256": hashlib.sha256(d).hexdigest(), "bytes": len(d)} for n, d in members.items()]
    members.setdefault("manifest.json", json.dumps({"schema": 1, "run": "x", "files": files}).encode())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for member, held in members.items():
            file.writestr(member, held)
    return target


@pytest.mark.parametrize("bomb", list(BOMBS))
@pytest.mark.parametrize(
    "name",
    [
        "run.json",
        "manifest.json",
        f"{FOLDER}/journal.jsonl",
        f"{FOLDER}/judgements.json",
        f"{FOLDER}/flows.json",
        f"{FOLDER}/capture.pcapng",
    ],
)
def test_a_bomb_in_any_file_is_a_finding(bundle: Path, tmp_path: Path, name: str, bomb: str) -> None:
    assert verify(replaced(bundle, tmp_path / "b.zip", name, BOMBS[bomb])).findings


def test_what_a_bundle_says_does_nothing_to_a_terminal(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as source:
        run = json.loads(source.read("run.json"))
    run["purposes"][0]["reason"] = "\x1b]0;owned\x07\x1b[2J"
    run["verdict"] = "\x1b[31mpass"
    forged = replaced(bundle, tmp_path / "b.zip", "run.json", json.dumps(run).encode())
    shown = CliRunner().invoke(app, ["verify", str(forged)])
    assert shown.exit_code == 1
    assert "\x1b" not in shown.output
    assert "\x07" not in shown.output
