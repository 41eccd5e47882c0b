"""Values that a schema forbids are put into a body one at a time, the same ones each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.actors import schemacases
from imsproof.actors.schemacases import NMF_MRM, Walk, body_schema, cases, forbidden, load
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

BODY: dict[str, Any] = {
    "terminations": [{"terminationId": "a", "medias": [{"mediaId": "m", "mediaResourceType": "DC"}]}]
}


def test_each_case_is_another_body_and_the_same_the_next_time() -> None:
    first = cases(NMF_MRM, BODY, NMF_MRM)
    assert first == cases(NMF_MRM, BODY, NMF_MRM)
    assert all(json.loads(case.body) != BODY for case in first)
    assert len({case.body for case in first}) == len(first)


def test_only_mandatory_values_are_claimed() -> None:
    claimed = {case.name.split(":")[0] for case in cases(NMF_MRM, BODY, NMF_MRM) if case.claimed}
    assert "terminations/0/medias/0/mediaId" in claimed
    assert "terminations/0/terminationId" not in claimed


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ({"type": "integer", "maximum": 7}, 8),
        ({"type": "integer", "minimum": 0}, -1),
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


def test_references_are_followed_into_other_files_and_extensible_enumerations_take_any_text(
    tmp_path: Path,
) -> None:
    (tmp_path / "common.yaml").write_text(
        "components: {schemas: {Port: {type: integer, maximum: 9}}}", encoding="utf-8"
    )
    root = {
        "a": {"allOf": [{"properties": {"x": {"type": "string"}}}, {"properties": {"y": {"type": "boolean"}}}]},
        "kind": {"anyOf": [{"type": "string", "enum": ["DC"]}, {"type": "string"}]},
    }
    walk = Walk(root, tmp_path)
    assert walk.resolved({"$ref": "common.yaml#/components/schemas/Port"}) == {"type": "integer", "maximum": 9}
    assert set(walk.resolved({"$ref": "#/a"})["properties"]) == {"x", "y"}
    assert walk.resolved({"$ref": "#/kind"}) == {"type": "string"}
    assert walk.resolved({"$ref": "../secrets.yaml#/x"}) == {}


def test_the_schema_of_an_operation_is_found_by_the_end_of_the_path() -> None:
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    document = {"paths": {"/contexts": {"post": {"requestBody": body}}, "/contexts/{id}": {"delete": {}}}}
    assert body_schema(document, "POST", "/nmf-mrm/v1/contexts?x=1") == {"type": "object"}
    assert body_schema(document, "POST", "/nmf-mrm/v1/other") is None
    assert body_schema(document, "DELETE", "/contexts/1") is None


def test_a_file_that_is_no_openapi_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    with pytest.raises(HarnessError, match="cannot be read"):
        load(file)
    file.write_text("- 1", encoding="utf-8")
    with pytest.raises(HarnessError, match="no object"):
        load(file)
    assert schemacases.MAX_FILE > 0
