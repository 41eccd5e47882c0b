"""Values that a schema forbids are put into a body one at a time, the same ones each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imsproof import paths
from imsproof.actors.openapi import OpenApi
from imsproof.actors.schemacases import cases, doubtful, forbidden, violations

BODY: dict[str, Any] = {
    "terminations": [{"terminationId": "a", "medias": [{"mediaId": "m", "mediaResourceType": "DC"}]}]
}


API = OpenApi(paths.profiles() / "openapi" / "nmf-mrm.yaml")
SCHEMA = API.body_schema("POST", "/contexts") or {}


def test_each_case_is_another_body_and_the_same_the_next_time() -> None:
    first = cases(SCHEMA, BODY, API)
    assert first == cases(SCHEMA, BODY, API)
    assert all(json.loads(case.body) != BODY for case in first)
    assert len({case.body for case in first}) == len(first)


def test_only_mandatory_values_are_claimed() -> None:
    claimed = {case.name.split(":")[0] for case in cases(SCHEMA, BODY, API) if case.claimed}
    assert "terminations/0/medias/0/mediaId" in claimed
    assert "terminations/0/terminationId" not in claimed


def test_schemas_of_other_files_count() -> None:
    media = BODY["terminations"][0]["medias"][0] | {"remoteMbEndpoint": {"ip": {}, "transport": "UDP", "portNumber": 9}}
    names = [case.name for case in cases(SCHEMA, {"terminations": [{"medias": [media]}]}, API)]
    assert any(name.endswith("portNumber: above the maximum") for name in names)


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ({"type": "integer", "maximum": 7}, 8),
        ({"type": "integer", "minimum": 0}, -1),
        ({"type": "number", "maximum": 1.5}, 2),
        ({"type": "string", "maxLength": 2}, "aaa"),
        ({"type": "string", "minLength": 1}, ""),
        ({"type": "array", "minItems": 1}, []),
        ({"type": "object", "minProperties": 1}, {}),
    ],
)
def test_bounds_are_passed_by_one(schema: dict[str, Any], wrong: object) -> None:
    assert wrong in [value for _, value in forbidden(schema)]


def test_no_forbidden_value_is_of_the_type_or_in_the_enumeration() -> None:
    assert not [value for _, value in forbidden({"type": "boolean"}) if isinstance(value, bool)]
    strings = [value for _, value in forbidden({"type": "string", "enum": ["XYZ"]}) if isinstance(value, str)]
    assert strings
    assert "XYZ" not in strings


def test_formats_and_unknown_members_are_doubtful() -> None:
    assert not [what for what, _ in forbidden({"type": "string", "format": "uuid"}) if "format" in what]
    assert list(doubtful({"type": "string", "format": "uuid"}, "x"))
    assert list(doubtful({"additionalProperties": False}, {"a": 1})) == [
        ("a member that is not known", {"a": 1, "imsproof": 1})
    ]


def test_a_pattern_that_python_cannot_read_forbids_nothing() -> None:
    values = [value for what, value in forbidden({"type": "string", "pattern": "(?<x"}) if "pattern" in what]
    assert values == []


def of_alternatives(schema: dict[str, Any], value: object) -> list[tuple[str, object, bool]]:
    body = {"x": value}
    whole = {"type": "object", "required": ["x"], "properties": {"x": schema}}
    found = violations(API, whole, body, (), mandatory=True)
    return [("/".join(map(str, one.where)), one.value, one.mandatory) for one in found if one.value is not ...]


def test_of_alternatives_only_what_none_allows_is_wrong() -> None:
    text_or_number = {"oneOf": [{"type": "string", "maxLength": 2}, {"type": "integer", "maximum": 9}]}
    values = [value for where, value, mandatory in of_alternatives(text_or_number, "a") if where == "x" and mandatory]
    assert "aaa" in values
    assert any(isinstance(one, dict | list | bool) for one in values)
    assert not [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    assert not [one for one in values if isinstance(one, str) and len(one) <= 2]
    assert 10 in [value for _, value, _ in of_alternatives(text_or_number, 3)]


def test_in_an_alternative_members_are_looked_at_and_those_of_one_kind_are_not_told_apart() -> None:
    inner = {"type": "object", "required": ["port"], "properties": {"port": {"type": "integer", "maximum": 9}}}
    assert ("x/port", 10, True) in of_alternatives({"anyOf": [inner, {"type": "array"}]}, {"port": 1})
    wheres = {where for where, _, _ in of_alternatives({"anyOf": [inner, {"type": "object"}]}, {"port": 1})}
    assert wheres == {"x"}


def test_what_stands_beside_alternatives_holds_too() -> None:
    narrowed = {"type": "object", "properties": {"a": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {}]}
    assert "x/a" in {where for where, _, _ in of_alternatives(narrowed, {"a": "b"})}
