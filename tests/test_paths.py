"""Testcases and profiles are found, and every purpose of the catalogue has exactly one testcase."""

from __future__ import annotations

import ast
from collections import Counter

from imsproof import catalogue, paths


def test_the_folders_are_there() -> None:
    assert (paths.testcases() / "conftest.py").is_file()
    assert (paths.profiles() / "reference.yaml").is_file()


def test_reports_land_in_the_checkout_or_where_the_user_stands() -> None:
    assert paths.default_reports().name == "reports"


def test_no_testcase_is_outside_of_the_catalogue() -> None:
    """Ids in decorators are literals: one that the catalogue does not have would never run."""
    known = {one.id for one in catalogue.load()}
    found: Counter[str] = Counter()
    for file in paths.testcases().rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "purpose":
                found.update(str(one.value) for one in node.args if isinstance(one, ast.Constant))
    assert not set(found) - known
    assert not [name for name, number in found.items() if number > 1]
