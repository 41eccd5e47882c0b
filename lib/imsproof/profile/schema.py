"""The JSON schema of a profile, for editors and for other tools; generated from the model."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from imsproof.profile.kinds import REFERENCE
from imsproof.profile.model import Profile

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


class _Generator(GenerateJsonSchema):
    """Defaults that are bytes are written as the profile writes them, in hexadecimal."""

    def encode_default(self, dft: Any) -> Any:
        return dft.hex() if isinstance(dft, bytes) else super().encode_default(dft)

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> dict[str, Any]:
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}


def schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12). Where a number or a boolean stands, a reference may stand too."""
    generated = Profile.model_json_schema(schema_generator=_Generator)
    for definition in (generated, *generated["$defs"].values()):
        definition["properties"] = {name: _or_reference(item) for name, item in definition["properties"].items()}
    return generated


def text() -> str:
    """Return the schema as it stands in ``profiles/schema.json``."""
    return json.dumps(schema(), indent=2) + "\n"


def _or_reference(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("type") not in ("integer", "number", "boolean"):
        return item
    about: dict[str, Any] = {name: item[name] for name in ("title", "description", "default") if name in item}
    rule = {name: value for name, value in item.items() if name not in about}
    return {**about, "anyOf": [rule, {"type": "string", "pattern": REFERENCE}]}


if __name__ == "__main__":
    sys.stdout.write(text())
