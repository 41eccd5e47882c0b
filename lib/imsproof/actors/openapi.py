"""An API's own OpenAPI files: which schema a request's body has, with references followed from file to file.

Only files in the folder of the first one are read. Source: OpenAPI 3.0 and 3.1 (reference object, schema object).
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

Schema = dict[str, Any]
MAX_FILE = 4 * 1024 * 1024
MOST_REFERENCES = 20


class OpenApi:
    """The API that an OpenAPI file describes.

    Args:
        file: the file; the others that it refers to lie beside or below it.
    """

    def __init__(self, file: Path) -> None:
        """Read the file (``HarnessError`` when it cannot be read)."""
        self._folder = file.resolve().parent
        self._name = file.name
        self._document = document(self._folder, self._name)

    def body_schema(self, method: str, path: str) -> Schema | None:
        """Find the schema of an operation's JSON body: the longest path template that the end of ``path`` fits."""
        templates = (self._document.get("paths") or {}).items()
        for template, operations in sorted(templates, key=lambda item: -len(_LITERAL.sub("", item[0]))):
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
            item = self.resolved(operations) if isinstance(operations, dict) else {}
            operation = item.get(method.lower())
            if isinstance(operation, dict) and re.search(f"{pattern}$", path.partition("?")[0]):
                content = self.resolved(operation.get("requestBody") or {}).get("content") or {}
                media = [value for name, value in content.items() if _JSON.match(name)]
                schema = media[0].get("schema") if media else None
                return schema if isinstance(schema, dict) else None
        return None

    def resolved(self, schema: Schema, within: frozenset[str] = frozenset()) -> Schema:
        """Follow ``$ref``, merge ``allOf``, and put alternatives that have types under :data:`ALTERNATIVES`."""
        references: set[str] = set()
        for _ in range(MOST_REFERENCES):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            if reference in within:
                return {}  # alternatives or parts that hold themselves
            references.add(reference)
            name, _, pointer = reference.partition("#")
            schema = _at(document(self._folder, name), pointer)
        within |= references
        if "allOf" in schema:
            schema = self._merged(schema, within)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                schema = self._alternatives(schema, word, within)
        return schema

    def _alternatives(self, schema: Schema, word: str, within: frozenset[str]) -> Schema:
        """Keep what holds beside the alternatives, and those that their types tell apart."""
        kinds = [self.resolved(one, within) for one in schema[word] or ()]
        own = {key: value for key, value in schema.items() if key != word}
        if any("enum" in one for one in kinds) and all(one.get("type") == "string" for one in kinds):
            return {"type": "string"}  # 3GPP's extensible enumerations: any text fits
        told = bool(kinds) and all(isinstance(one.get("type"), str) for one in kinds)
        return {**own, ALTERNATIVES: kinds} if told else own

    def _merged(self, schema: Schema, within: frozenset[str]) -> Schema:
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in (self.resolved(one, within) for one in schema["allOf"]):
            properties = {**part.get("properties", {}), **merged.get("properties", {})}
            required = [*part.get("required", []), *merged.get("required", [])]
            merged = {**part, **merged, "properties": properties, "required": required}
        return merged


ALTERNATIVES = "x-alternatives"
"""Where a resolved schema holds its alternatives, resolved, one of which a value must fit."""
_LITERAL = re.compile(r"\{[^}]*\}")
_JSON = re.compile(r"application/([\w.-]+\+)?json\b", re.IGNORECASE)


@lru_cache(maxsize=32)
def document(folder: Path, name: str) -> Schema:
    """Read a file of a folder, with every reference in it made to say its file; nothing for files outside of it.

    Raises:
        HarnessError: the file cannot be read, is too large, or holds no object.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        return {}
    try:
        if path.stat().st_size > MAX_FILE:
            raise HarnessError(f"{path} is larger than {MAX_FILE} octets")
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise HarnessError(f"the OpenAPI file {path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise HarnessError(f"the OpenAPI file {path} holds no object")
    anchored: Schema = _anchored(value, name)
    return anchored


def _anchored(value: Any, name: str) -> Any:
    """A copy of a value whose references begin with the file that they lead to, seen from the folder."""
    if isinstance(value, list):
        return [_anchored(one, name) for one in value]
    if not isinstance(value, dict):
        return value
    copied = {key: _anchored(item, name) for key, item in value.items()}
    reference = copied.get("$ref")
    if isinstance(reference, str):
        file, _, pointer = reference.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(name), file)) if file else name
        copied["$ref"] = f"{there}#{pointer}"
    return copied


def _at(value: Any, pointer: str) -> Schema:
    for part in filter(None, pointer.split("/")):
        value = value.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(value, dict) else {}
    return value if isinstance(value, dict) else {}
