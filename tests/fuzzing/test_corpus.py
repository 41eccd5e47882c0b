"""A corpus in a folder or in a database: what one campaign adds, another reads, in an order of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakeredis
import pytest
from hypothesis.extra.redis import RedisExampleDatabase

from imsproof.fuzzing.corpus import Folder, Shared, open_corpus
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.fuzzing.corpus import Corpus


def both(tmp_path: Path, server: fakeredis.FakeServer) -> list[Corpus]:
    redis = fakeredis.FakeRedis(server=server)
    return [Folder(tmp_path / "corpus"), Shared(RedisExampleDatabase(redis), "gm-sip")]


def test_what_one_adds_another_reads_once_and_in_the_same_order(tmp_path: Path) -> None:
    server = fakeredis.FakeServer()
    for first, second in zip(both(tmp_path, server), both(tmp_path, server), strict=True):
        for data in (b"b\x00\xff", b"a", b"b\x00\xff"):
            first.add(data)
        assert set(second) == {b"a", b"b\x00\xff"}
        assert list(first) == list(second)
        assert len(list(second)) == 2


def test_targets_do_not_share_a_corpus() -> None:
    database = RedisExampleDatabase(fakeredis.FakeRedis())
    Shared(database, "gm-sip").add(b"a")
    assert list(Shared(database, "dtls")) == []


def test_hypothesis_keeps_its_examples_in_the_same_place(tmp_path: Path) -> None:
    for corpus in both(tmp_path, fakeredis.FakeServer()):
        assert corpus.database is not None
        corpus.database.save(b"key", b"value")
        assert set(corpus.database.fetch(b"key")) == {b"value"}
        assert list(corpus) == []


def test_a_database_that_is_not_there_is_told() -> None:
    with pytest.raises(HarnessError, match="is not answered"):
        open_corpus("redis://127.0.0.1:1/0", "gm-sip")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot be made"):
        open_corpus(str(tmp_path / "file" / "corpus"), "gm-sip")
