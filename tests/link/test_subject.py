"""Subjects: the convenience fields of answers."""

from __future__ import annotations

from imsproof.link.subject import Exchange, HttpAnswer
from imsproof.seams import Record, Subject


def answer(**fields: object) -> HttpAnswer:
    return HttpAnswer(record=Record("T"), exchange="1:X", **fields)  # type: ignore[arg-type]


def test_every_exchange_is_a_subject_for_the_judge() -> None:
    assert isinstance(Exchange(record=Record("T"), exchange="1:X"), Subject)


def test_only_2xx_is_ok() -> None:
    assert [answer(status=status).ok for status in (0, 199, 200, 204, 299, 300, 401)] == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_headers_are_found_whatever_their_case() -> None:
    assert answer(headers=(("location", "/a"),)).header("Location") == "/a"
    assert answer().header("Location") is None


def test_a_body_that_is_no_json_is_none_and_deep_nesting_too() -> None:
    assert answer(body=b'{"a": 1}').json() == {"a": 1}
    assert answer(body=b"\xff{").json() is None
    assert answer(body=b"[" * 100_000).json() is None
