"""The bundle: everything, hashed, and the same bytes for the same files."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.evidence import runs

from imsproof.evidence.bundle import write_bundle
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_stands_in_it_with_its_hash(tmp_path: Path) -> None:
    """All of the run folder, a README, and a manifest of SHA-256."""
    run = runs.make(tmp_path).path
    with zipfile.ZipFile(write_bundle(run)) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        for file in manifest["files"]:
            data = bundle.read(file["path"])
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["bytes"])
        names = bundle.namelist()
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()} - {"bundle.zip"}
    assert {file["path"] for file in manifest["files"]} == files | {"README.txt"}
    assert names[:-2] == sorted(names[:-2])
    assert not any(name.startswith("/") for name in names)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of the time or the machine gets in; a bundle never holds the one before it."""
    run = runs.make(tmp_path).path
    first = write_bundle(run).read_bytes()
    assert write_bundle(run).read_bytes() == first


def test_locks_hidden_files_and_parts_are_left_out(tmp_path: Path) -> None:
    """What is not evidence stays outside."""
    run = runs.make(tmp_path).path
    for name in (".hidden", "x.part", "ue.lock", ".leases/a"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("x")
    with zipfile.ZipFile(write_bundle(run)) as bundle:
        assert not [name for name in bundle.namelist() if name.endswith((".part", ".lock")) or name.startswith(".")]


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """A bundle holds files, not ways out of the folder."""
    run = runs.make(tmp_path).path
    (run / "evidence" / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(HarnessError, match="symbolic link"):
        write_bundle(run)
    assert not (run / "bundle.zip").exists()


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    """A bundle of anything else would say nothing."""
    with pytest.raises(HarnessError, match="no run folder"):
        write_bundle(tmp_path)
