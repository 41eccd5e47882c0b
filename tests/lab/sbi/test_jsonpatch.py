"""JSON Patch: the examples of RFC 6902 appendix A in our own words, and what must not apply."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.lab.sbi.jsonpatch import PatchError, apply_patch


@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": 2}, {"a": 1, "b": 2}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"a": 1, "b": 2}, {"op": "remove", "path": "/a"}, {"b": 2}),
        ({"a": [1, 2]}, {"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"a": 1}, {"op": "replace", "path": "/a", "value": 2}, {"a": 2}),
        ({"a": [1]}, {"op": "replace", "path": "/a/0", "value": 2}, {"a": [2]}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2]}, {"op": "copy", "from": "/a/1", "path": "/a/0"}, {"a": [2, 1, 2]}),
        ({"a/b": 1, "m~n": 2}, {"op": "remove", "path": "/a~1b"}, {"m~n": 2}),
        ({"m~1": 1}, {"op": "test", "path": "/m~01", "value": 1}, {"m~1": 1}),
        ({"a": 1}, {"op": "replace", "path": "", "value": []}, []),
    ],
)
def test_operations_apply(document: Any, operation: dict[str, Any], expected: Any) -> None:
    before = copy.deepcopy(document)
    assert apply_patch(document, [operation]) == expected
    assert document == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/x"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "replace", "path": "/l/2", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/l/3", "value": 1},
        {"op": "add", "path": "/l/01", "value": 1},
        {"op": "add", "path": "/l/-1", "value": 1},
        {"op": "add", "path": f"/l/{'9' * 5000}", "value": 1},
        {"op": "remove", "path": "/l/-"},
        {"op": "move", "from": "/d", "path": "/d/e/f"},
        {"op": "copy", "from": "/x", "path": "/y"},
        {"op": "move", "path": "/y"},
        {"op": "test", "path": "/n", "value": True},
        {"op": "test", "path": "/l", "value": [1]},
        {"op": "add", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": 1, "value": 1},
        {"op": "eval", "path": "/a"},
        {"path": "/a"},
        "add",
    ],
)
def test_what_does_not_apply_changes_nothing(operation: Any) -> None:
    document = {"n": 1, "l": [1, 2], "d": {"e": {}}}
    before = copy.deepcopy(document)
    with pytest.raises(PatchError):
        apply_patch(document, [{"op": "add", "path": "/new", "value": 1}, operation])
    assert document == before


@pytest.mark.parametrize("patch", [None, {}, [], [{"op": "test", "path": "", "value": {}}] * 101])
def test_a_patch_is_a_bounded_list(patch: object) -> None:
    with pytest.raises(PatchError):
        apply_patch({}, patch)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


@given(VALUES, st.lists(st.fixed_dictionaries({"op": st.sampled_from(["add", "remove", "move"]), "path": st.text()})))
def test_any_patch_applies_or_is_refused_by_name(document: Any, patch: Any) -> None:
    before = json.dumps(document)
    with contextlib.suppress(PatchError):
        apply_patch(document, patch)
    assert json.dumps(document) == before


@given(VALUES, VALUES)
def test_what_was_added_can_be_read_and_removed(document: Any, value: Any) -> None:
    wrapped = {"d": document}
    added = apply_patch(wrapped, [{"op": "add", "path": "/n", "value": value}])
    patch = [{"op": "test", "path": "/n", "value": value}, {"op": "remove", "path": "/n"}]
    assert apply_patch(added, patch) == wrapped
