"""Values that a schema forbids, one at a time, put into a body that it allows: Hypothesis draws them, derandomised."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from imsproof.actors.jsoncases import Body, JsonCase, changed
from imsproof.actors.openapi import ALTERNATIVES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from imsproof.actors.openapi import OpenApi, Schema

KINDS = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
FORMATS = frozenset({"uuid", "uri", "date-time", "date", "ipv4", "ipv6", "byte", "email", "hostname"})
EXAMPLES = 3
"""Values drawn for each way to be wrong."""
MOST = 150
LONGEST = 100_000
"""Characters and entries that are sent to pass a maximum, at most."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that the schema forbids.

    Attributes:
        where: the path to it.
        what: what is wrong.
        value: what stands there instead; ``...`` when it is left out.
        mandatory: the IE is mandatory, and so is all that it stands in, and that it is wrong is beyond doubt.
    """

    where: tuple[str | int, ...]
    what: str
    value: Any
    mandatory: bool


def cases(schema: Schema, body: Body, api: OpenApi) -> list[JsonCase]:
    """Bodies that break a schema in one place each, at most :data:`MOST`.

    Args:
        schema: of the body.
        body: one that the lab takes.
        api: where references are followed.
    """
    found = list(violations(api, schema, body, (), mandatory=True))
    step = max(1, -(-len(found) // MOST))
    return [
        JsonCase(
            f"{'/'.join(map(str, one.where))}: {one.what}",
            json.dumps(changed(body, one.where, one.value)).encode(),
            claimed=one.mandatory,
        )
        for one in found[::step]
    ]


def violations(
    api: OpenApi, schema: Schema, value: Any, where: tuple[str | int, ...], *, mandatory: bool
) -> Iterator[Violation]:
    """Yield what is wrong with a value, then with the values in it."""
    schema = api.resolved(schema)
    if alternatives := schema.get(ALTERNATIVES):
        yield from _of_none(api, alternatives, value, where, mandatory=mandatory)
    if where:
        for what, wrong in forbidden(schema):
            yield Violation(where, what, wrong, mandatory)
        for what, wrong in doubtful(schema, value):
            yield Violation(where, what, wrong, mandatory=False)
    if isinstance(value, dict):
        required = schema.get("required", [])
        for name, inner in value.items():
            needed = mandatory and name in required
            if needed:
                yield Violation((*where, name), "missing", ..., mandatory=True)
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if isinstance(known, dict):
                yield from violations(api, known, inner, (*where, name), mandatory=needed)
    elif isinstance(value, list) and value and isinstance(schema.get("items"), dict):
        yield from violations(api, schema["items"], value[0], (*where, 0), mandatory=mandatory)


def _of_none(
    api: OpenApi, alternatives: list[Schema], value: Any, where: tuple[str | int, ...], *, mandatory: bool
) -> Iterator[Violation]:
    """Yield what no alternative allows: other kinds, and what is wrong in the only one of the value's kind."""
    kinds = [one["type"] for one in alternatives]
    if where and all(kind in KINDS for kind in kinds):
        for wrong in (one for one in _other_kinds(kinds[0]) if not any(_is_of(kind, one) for kind in kinds)):
            yield Violation(where, f"{json.dumps(wrong)[:24]} instead of {' or '.join(kinds)}", wrong, mandatory)
    fitting = [one for one in alternatives if _is_of(one["type"], value)]
    if len(fitting) == 1:
        for found in violations(api, fitting[0], value, where, mandatory=mandatory):
            if found.where != where or _is_of(fitting[0]["type"], found.value):
                yield found


def _is_of(kind: str, value: Any) -> bool:
    """Whether a value is of a type of JSON Schema."""
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if kind == "number":
        return isinstance(value, int | float)
    return isinstance(value, KINDS.get(kind, ()))


def forbidden(schema: Schema) -> Iterator[tuple[str, Any]]:
    """Yield values that a schema forbids, each with what is wrong."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind in KINDS:
        for value in _other_kinds(kind):
            yield f"{json.dumps(value)[:24]} instead of {kind}", value
    if "enum" in schema:
        for value in (one for one in _words() if one not in schema["enum"]):
            yield f"{value!r} is not in the enumeration", value
    if kind == "string" and "pattern" in schema:
        for value in (one for one in _noise() if not _fits(schema["pattern"], one)):
            yield f"{value!r} is not of the pattern", value
    yield from _out_of_bounds(schema)


def doubtful(schema: Schema, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield values that a lab may take all the same: formats are notes to the reader, unknown members are let pass."""
    if schema.get("type") == "string" and schema.get("format") in FORMATS:
        for text in _noise():
            yield f"{text!r} is not of the format {schema['format']}", text
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        yield "a member that is not known", {**value, "imsproof": 1}


def _fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern; one that Python cannot read fits everything."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


def _out_of_bounds(schema: Schema) -> Iterator[tuple[str, Any]]:
    kind = schema.get("type")
    if kind in ("integer", "number") and "maximum" in schema:
        yield "above the maximum", int(schema["maximum"]) + 1
        yield "far above the maximum", 10**30
    if kind in ("integer", "number") and "minimum" in schema:
        yield "below the minimum", int(schema["minimum"]) - 1
    if kind == "string" and 0 <= schema.get("maxLength", -1) < LONGEST:
        yield "longer than the maximum", "a" * (schema["maxLength"] + 1)
    if kind == "string" and schema.get("minLength"):
        yield "empty", ""
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
