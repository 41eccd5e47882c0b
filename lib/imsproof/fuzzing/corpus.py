"""Where a campaign keeps what showed something new: a folder, or a database that several machines share.

Both are seen by later campaigns and by the other shards of this one. A database is one of Hypothesis' own
(``RedisExampleDatabase``), so that its searches keep their examples there too.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPIRES = timedelta(weeks=8)
"""How long a shared message is kept after it was last seen."""
SCHEMES = ("redis://", "rediss://", "unix://")


class Corpus(Protocol):
    """Messages to make others from."""

    @property
    def database(self) -> ExampleDatabase | None:
        """Where Hypothesis keeps its own examples, if anywhere."""

    def __iter__(self) -> Iterator[bytes]:
        """Go through what is kept, in an order that depends on the content alone."""

    def add(self, data: bytes) -> None:
        """Keep a message; again is harmless."""


class Folder:
    """A folder with a file a message (``*.bin``), named by its content."""

    def __init__(self, path: Path) -> None:
        """Make the folder where it is missing (``HarnessError``)."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HarnessError(f"the corpus' folder cannot be made: {error}") from error

    @property
    def database(self) -> ExampleDatabase:
        """A folder beside the messages."""
        return DirectoryBasedExampleDatabase(self.path / "hypothesis")

    def __iter__(self) -> Iterator[bytes]:
        """Go through the files by name."""
        return (path.read_bytes() for path in sorted(self.path.glob("*.bin")))

    def add(self, data: bytes) -> None:
        """Write a file, whole or not at all: another shard may read meanwhile."""
        path = self.path / f"{digest(data)}.bin"
        if path.exists():
            return
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)


class Shared:
    """A Hypothesis database: messages under one key a target."""

    def __init__(self, database: ExampleDatabase, target: str) -> None:
        """Use a database for one target."""
        self._database = database
        self._key = f"imsproof corpus {target}".encode()

    @property
    def database(self) -> ExampleDatabase:
        """The same database."""
        return self._database

    def __iter__(self) -> Iterator[bytes]:
        """Go through the messages in the order of their bytes."""
        return iter(sorted(self._database.fetch(self._key)))

    def add(self, data: bytes) -> None:
        """Save a message."""
        self._database.save(self._key, data)


def digest(data: bytes) -> str:
    """Name bytes."""
    return hashlib.sha256(data).hexdigest()[:10]


def open_corpus(where: str, target: str) -> Corpus:
    """Open a corpus: a folder, or ``redis://host:port/number`` (extra ``imsproof[redis]``).

    Raises:
        HarnessError: it cannot be had; the message says what to do.
    """
    if not where.startswith(SCHEMES):
        return Folder(Path(where))
    try:
        from hypothesis.extra.redis import RedisExampleDatabase  # noqa: PLC0415 - an extra
        from redis import Redis  # noqa: PLC0415 - the same
        from redis.exceptions import RedisError  # noqa: PLC0415 - the same
    except ImportError as error:
        raise HarnessError(f"a corpus in Redis needs: pip install 'imsproof[redis]' ({error})") from error
    client = Redis.from_url(where, socket_connect_timeout=3.0)
    try:
        client.ping()
    except RedisError as error:
        raise HarnessError(f"{where} is not answered: {error}") from error
    return Shared(RedisExampleDatabase(client, expire_after=EXPIRES), target)
