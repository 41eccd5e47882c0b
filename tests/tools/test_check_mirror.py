"""The mirror rule: tests stand where their sources say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

MIRROR: dict[str, Any] = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "check_mirror.py"))


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "lib" / "imsproof" / "codec").mkdir(parents=True)
    (tmp_path / "tests" / "codec").mkdir(parents=True)
    (tmp_path / "tools").mkdir()
    return tmp_path


def write(root: Path, path: str, text: str = "def f() -> None: ...\n") -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_a_module_with_its_test_is_in_order(house: Path) -> None:
    write(house, "lib/imsproof/codec/sip.py")
    write(house, "tests/codec/test_sip.py")
    assert MIRROR["main"](house) == 0


def test_a_module_without_a_test_is_named(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(house, "lib/imsproof/codec/sip.py")
    assert MIRROR["main"](house) == 1
    assert "lib/imsproof/codec/sip.py: no tests/codec/test_sip.py" in capsys.readouterr().out


def test_a_script_of_the_tools_needs_a_test_too(house: Path) -> None:
    write(house, "tools/check.py")
    assert MIRROR["main"](house) == 1
    write(house, "tests/tools/test_check.py")
    assert MIRROR["main"](house) == 0


def test_a_test_without_a_module_is_a_left_over(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(house, "tests/codec/test_gone.py")
    assert MIRROR["main"](house) == 1
    assert "tests/codec/test_gone.py: mirrors no module" in capsys.readouterr().out


def test_tests_of_whole_commands_mirror_nothing(house: Path) -> None:
    write(house, "tests/whole/test_run.py")
    assert MIRROR["main"](house) == 0


@pytest.mark.parametrize(
    "text", ["", "X = 1\n", "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"]
)
def test_plain_data_needs_no_test(house: Path, text: str) -> None:
    write(house, "lib/imsproof/codec/names.py", text)
    assert MIRROR["main"](house) == 0
