"""Requests, routing, and the rules for JSON bodies."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.lab.sbi.messages import JSON, Peer, Refused, Request, Response, Router, json_response
from imsproof.lab.sbi.policy import SbiPolicy

POLICY = SbiPolicy()


def request(body: bytes = b"", content_type: str = JSON, *, method: str = "POST", path: str = "/") -> Request:
    return Request(method, path, "", (("content-type", content_type),), body, Peer("127.0.0.1"))


def refusal(body: bytes, policy: SbiPolicy = POLICY, content_type: str = JSON) -> int:
    with pytest.raises(Refused) as caught:
        request(body, content_type).json(policy)
    return caught.value.response.status


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s, max_size=4)))
def test_ordinary_json_is_taken(value: object) -> None:
    assert request(json.dumps(value).encode()).json(POLICY) == value


def test_a_member_given_twice_is_refused_unless_the_policy_lets_it() -> None:
    assert refusal(b'{"a":{"b":1,"b":1}}') == 400
    lenient = dataclasses.replace(POLICY, reject_duplicate_members=False)
    assert request(b'{"a":1,"a":2}').json(lenient) == {"a": 2}


def test_depth_is_bounded() -> None:
    assert request(nested(32)).json(POLICY)
    assert refusal(nested(33)) == 400
    assert refusal(nested(500_000)) == 400


def test_leaves_are_bounded() -> None:
    few = dataclasses.replace(POLICY, max_json_leaves=3)
    assert request(b"[1,2,[3]]").json(few) == [1, 2, [3]]
    assert refusal(b'{"a":[1,2],"b":[3,4]}', few) == 400


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[Infinity]", b"\xff\xfe", b"1" * 5000, b"{} {}"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refusal(body) == 400


def test_another_content_type_is_refused() -> None:
    assert refusal(b"{}", content_type="text/plain") == 415
    assert request(b"{}", "Application/JSON; charset=utf-8").json(POLICY) == {}


def test_an_array_is_no_object() -> None:
    with pytest.raises(Refused):
        request(b"[]").json_object(POLICY)


def test_headers_are_found_in_order() -> None:
    two = Request("GET", "/", "", (("a", "1"), ("b", "2"), ("a", "3")), b"", Peer("127.0.0.1"))
    assert (two.header("a"), two.header("c"), two.header_values("a")) == ("1", None, ["1", "3"])


def test_a_peer_with_two_identities_has_none() -> None:
    assert Peer("127.0.0.1", instance_ids=("a",)).instance_id == "a"
    assert Peer("127.0.0.1", instance_ids=("a", "b")).instance_id == ""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/a/x%2Fy/b", 200),
        ("PUT", "/a/x/b", 405),
        ("GET", "/a//b", 404),
        ("GET", "/a/x/b/", 404),
        ("GET", "/", 404),
        ("GET", "*", 404),
    ],
)
def test_routes_capture_segments(method: str, path: str, status: int) -> None:
    router = Router()

    async def handler(_: Request, captured: str) -> Response:
        return json_response(200, captured)

    router.add("GET", "/a/{id}/b", handler)
    answer = asyncio.run(router(request(method=method, path=path)))
    assert answer.status == status
    if status == 200:
        assert json.loads(answer.body) == "x/y"
    if status == 405:
        assert ("allow", "GET") in answer.headers
