"""A system that was not made for us, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(module: str, *words: str) -> Iterator[str]:
    """Run a module of ``tests/whole`` and yield its first line, which says where it serves; end it afterwards."""
    command = [sys.executable, "-m", f"tests.whole.{module}", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.terminate()
