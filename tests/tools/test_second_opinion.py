"""A checker that shares no code with imsproof agrees with it, and finds most forgeries by itself."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.whole.test_forgeries import FORGERIES, ONE, OTHER, forged, purpose

from imsproof.evidence.bundle import write_bundle
from imsproof.evidence.run import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(__file__).resolve().parents[2] / "tools" / "second_opinion.py"
OPINION: Callable[[str], list[str]] = runpy.run_path(str(SOURCE))["opinion"]
BEYOND = {
    "the reason",
    "a fact that decides",
    "a fact that decides nothing",
    "an event added",
    "events in another order",
    "another lab's address",
    "another day",
    "one event at another time",
    "a file of nobody",
}
"""What it does not look at: words, facts beside the bytes, times, and names that a careful unpacker refuses."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = RunFolder.create(tmp_path_factory.mktemp("run"), "lab", seed=7, version="0.1.0", planned=[ONE, OTHER])
    purpose(folder, ONE, "c1", 401)
    purpose(folder, OTHER, "c2", 200)
    folder.finish()
    return write_bundle(folder.path)


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.walk(ast.parse(SOURCE.read_text()))
    names = {one.name for node in tree if isinstance(node, ast.Import) for one in node.names}
    assert names <= sys.stdlib_module_names


def test_it_agrees_that_a_sound_bundle_is_sound(sound: Path) -> None:
    assert OPINION(str(sound)) == []


@pytest.mark.parametrize("name", list(FORGERIES))
def test_it_finds_a_forgery(sound: Path, tmp_path: Path, name: str) -> None:
    assert bool(OPINION(str(forged(sound, tmp_path / "b.zip", FORGERIES[name])))) == (name not in BEYOND)
