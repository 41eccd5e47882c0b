"""Answers on a data channel: whole or not, in chunks, and not HTTP at all. The rest is seen with the reference lab."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.actors import dchttp

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-One:  1 \r\n\r\n"


def test_a_request_is_written_as_it_is() -> None:
    written = dchttp.request_head("GET", "/../x", "h", [("A", "b")])
    assert written.startswith(b"GET /../x HTTP/1.1\r\nHost: h\r\n")
    assert written.endswith(b"\r\nAccept-Encoding: identity\r\nA: b\r\n\r\n")


@pytest.mark.parametrize(
    ("received", "whole"),
    [
        (b"", False),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nab", True),
        (CHUNKED + b"2\r\nab\r\n", False),
        (CHUNKED + b"2\r\nab\r\n0\r\n", False),
        (CHUNKED + b"2\r\nab\r\n0\r\n\r\n", True),
        (CHUNKED + b"2\r\nab\r\n0\r\nX-Sum: 1\r\n", False),
        (CHUNKED + b"2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n\r\n", True),
    ],
)
def test_the_end_of_an_answer_is_known_by_its_length(received: bytes, whole: bool) -> None:
    assert dchttp.is_whole(received) is whole


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
def test_chunks_are_put_together(parts: list[bytes]) -> None:
    body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in parts)
    status, headers, found = dchttp.read_answer(CHUNKED + body + b"0\r\n\r\n")
    assert (status, found) == (200, b"".join(parts))
    assert headers[1] == ("x-one", "1")


def test_the_final_answer_counts_and_not_an_interim_one() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert dchttp.read_answer(hints * 2 + b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nc") == (200, (("a", "b"),), b"c")


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(received: bytes) -> None:
    dchttp.is_whole(received)
    try:
        dchttp.read_answer(received)
    except ValueError as error:
        assert "HTTP" in str(error)  # noqa: PT017 - any other error is a defect
