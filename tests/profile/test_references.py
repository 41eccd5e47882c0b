from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.profile.kinds import Plain
from imsproof.profile.references import MAX_FILE, BrokenReferenceError, expand, expand_all, has_reference

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.profile.problems import Location


def test_a_variable_is_put_in_anywhere_in_a_text(tmp_path: Path) -> None:
    assert expand("${env:A}:50${env:B}", {"A": "192.0.2.1", "B": "60"}, tmp_path) == "192.0.2.1:5060"


def test_a_file_is_put_in_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("secret \r\n")
    assert expand("${file:s.txt}", {}, tmp_path) == "secret "
    assert expand(f"${{file:{tmp_path}/s.txt}}!", {}, tmp_path) == "secret !"


def test_what_was_put_in_is_not_searched_again(tmp_path: Path) -> None:
    assert expand("${env:A}", {"A": "${env:B}", "B": "x"}, tmp_path) == "${env:B}"


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_references_stays_as_it_is(text: str) -> None:
    assert not has_reference(text)


def test_an_empty_variable_is_an_empty_text(tmp_path: Path) -> None:
    assert expand("${env:A}", {"A": ""}, tmp_path) == ""


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("${env:NOPE}", "export NOPE="),
        ("${env:}", "export"),
        ("${file:gone}", "No such file"),
        ("${file:}", "Is a directory"),
        ("${file:a\x00b}", "not UTF-8|null"),
        ("${vault:x}", r"\$\{env:NAME\} or"),
        ("${file:binary}", "not UTF-8"),
        ("${file:big}", f"at most {MAX_FILE}"),
    ],
)
def test_a_reference_that_leads_nowhere_says_what_to_do(tmp_path: Path, text: str, allowed: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "big").write_text("x" * (MAX_FILE + 1))
    with pytest.raises(BrokenReferenceError) as caught:
        expand(text, {}, tmp_path)
    assert re.search(allowed, caught.value.allowed)


def test_a_tree_is_copied_with_every_reference_put_in_and_every_mistake_reported(tmp_path: Path) -> None:
    found: list[tuple[Location, str]] = []
    value = {"a": [Plain("${env:A}"), "${env:B}"], "c": None}
    expanded = expand_all(value, {"A": "1"}, tmp_path, lambda at, error: found.append((at, error.found)))
    assert expanded == {"a": ["1", "${env:B}"], "c": None}
    assert isinstance(expanded["a"][0], Plain)
    assert found == [(("a", 1), "${env:B}")]
