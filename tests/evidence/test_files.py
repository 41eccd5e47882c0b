"""Files appear whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.evidence.files import make_folder, write_atomic, write_json
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """The new content stands there, and nothing beside it."""
    path = tmp_path / "x"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_says_where_and_what_to_do(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(HarnessError, match=r"gone/x: No such file or directory; free space"):
        write_atomic(tmp_path / "gone" / "x", b"")


def test_a_folder_in_the_way_of_a_file(tmp_path: Path) -> None:
    """A folder cannot be made where a file stands."""
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(HarnessError, match="cannot write"):
        make_folder(tmp_path / "x")


def test_json_is_ascii_and_has_no_nan(tmp_path: Path) -> None:
    """Lone surrogates of hostile input are escaped; not-a-number is refused."""
    write_json(tmp_path / "x", {"a": "\ud800é"})
    assert (tmp_path / "x").read_bytes() == b'{\n "a": "\\ud800\\u00e9"\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "x", float("nan"))
