"""Values that a schema forbids, one at a time, put into a body that it allows: Hypothesis draws them, derandomised.

The schema comes from the OpenAPI file that the profile gives for a producer, or is the built-in one of nmf-mrm.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from imsproof.actors.jsoncases import Body, JsonCase, changed
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

Schema = dict[str, Any]
KINDS = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
EXAMPLES = 3
"""Values drawn for each way to be wrong."""
MOST = 150
MAX_FILE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that the schema forbids.

    Attributes:
        where: the path to it.
        what: what is wrong.
        value: what stands there instead; ``...`` when it is left out.
        mandatory: the IE is mandatory, and so is all that it stands in.
    """

    where: tuple[str | int, ...]
    what: str
    value: Any
    mandatory: bool


def cases(schema: Schema, body: Body, root: Schema, folder: Path | None = None) -> list[JsonCase]:
    """Bodies that break a schema in one place each, at most :data:`MOST`.

    Args:
        schema: of the body.
        body: one that the lab takes.
        root: the document that references lead into.
        folder: where other files that are referred to lie.
    """
    found = list(Walk(root, folder).violations(schema, body, (), mandatory=True))
    step = max(1, -(-len(found) // MOST))
    return [
        JsonCase(
            f"{'/'.join(map(str, one.where))}: {one.what}",
            json.dumps(changed(body, one.where, one.value)).encode(),
            claimed=one.mandatory,
        )
        for one in found[::step]
    ]


class Walk:
    """Follows a schema along a body."""

    def __init__(self, root: Schema, folder: Path | None) -> None:
        """Resolve references in ``root``, and in files of ``folder``."""
        self._root = root
        self._folder = folder

    def resolved(self, schema: Schema) -> Schema:
        """Follow ``$ref``, and merge ``allOf``; alternatives that cannot be told apart become anything."""
        for _ in range(20):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            file, _, pointer = reference.partition("#")
            document = self._document(file) if file else self._root
            if file:
                return Walk(document, self._folder).resolved(_at(document, pointer))
            schema = _at(document, pointer)
        if "allOf" in schema:
            merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
            for part in map(self.resolved, schema["allOf"]):
                merged = {
                    **part,
                    **merged,
                    "properties": {**part.get("properties", {}), **merged.get("properties", {})},
                }
            schema = merged
        for alternatives in (schema.get("anyOf"), schema.get("oneOf")):
            enums = [self.resolved(one) for one in alternatives or ()]
            named = [one for one in enums if "enum" in one]
            if named and all(one.get("type") == "string" for one in enums):
                return {"type": "string"}  # 3GPP's extensible enumerations: any text fits
            if enums:
                return {}
        return schema

    def _document(self, name: str) -> Schema:
        if self._folder is None or Path(name).name != name:
            return {}
        return load(self._folder / name)

    def violations(
        self, schema: Schema, value: Any, where: tuple[str | int, ...], *, mandatory: bool
    ) -> Iterator[Violation]:
        """Yield what is wrong with a value, then with the values in it."""
        schema = self.resolved(schema)
        if where:
            for what, wrong in forbidden(schema):
                yield Violation(where, what, wrong, mandatory)
        if isinstance(value, dict):
            required = schema.get("required", [])
            for name, inner in value.items():
                needed = mandatory and name in required
                if needed:
                    yield Violation((*where, name), "missing", ..., mandatory=True)
                known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
                if isinstance(known, dict):
                    yield from self.violations(known, inner, (*where, name), mandatory=needed)
        elif isinstance(value, list) and value and isinstance(schema.get("items"), dict):
            yield from self.violations(schema["items"], value[0], (*where, 0), mandatory=mandatory)


def forbidden(schema: Schema) -> Iterator[tuple[str, Any]]:
    """Yield values that a schema forbids, each with what is wrong."""
    kind = schema.get("type")
    if kind in KINDS:
        for value in _other_kinds(str(kind)):
            yield f"{json.dumps(value)[:24]} instead of {kind}", value
    if "enum" in schema:
        for value in (one for one in _words() if one not in schema["enum"]):
            yield f"{value!r} is not in the enumeration", value
    if kind == "string" and "pattern" in schema:
        for value in (one for one in _noise() if not re.search(schema["pattern"], one)):
            yield f"{value!r} is not of the pattern", value
    yield from _out_of_bounds(schema)


def _out_of_bounds(schema: Schema) -> Iterator[tuple[str, Any]]:
    kind = schema.get("type")
    if kind == "integer" and "maximum" in schema:
        yield "above the maximum", int(schema["maximum"]) + 1
        yield "far above the maximum", 10**30
    if kind == "integer" and "minimum" in schema:
        yield "below the minimum", int(schema["minimum"]) - 1
    if kind == "array" and schema.get("minItems"):
        yield "empty", []
    if kind == "object" and schema.get("minProperties"):
        yield "empty", {}


@lru_cache(maxsize=16)
def _other_kinds(kind: str) -> tuple[Any, ...]:
    """Values that are not of a type."""
    others: dict[str, SearchStrategy[Any]] = {
        "string": st.text("abc", max_size=5),
        "integer": st.integers(-5, 5),
        "boolean": st.booleans(),
        "array": st.lists(st.integers(0, 3), max_size=2),
        "object": st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2),
    }
    allowed = {kind, "integer" if kind == "number" else kind}
    return drawn(st.one_of(*(strategy for name, strategy in others.items() if name not in allowed)))


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    """Words that no enumeration knows."""
    return drawn(st.text("XYZ", min_size=3, max_size=6))


@lru_cache(maxsize=1)
def _noise() -> tuple[str, ...]:
    """Text that fits few patterns."""
    return drawn(st.text("#%\n ", min_size=1, max_size=8))


def drawn(strategy: SearchStrategy[Any]) -> tuple[Any, ...]:
    """Draw some different values, the same ones each time."""
    values: dict[str, Any] = {}

    @settings(
        max_examples=20,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: Any) -> None:
        if len(values) < EXAMPLES:
            values.setdefault(f"{type(value).__name__}{json.dumps(value)}", value)

    draw()
    return tuple(values.values())


@lru_cache(maxsize=16)
def load(path: Path) -> Schema:
    """Read an OpenAPI file (``HarnessError`` when it cannot be read)."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise HarnessError(f"{path} is larger than {MAX_FILE} octets")
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise HarnessError(f"the OpenAPI file {path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise HarnessError(f"the OpenAPI file {path} holds no object")
    return value


def body_schema(document: Schema, method: str, path: str) -> Schema | None:
    """Find the schema of an operation's JSON body: the path template that the end of ``path`` fits."""
    walk = Walk(document, None)
    for template, operations in (document.get("paths") or {}).items():
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        operation = operations.get(method.lower()) if isinstance(operations, dict) else None
        if operation and re.search(f"{pattern}$", path.partition("?")[0]):
            content = walk.resolved(operation.get("requestBody", {})).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            return schema if isinstance(schema, dict) else None
    return None


def _at(document: Schema, pointer: str) -> Schema:
    value: Any = document
    for part in pointer.strip("/").split("/"):
        value = value.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(value, dict) else {}
    return value if isinstance(value, dict) else {}


NMF_MRM: Schema = {
    "type": "object",
    "required": ["terminations"],
    "properties": {
        "terminations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["medias"],
                "properties": {
                    "terminationId": {"type": "string"},
                    "medias": {"type": "array", "minItems": 1, "items": {"$ref": "#/media"}},
                },
            },
        }
    },
    "media": {
        "type": "object",
        "required": ["mediaId", "mediaResourceType"],
        "properties": {
            "mediaId": {"type": "string"},
            "mediaResourceType": {"type": "string"},
            "remoteMbEndpoint": {
                "type": "object",
                "required": ["ip", "transport", "portNumber"],
                "properties": {
                    "ip": {"type": "object", "properties": {"ipv4Addr": {"type": "string", "pattern": r"^[0-9.]+$"}}},
                    "transport": {"type": "string"},
                    "portNumber": {"type": "integer", "minimum": 0, "maximum": 65_535},
                },
            },
            "dcMedia": {
                "type": "object",
                "properties": {
                    "mediaProxyConfig": {"type": "string"},
                    "streams": {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {
                            "type": "object",
                            "properties": {"streamId": {"type": "integer", "minimum": 0, "maximum": 65_535}},
                        },
                    },
                    "securitySetup": {"type": "string"},
                    "remoteDcEndpoint": {
                        "type": "object",
                        "properties": {
                            "sctpPort": {"type": "integer", "minimum": 0, "maximum": 65_535},
                            "fingerprint": {"type": "string", "pattern": r"^[A-Z0-9-]+\s[0-9A-F]{2}(:[0-9A-F]{2})+"},
                            "tlsId": {"type": "string", "pattern": r"^[A-Za-z0-9+/_-]{20,255}$"},
                        },
                    },
                },
            },
        },
    },
}
"""MediaContext as TS 29.176 has it, as far as probes for data channels use it."""
