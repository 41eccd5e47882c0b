"""OpenAPI files: operations by their paths, and references from file to file and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof import paths
from imsproof.actors.openapi import ALTERNATIVES, OpenApi
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

API = """
paths:
  /{any}: {post: {requestBody: {content: {text/plain: {schema: {type: string}}}}}}
  /things: {post: {requestBody: {$ref: 'below/bodies.yaml#/things'}}}
  /things/{id}: {delete: {}}
kind: {anyOf: [{type: string, enum: [DC]}, {type: string}]}
self: {oneOf: [{$ref: '#/self'}, {$ref: '#/self'}]}
either: {oneOf: [{type: object}, {type: array}]}
round: {$ref: '#/round'}
"""
BODIES = """
things: {content: {application/json; charset=utf-8: {schema: {$ref: '#/thing'}}}}
thing:
  allOf:
    - {properties: {kind: {$ref: '../api.yaml#/kind'}}, required: [kind]}
    - {properties: {port: {$ref: 'more/common.yaml#/port'}}, required: [port]}
"""


@pytest.fixture
def api(tmp_path: Path) -> OpenApi:
    (tmp_path / "below" / "more").mkdir(parents=True)
    (tmp_path / "api.yaml").write_text(API, encoding="utf-8")
    (tmp_path / "below" / "bodies.yaml").write_text(BODIES, encoding="utf-8")
    (tmp_path / "below" / "more" / "common.yaml").write_text("port: {$ref: '#/number'}\nnumber: {type: integer}")
    return OpenApi(tmp_path / "api.yaml")


def test_references_lead_from_file_to_file_and_back(api: OpenApi) -> None:
    schema = api.body_schema("POST", "/root/v1/things?x=1")
    assert schema is not None
    thing = api.resolved(schema)
    assert sorted(thing["required"]) == ["kind", "port"]
    assert api.resolved(thing["properties"]["port"]) == {"type": "integer"}
    assert api.resolved(thing["properties"]["kind"]) == {"type": "string"}


def test_operations_without_a_json_body_have_no_schema(api: OpenApi) -> None:
    assert api.body_schema("POST", "/v1/other") is None
    assert api.body_schema("DELETE", "/v1/things/1") is None
    assert api.body_schema("PATCH", "/v1/things") is None


def test_what_cannot_be_told_apart_is_anything(api: OpenApi) -> None:
    assert api.resolved({"$ref": "api.yaml#/either"}) == {ALTERNATIVES: [{"type": "object"}, {"type": "array"}]}
    assert api.resolved({"$ref": "api.yaml#/self"}) == {}, "nothing is known of what holds itself"
    assert "$ref" in api.resolved({"$ref": "api.yaml#/round"}), "a circle comes to an end"


def test_no_file_outside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("x: {type: integer}", encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "api.yaml").write_text("paths: {}", encoding="utf-8")
    assert OpenApi(tmp_path / "in" / "api.yaml").resolved({"$ref": "../secret.yaml#/x"}) == {}


def test_a_file_that_is_no_openapi_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    with pytest.raises(HarnessError, match="cannot be read"):
        OpenApi(file)
    file.write_text("- 1", encoding="utf-8")
    with pytest.raises(HarnessError, match="no object"):
        OpenApi(file)


def test_the_file_for_nmf_mrm_describes_the_probes_operation() -> None:
    known = OpenApi(paths.profiles() / "openapi" / "nmf-mrm.yaml")
    schema = known.body_schema("POST", "/nmf-mrm/v1/contexts")
    assert known.resolved(schema or {})["required"] == ["terminations"]
