"""Hostile JSON is made from a right body, and is what its name says."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from imsproof.actors import jsoncases
from imsproof.lab.sbi.jsonpatch import PatchError, apply_patch

BODY: dict[str, Any] = {"terminations": [{"medias": [{"mediaId": "m"}]}]}


def twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("twice")
    return dict(pairs)


def test_every_duplicate_is_json_but_for_the_duplicate() -> None:
    for case in jsoncases.duplicates(BODY):
        assert json.loads(case.body)
        with pytest.raises(ValueError, match="twice"):
            json.loads(case.body, object_pairs_hook=twice)


def test_sizes_and_leaves_pass_their_limits_and_only_those() -> None:
    (size,) = jsoncases.sizes(BODY)
    assert len(size.body) == jsoncases.MAX_BODY + 1
    assert json.loads(size.body) == BODY
    (many,) = jsoncases.leaves(BODY)
    assert len(many.body) <= jsoncases.MAX_BODY
    assert many.body.count(b":1") > jsoncases.MAX_LEAVES


def test_what_is_no_json_object_is_none() -> None:
    for case in jsoncases.syntax(BODY):
        if case.content_type != jsoncases.JSON_TYPE:
            continue
        try:
            value = json.loads(case.body, parse_constant=lambda _: 1 / 0)
        except (ValueError, ZeroDivisionError):
            continue
        assert not isinstance(value, dict)


def test_no_patch_applies_and_the_document_stays() -> None:
    document = json.loads(json.dumps(BODY))
    for name, patch in jsoncases.patches(document):
        with pytest.raises(PatchError):
            apply_patch(document, patch)
        assert document == BODY, name


def test_a_body_is_changed_in_a_copy() -> None:
    assert jsoncases.changed(BODY, ["terminations", 0, "medias", 0, "mediaId"], ...) == {
        "terminations": [{"medias": [{}]}]
    }
    assert jsoncases.changed(BODY, ["terminations"], 1) == {"terminations": 1}
    assert BODY["terminations"]


def test_an_object_is_found_by_its_name_wherever_it_stands() -> None:
    assert jsoncases.place_of("dcMedia", {"a": [{"b": 1}, {"dcMedia": {"c": 2}}]}) == ("a", 1, "dcMedia")
    assert jsoncases.place_of("dcMedia", {"dcMedia": "a text", "a": []}) is None


def test_compressed_bodies_are_small_and_unpack_to_too_much() -> None:
    found = {case.name: case for case in jsoncases.compressed(BODY)}
    bombs = [case for name, case in found.items() if case.coding == "gzip" and "unpacks" in name]
    assert all(len(case.body) < 1_000_000 for case in found.values())
    assert [len(gzip.decompress(case.body)) for case in bombs] == [jsoncases.MAX_BODY + 1]
    assert json.loads(gzip.decompress(found["the right body in gzip"].body)) == BODY
