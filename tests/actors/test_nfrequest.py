"""What a request on the SBI is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.actors.keyed import keyed

from imsproof.actors.nfrequest import encoded, full_path, seconds_asked_for
from imsproof.link.subject import HttpAnswer

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.link.session import Session


def test_paths_are_below_the_producers_root(tmp_path: Path) -> None:
    producer = keyed(tmp_path).producers[0]
    assert full_path(producer, "/a") == "/root/a"
    assert full_path(producer, "/root/a") == "/root/a"
    assert full_path(producer, "https://other:1/x?y") == "/x?y"


def test_bodies_are_encoded_by_their_kind() -> None:
    assert encoded({"a": 1}) == (b'{"a": 1}', "application/json")
    assert encoded("{") == (b"{", "")
    assert encoded(None) == (b"", "")


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {"retry-after": "2"}, 2.0), (503, {}, None), (200, {"retry-after": "1"}, None)]
    + [(503, {"retry-after": text}, None) for text in ("86400", "Sat, 01 Jan 2028 00:00:00 GMT")],
)
def test_only_a_short_wait_is_kept_to(
    session: Session, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    answer = HttpAnswer(record=session.record, exchange="1:x", status=status, headers=tuple(headers.items()))
    assert seconds_asked_for(answer) == seconds
