"""The lab's command line refuses what it cannot do, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.lab.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("prefix", ["10.0.0", "127.1", "127.0.0.1", "127.0.256", "x"])
def test_only_loopback_prefixes_are_taken(prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--prefix", prefix, "--dir", str(tmp_path)])
    assert caught.value.code == 2
    assert "not the first three octets of a loopback address" in capsys.readouterr().err


def test_an_unknown_fault_is_one_line_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--prefix", "127.36.1", "--dir", str(tmp_path), "--fault", "nope"]) == 2
    assert capsys.readouterr().err.startswith("imsproof lab: no fault is named 'nope'")
