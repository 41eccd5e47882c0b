"""A bundle opened for reading, which may come from anybody: bounded, and with a finding for all that is odd."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections import Counter
from typing import IO, TYPE_CHECKING, TypeVar

from imsproof.evidence.bundle import CHUNK, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

MEMBERS = 100_000
TOTAL = 4 * 1024**3
"""Bytes of all members, unpacked."""
SMALL = 256 * 1024**2
"""Bytes of a member that is read as a whole."""
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Others can unpack to far more than 1032 times their size, which is deflate's own bound."""

BAD_ZIP = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""What reading a damaged, encrypted or oddly packed archive raises."""


class ArchiveError(ValueError):
    """The bundle cannot be read; the message says why."""


class Archive:
    """The members of a bundle, by name. ``odd`` says what is wrong with the archive itself."""

    def __init__(self, path: Path) -> None:
        """Open a bundle.

        Raises:
            ArchiveError: it is no zip file, or is beyond the limits.
        """
        try:
            self._zip = zipfile.ZipFile(path)
            infos = self._zip.infolist()
        except (*BAD_ZIP, ValueError) as error:
            raise ArchiveError(f"{path} is no readable zip file: {error}") from error
        if len(infos) > MEMBERS:
            raise ArchiveError(f"{path} holds {len(infos)} members; at most {MEMBERS} are read")
        if (total := sum(info.file_size for info in infos)) > TOTAL:
            raise ArchiveError(f"{path} unpacks to {total} bytes; at most {TOTAL} are read")
        self.odd = list(_odd(infos))
        self._infos = {info.filename: info for info in infos if not info.is_dir()}

    @property
    def names(self) -> list[str]:
        """The names of the members, folders left out."""
        return list(self._infos)

    def size(self, name: str) -> int:
        """Bytes of a member, unpacked; 0 when there is none."""
        return self._infos[name].file_size if name in self._infos else 0

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Return a member as a whole.

        Raises:
            ArchiveError: it is missing, damaged or too large.
        """
        info = self._infos.get(name)
        if info is None:
            raise ArchiveError(f"{name} is missing")
        if info.file_size > SMALL:
            raise ArchiveError(f"{name} unpacks to {info.file_size} bytes; at most {SMALL} are read")
        return self.using(name, lambda file: file.read())

    def using(self, name: str, action: Callable[[IO[bytes]], T]) -> T:
        """Return what ``action`` makes of an open member.

        Raises:
            ArchiveError: it is missing or damaged.
        """
        if name not in self._infos:
            raise ArchiveError(f"{name} is missing")
        if self._infos[name].compress_type not in METHODS:
            raise ArchiveError(f"{name} is neither stored nor deflated")
        try:
            with self._zip.open(self._infos[name]) as file:
                return action(file)
        except BAD_ZIP as error:
            raise ArchiveError(f"{name} cannot be unpacked: {error}") from error

    def hashes(self) -> Iterator[str]:
        """Hold every member against the manifest, and yield what does not agree."""
        try:
            listed = _manifest(self.read(MANIFEST))
        except ValueError as error:
            yield f"{MANIFEST}: {error}"
            return
        for name in sorted(set(self._infos) - set(listed) - {MANIFEST, f"{MANIFEST}.sig"}):
            yield f"{name} is not in the manifest"
        for name, (wanted, size) in sorted(listed.items()):
            if name not in self._infos:
                yield f"{name} is in the manifest and missing from the bundle"
                continue
            try:
                found = self.using(name, _sha256)
            except ArchiveError as error:
                yield str(error)
                continue
            if (self._infos[name].file_size, found) != (size, wanted):
                yield f"{name} is not the file of the manifest: SHA-256 is {found}, was {wanted}"


def _odd(infos: list[zipfile.ZipInfo]) -> Iterator[str]:
    for name, count in Counter(info.filename for info in infos).items():
        if count > 1:
            yield f"{name!r} stands {count} times in the archive"
    for info in infos:
        name = info.filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or ":" in parts[0] or ".." in parts or info.orig_filename != name:
            yield f"{name!r} is a path that leaves the bundle"
        if stat.S_ISLNK(info.external_attr >> 16):
            yield f"{name!r} is a symbolic link"
        if info.flag_bits & 1:
            yield f"{name!r} is encrypted"
        if info.compress_type not in METHODS:
            yield f"{name!r} is packed by method {info.compress_type}; only stored and deflated members are read"


def _manifest(data: bytes) -> dict[str, tuple[str, int]]:
    try:
        value = json.loads(data)
        if value["schema"] != 1:
            raise ValueError(f"schema {value['schema']!r} is not known")
        listed = {str(file["path"]): (str(file["sha256"]), int(file["bytes"])) for file in value["files"]}
        if len(listed) != len(value["files"]):
            raise ValueError("a path stands in it twice")
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"it has not the form of a manifest ({type(error).__name__} {error})") from error
    return listed


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
