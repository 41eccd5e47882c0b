"""Values that a schema forbids are put into a body one at a time, the same ones each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imsproof import paths
from imsproof.actors.openapi import OpenApi
from imsproof.actors.schemacases import cases, doubtful, forbidden

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
