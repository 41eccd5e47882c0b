"""The lab's HTTP/1.1 server side."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.media.support import WAIT

from imsproof.lab.media.http1 import MAX_BODY, HttpError, Request, RequestReader, Response, serve

GOOD = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
PARSED = Request("POST", "/a", (("host", "x"), ("content-length", "4")), b"body")


@given(st.lists(st.integers(1, len(GOOD) * 2), max_size=6))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    reader, stream, found = RequestReader(), GOOD + GOOD, list[Request]()
    places = [0, *sorted(cuts), len(stream)]
    for start, end in pairwise(places):
        found += reader.feed(stream[start:end])
    assert found == [PARSED, PARSED]


@given(st.binary(max_size=300))
def test_any_bytes_are_requests_or_an_http_error(data: bytes) -> None:
    with contextlib.suppress(HttpError):
        list(RequestReader().feed(data + b"\r\n\r\n"))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /", 400),
        ("GET / HTTP/2.0", 505),
        ("G\u00e9T / HTTP/1.1", 400),
        ("GET / HTTP/1.1\r\nno colon", 400),
        ("GET / HTTP/1.1\r\nname : x", 400),
        ("GET / HTTP/1.1\r\nx: a\x00b", 400),
        ("GET / HTTP/1.1\r\n folded: x", 400),
        ("GET / HTTP/1.1\r\ncontent-length: -1", 400),
        ("GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1", 400),
        (f"GET / HTTP/1.1\r\ncontent-length: {MAX_BODY + 1}", 413),
        ("GET / HTTP/1.1\r\ntransfer-encoding: chunked", 501),
        ("GET / HTTP/1.1" + "\r\nx: y" * 65, 431),
    ],
)
def test_what_is_malformed_or_too_much_is_refused_with_its_status(head: str, status: int) -> None:
    with pytest.raises(HttpError) as raised:
        list(RequestReader().feed(f"{head}\r\n\r\n".encode("latin-1")))
    assert raised.value.response.status == status


def test_an_endless_head_is_refused_before_it_ends() -> None:
    reader = RequestReader()
    assert list(reader.feed(b"x" * 16_000)) == []
    with pytest.raises(HttpError, match="longer than"):
        list(reader.feed(b"x" * 1000))


def test_a_head_answer_has_the_length_but_not_the_body() -> None:
    data = Response(200, b"body", without_body=True).to_bytes()
    assert b"Content-Length: 4" in data
    assert data.endswith(b"\r\n\r\n")


def test_a_connection_is_served_until_it_sends_what_is_not_http() -> None:
    async def handler(request: Request) -> Response:
        return Response(200, request.target.encode())

    async def inner() -> None:
        server = await asyncio.start_server(lambda r, w: serve(r, w, handler), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\nnonsense\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), WAIT)
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert b"HTTP/1.1 400 Bad Request" in answer
        writer.close()
        server.close()

    asyncio.run(inner())
