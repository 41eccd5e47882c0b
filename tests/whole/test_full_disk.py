"""A disk that is really full: a small tmpfs, where this process may mount one."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.whole.command import imsproof

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 640 KB."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", str(where)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a tmpfs")
    yield where
    subprocess.run(["umount", str(where)], capture_output=True, check=True)


def test_a_full_disk_ends_in_words_and_what_was_written_stays_whole(small_disk: Path) -> None:
    """The run says which file could not be written and what to do, without a traceback; run.json can be read."""
    done = imsproof("run", "-f", "SBI-TLS", "-f", "SBI-CERT", "--workers", 2, "--out", small_disk)
    assert done.returncode in {1, 3}
    said = done.stdout + done.stderr
    assert "No space left on device" in said
    assert "free space or choose another place with --out" in said
    (stored,) = small_disk.glob("*/run.json")
    run = json.loads(stored.read_text())
    assert run["verdict"] != "pass"


def test_a_disk_that_is_full_at_once_is_said(small_disk: Path) -> None:
    """Not even the run folder fits."""
    (small_disk / "ballast").write_bytes(b"x" * 639 * 1024)
    done = imsproof("run", "-p", "SBI-TLS-06", "--out", small_disk)
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
