"""Writing files so that a reader never sees half of one, and a full disk ends in one clear sentence."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` beside ``path`` and rename it into place.

    A process killed at any moment leaves the former file or the new one, never half of one.

    Raises:
        HarnessError: the file cannot be written (full disk, permission, folder gone).
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value with an indent of one blank, atomically (see :func:`write_atomic`)."""
    write_atomic(path, json_text(value).encode("ascii") + b"\n")


def json_text(value: Any) -> str:
    """Return a JSON value as files hold it: ASCII, an indent of one blank (``ValueError`` for what is no JSON)."""
    return json.dumps(value, indent=1, allow_nan=False)


def make_folder(path: Path) -> Path:
    """Make a folder with its parents, and return it.

    Raises:
        HarnessError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, error: OSError) -> HarnessError:
    """Return the error to raise when ``path`` could not be written: what, where, and what to do."""
    why = error.strerror or str(error)
    return HarnessError(f"cannot write {path}: {why}; free space or choose another place with --out")
