from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imsproof.profile import yamltree
from imsproof.profile.kinds import Plain
from imsproof.profile.yamltree import MAX_BYTES, MAX_DEPTH, MAX_VALUES, TreeError, decode, parse


def test_values_are_text_lists_and_mappings() -> None:
    tree = parse("a: 1\nb: [x, 'y']\nc: {d: ~, e: }\n")
    assert tree.value == {"a": "1", "b": ["x", "y"], "c": {"d": None, "e": None}}


@pytest.mark.parametrize("text", ["no", "0011223344556677", "1e3", "0x10", "2030-01-01", "1_000", "12:30:00"])
def test_no_text_changes_because_it_looks_like_something(text: str) -> None:
    assert parse(f"a: {text}").value["a"] == text


def test_only_scalars_without_quotes_are_plain() -> None:
    value = parse("a: 1\nb: '1'\nc: |\n  1\n").value
    assert [type(value[key]) for key in "abc"] == [Plain, str, str]


def test_a_quoted_null_is_text() -> None:
    assert parse("a: 'null'\nb: ''").value == {"a": "null", "b": ""}


def test_the_slower_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: 1\nb: [x, 'y', ~]\nc: |\n  1\n"
    fast = parse(text)
    monkeypatch.setattr(yamltree, "_LOADER", yaml.BaseLoader)
    slow = parse(text)
    assert (slow.value, slow.lines) == (fast.value, fast.lines)
    assert type(slow.value["a"]) is Plain


def test_each_location_knows_its_line() -> None:
    tree = parse("a: 1\nb:\n  - x\n  - c:\n      d: 5\n")
    assert [tree.line(at) for at in [("a",), ("b",), ("b", 0), ("b", 1, "c"), ("b", 1, "c", "d")]] == [1, 2, 3, 4, 5]


def test_a_location_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    tree = parse("a: 1\nb:\n  c: 1\n")
    assert tree.line(("b", "x", "y")) == 2
    assert tree.line(("z",)) == 1


def test_a_value_is_found_by_its_location() -> None:
    tree = parse("a: [{b: x}]")
    assert tree.at(("a", 0, "b")) == "x"
    with pytest.raises(LookupError):
        tree.at(("a", 1))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "first on line 1"),
        ("a: &x [1]\nb: *x\n", 2, "alias"),
        ("a: !!python/object:os.system x\n", 1, "tag"),
        ("a: !mine x\n", 1, "tag"),
        ("a: 1\n---\nb: 1\n", 2, "second document"),
        ("a: [1\nb: 2\n", 2, "expected"),
        ("a: 1\n b: 2\n", 2, "mapping values"),
        ("a: \x07\n", 1, "does not take"),
        ("{[a]: 1}", 1, "field's name"),
        ("? {a: 1}\n: 2\n", 1, "field's name"),
        ("a: '", 1, "quoted scalar"),
        ("a:\t- b\n", 1, "tab|cannot start|not allowed"),
    ],
)
def test_what_a_profile_does_not_need_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(TreeError, match=message) as caught:
        parse(text)
    assert caught.value.line == line
    assert caught.value.allowed


def test_depth_is_limited_without_recursion() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for text in ("[" * (MAX_DEPTH + 1), "[" * 100_000, "{a: " * 100_000):
        with pytest.raises(TreeError, match="levels"):
            parse(text)


def test_the_number_of_values_is_limited() -> None:
    with pytest.raises(TreeError, match="more than"):
        parse("[" + "x," * (MAX_VALUES + 1) + "]")


def test_text_is_utf8_with_or_without_a_mark() -> None:
    assert decode("\ufeffa: ü".encode()) == "a: ü"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: \xff", "line 2: byte 0xff"),
        ("a: 1".encode("utf-16"), "not UTF-8"),
        (b"a\n\x00", "line 2: a NUL"),
        (b"x" * (MAX_BYTES + 1), "bytes or more"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(TreeError, match=message):
        decode(data)


@given(st.text())
def test_any_text_is_a_tree_or_a_tree_error(text: str) -> None:
    try:
        value: Any = parse(text).value
    except TreeError:
        return
    assert value is None or isinstance(value, (str, list, dict))


@given(st.binary())
def test_any_bytes_are_text_or_a_tree_error(data: bytes) -> None:
    try:
        text = decode(data)
    except TreeError:
        return
    assert "\x00" not in text
