"""Archives from anybody: read within bounds, with a finding for what is odd."""

from __future__ import annotations

import json
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest

from imsproof.evidence import archive
from imsproof.evidence.archive import Archive, ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pack(path: Path, **members: bytes) -> Path:
    """Write a zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x00" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """Empty, cut off, zeros, a directory that points nowhere."""
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(ArchiveError, match=r"b\.zip is no readable zip file"):
        Archive(tmp_path / "b.zip")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """There is no bundle."""
    with pytest.raises(ArchiveError, match="No such file"):
        Archive(tmp_path / "b.zip")


@pytest.mark.parametrize(
    ("name", "what"),
    [("/etc/passwd", "leaves"), ("../x", "leaves"), ("a/../../x", "leaves"), ("c:/x", "leaves"), ("a\\b", "leaves")],
)
def test_a_path_that_leaves_the_bundle_is_a_finding(tmp_path: Path, name: str, what: str) -> None:
    """Nothing is unpacked to disk; it is said all the same."""
    path = pack(tmp_path / "b.zip", **{name: b"x"})
    assert any(what in text for text in Archive(path).odd)


def test_links_duplicates_encryption_and_other_methods_are_findings(tmp_path: Path) -> None:
    """Each oddity has its own sentence."""
    path = tmp_path / "b.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
        warnings.simplefilter("ignore")
        file.writestr(link, b"/etc/passwd")
        file.writestr("twice", b"1")
        file.writestr("twice", b"2")
        file.writestr("packed", b"x" * 1000, zipfile.ZIP_BZIP2)
    opened = Archive(path)
    text = " ".join(opened.odd)
    for part in ("'link' is a symbolic link", "'twice' stands 2 times", "'packed' is packed by method 12"):
        assert part in text
    with pytest.raises(ArchiveError, match="neither stored nor deflated"):
        opened.read("packed")


def test_an_encrypted_member_is_a_finding_and_cannot_be_read(tmp_path: Path) -> None:
    """The flag is set by hand: zipfile writes no encryption."""
    path = pack(tmp_path / "b.zip", secret=b"x")
    data = bytearray(path.read_bytes())
    data[6:8] = struct.pack("<H", 1)
    at = data.index(b"PK\x01\x02")
    data[at + 8 : at + 10] = struct.pack("<H", 1)
    path.write_bytes(data)
    opened = Archive(path)
    assert opened.odd == ["'secret' is encrypted"]
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        opened.read("secret")


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many bytes in one member, in all, or too many members."""
    path = pack(tmp_path / "b.zip", big=bytes(10_000), small=b"x")
    monkeypatch.setattr(archive, "SMALL", 1000)
    with pytest.raises(ArchiveError, match="big unpacks to 10000 bytes; at most 1000"):
        Archive(path).read("big")
    monkeypatch.setattr(archive, "TOTAL", 5000)
    with pytest.raises(ArchiveError, match="unpacks to 10001 bytes"):
        Archive(path)
    monkeypatch.setattr(archive, "MEMBERS", 1)
    with pytest.raises(ArchiveError, match="holds 2 members"):
        Archive(path)


def test_a_member_larger_than_it_says_does_not_get_further(tmp_path: Path) -> None:
    """The size in the directory bounds what is unpacked; the lie is an error."""
    path = pack(tmp_path / "b.zip", lie=bytes(100_000))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="lie cannot be unpacked"):
        Archive(path).read("lie")


def manifest(**files: tuple[str, int]) -> bytes:
    """A manifest."""
    listed = [{"path": path, "sha256": digest, "bytes": size} for path, (digest, size) in files.items()]
    return json.dumps({"schema": 1, "files": listed}).encode()


X = ("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", 1)


@pytest.mark.parametrize(
    ("members", "finding"),
    [
        ({"a": b"x"}, "manifest.json: manifest.json is missing"),
        ({"a": b"x", "manifest.json": b"{"}, "manifest.json: "),
        ({"a": b"x", "manifest.json": b"[]"}, "has not the form of a manifest"),
        ({"a": b"x", "manifest.json": b'{"schema": 9, "files": []}'}, "schema 9 is not known"),
        ({"a": b"x", "manifest.json": manifest()}, "a is not in the manifest"),
        ({"manifest.json": manifest(a=X)}, "a is in the manifest and missing"),
        ({"a": b"y", "manifest.json": manifest(a=X)}, "a is not the file of the manifest"),
        ({"a": b"x", "manifest.json": manifest(a=(X[0], 2))}, "a is not the file of the manifest"),
    ],
)
def test_hashes_that_do_not_agree(tmp_path: Path, members: dict[str, bytes], finding: str) -> None:
    """Missing, added, changed: each is named."""
    found = list(Archive(pack(tmp_path / "b.zip", **members)).hashes())
    assert any(finding in text for text in found), found


def test_a_sound_archive_has_no_findings(tmp_path: Path) -> None:
    """Folders are no members."""
    opened = Archive(pack(tmp_path / "b.zip", **{"a": b"x", "manifest.json": manifest(a=X), "folder/": b""}))
    assert list(opened.hashes()) == []
    assert opened.odd == []
    assert opened.names == ["a", "manifest.json"]
    opened.close()


@pytest.mark.parametrize("damage", [lambda d: d[:-30], lambda d: d[:40] + b"\xff" * 20 + d[60:]])
def test_a_damaged_archive_never_gives_a_traceback(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Cut off or overwritten: an error with a sentence, or findings."""
    path = pack(tmp_path / "b.zip", a=bytes(range(256)) * 10)
    path.write_bytes(damage(path.read_bytes()))
    try:
        opened = Archive(path)
    except ArchiveError:
        return
    with pytest.raises(ArchiveError):
        opened.read("a")
