from __future__ import annotations

import json
from base64 import b64decode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imsproof.profile.hook import (
    PLACEHOLDERS,
    AnswerPlace,
    Hook,
    HookError,
    HttpCall,
    fill,
    fill_command,
    fill_http,
    placeholder_like,
    placeholders,
    read_answer,
    texts,
)

SDP = "v=0\r\ns=-\r\n"


def call(**fields: Any) -> HttpCall:
    return HttpCall.model_validate({"url": "http://192.0.2.1:8080/offers", **fields})


def answer(text: str, **place: Any) -> str:
    return read_answer(AnswerPlace.model_validate(place), text).sdp


def test_the_forms_of_the_sdp_are_derived() -> None:
    values = placeholders(SDP, port=5004)
    assert json.loads(values["sdp_json"]) == SDP
    assert b64decode(values["sdp_base64"]).decode() == SDP
    assert values["port"] == "5004"


def test_a_value_for_an_unknown_placeholder_is_refused() -> None:
    with pytest.raises(HookError, match="colour"):
        placeholders(SDP, colour="red")


@given(st.text())
def test_text_without_known_placeholders_stays_as_it_is(text: str) -> None:
    if not set(placeholder_like(text)) & PLACEHOLDERS.keys():
        assert fill(text, {"port": "1"}) == text


def test_braces_around_anything_else_are_left_alone() -> None:
    assert fill("awk '{print $1}' {port} {}", {"port": "9"}) == "awk '{print $1}' 9 {}"


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert fill("{setup}", {"setup": "{port}", "port": "9"}) == "{port}"


def test_a_known_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(HookError, match="ice_pwd"):
        fill("{ice_pwd}", {})


def test_a_command_is_filled_in_word_by_word_so_that_no_value_splits() -> None:
    assert fill_command(["peer", "{sdp}", "--p={port}"], placeholders("a b; rm x", port=1)) == [
        "peer",
        "a b; rm x",
        "--p=1",
    ]


def test_a_text_body_is_sent_as_it_is() -> None:
    request = fill_http(call(body="offer={sdp}"), placeholders(SDP))
    assert (request.method, request.body) == ("POST", f"offer={SDP}".encode())
    assert request.headers == ()


def test_a_mapping_is_sent_as_json_with_its_texts_filled_in() -> None:
    request = fill_http(call(body={"offer": "{sdp}", "ports": ["{port}", 1], "x": True}), placeholders(SDP, port=7))
    assert json.loads(request.body) == {"offer": SDP, "ports": ["7", 1], "x": True}
    assert request.headers == (("content-type", "application/json"),)


def test_a_content_type_that_is_given_is_kept() -> None:
    request = fill_http(call(body={}, headers={"Content-Type": "application/x"}), placeholders(SDP))
    assert request.headers == (("Content-Type", "application/x"),)


def test_values_are_quoted_in_a_url() -> None:
    request = fill_http(call(url="http://192.0.2.1/o/{call_id}"), placeholders(SDP, call_id="a/b?c"))
    assert request.url.path == "/o/a%2Fb%3Fc"
    assert request.url.host == "192.0.2.1"


def test_a_line_break_in_a_header_is_an_error() -> None:
    with pytest.raises(HookError, match="x-offer"):
        fill_http(call(headers={"x-offer": "{sdp}"}), placeholders(SDP))


@pytest.mark.parametrize(
    ("where", "text", "found"),
    [
        ("whole", SDP, SDP),
        ("$.a.b[1].c", '{"a": {"b": [0, {"c": "x"}]}}', "x"),
        ("$['odd key']", '{"odd key": 7}', "7"),
        ("$", '"x"', "x"),
        ("(?s)v=0.*", f"log line\n{SDP}", SDP),
        (r"^port=(\d+)$", "a\nport=9\n", "9"),
    ],
)
def test_an_answer_is_found_where_the_profile_says(where: str, text: str, found: str) -> None:
    assert answer(text, sdp=where) == found


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("whole", " \n"),
        ("$.a", "not json"),
        ("$.a", "[" * 100_000),
        ("$.a", "[]"),
        ("$.a", '{"a": null}'),
        ("$.a", '{"a": true}'),
        ("$.a[0]", '{"a": {}}'),
        ("port=(.*)", "nothing"),
    ],
)
def test_an_answer_that_is_not_there_is_an_error_and_nothing_else(where: str, text: str) -> None:
    with pytest.raises(HookError, match="answer"):
        answer(text, sdp=where)


@pytest.mark.parametrize("where", ["$a", "$.a[", "$.a[x]", "$..a", "(["])
def test_a_place_that_makes_no_sense_is_refused_when_the_profile_is_loaded(where: str) -> None:
    with pytest.raises(ValidationError, match=r"JSON path|regular expression"):
        AnswerPlace.model_validate({"sdp": where})


FIELDS = {"address": "$.a", "port": "$.p", "setup": "$.s"}


def test_an_answer_may_come_as_single_values() -> None:
    place = AnswerPlace.model_validate({"fields": FIELDS})
    assert read_answer(place, '{"a": "::1", "p": 5000, "s": " active "}').fields == {
        "address": "::1",
        "port": "5000",
        "setup": "active",
    }


@pytest.mark.parametrize(
    "text",
    ['{"a": "lab", "p": 1, "s": "x"}', '{"a": "::1", "p": 0, "s": "x"}', '{"a": "::1", "p": "\\u0661", "s": "x"}'],
)
def test_single_values_are_checked(text: str) -> None:
    with pytest.raises(HookError, match="is not"):
        read_answer(AnswerPlace.model_validate({"fields": FIELDS}), text)


@given(st.text(), st.sampled_from(["whole", "$.a", "(a+)b"]))
def test_any_answer_is_read_or_named_wrong(text: str, where: str) -> None:
    with suppress(HookError):  # any other exception fails the test
        answer(text, sdp=where)


def test_every_template_of_a_hook_is_found() -> None:
    hook = Hook.model_validate(
        {
            "command": ["x", "{port}"],
            "release": {
                "http": {"url": "http://192.0.2.1/{call_id}", "headers": {"h": "{setup}"}, "body": {"a": "{sdp}"}}
            },
            "answer": {"sdp": "whole"},
        }
    )
    found = [name for text in texts(hook) for name in placeholder_like(text)]
    assert sorted(found) == ["call_id", "port", "sdp", "setup"]
