"""Hold the tests against the sources: ``lib/imsproof/codec/sip.py`` has ``tests/codec/test_sip.py``.

A module without a function (plain data, re-exports) needs no test of its own. A test file without a source is a
left-over, except in ``tests/whole/``, where the tests of whole commands live. Exit status 1 when something is missing.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
WHOLE = "whole"
"""Folder of tests that mirror no single module."""


def has_behaviour(source: str) -> bool:
    """Say whether a module defines a function or a method."""
    return any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(ast.parse(source)))


def wanted(root: Path) -> Iterator[tuple[Path, Path]]:
    """Walk over the modules with behaviour, each with the test file that it must have."""
    for folder, tests in ((root / "lib" / "imsproof", root / "tests"), (root / "tools", root / "tests" / "tools")):
        for path in sorted(folder.rglob("*.py")):
            if path.name not in {"__init__.py", "__main__.py"} and has_behaviour(path.read_text()):
                yield path, tests / path.relative_to(folder).with_name(f"test_{path.name}")


def left_over(root: Path) -> Iterator[Path]:
    """Walk over the test files that mirror nothing."""
    tests = root / "tests"
    for path in sorted(tests.rglob("test_*.py")):
        place = path.relative_to(tests)
        source = place.with_name(place.name.removeprefix("test_"))
        base = root if place.parts[0] == "tools" else root / "lib" / "imsproof"
        if place.parts[0] != WHOLE and not (base / source).is_file():
            yield path


def main(root: Path = ROOT) -> int:
    """Compare the two trees; print what is missing; return the exit status."""
    pairs = list(wanted(root))
    missing = [(source, test) for source, test in pairs if not test.is_file()]
    extra = list(left_over(root))
    for source, test in missing:
        print(f"{source.relative_to(root)}: no {test.relative_to(root)}")
    for path in extra:
        print(f"{path.relative_to(root)}: mirrors no module (tests of whole commands go to tests/{WHOLE}/)")
    print(f"mirror: {len(pairs)} modules, {len(missing)} without tests, {len(extra)} tests without a module")
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main())
