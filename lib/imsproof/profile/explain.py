"""A validation error of pydantic, said as what was found and what is allowed."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from imsproof.profile.model import FORMAT_VERSION, Profile
from imsproof.profile.references import has_reference

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from imsproof.profile.problems import Location
    from imsproof.profile.yamltree import Tree

SECRETS = frozenset({"k", "op", "opc", "password", "pin", "psk", "top", "topc"})
"""Fields whose value is never shown."""


def explain(details: ErrorDetails, tree: Tree) -> tuple[Location, str, str]:
    """Return where the mistake is, what was found there, and what is allowed."""
    location = _location(details["loc"], tree.value)
    newer = location == ("imsproof",) and details["type"] == "less_than_equal"
    allowed = f"{FORMAT_VERSION}; a newer imsproof reads this profile" if newer else _allowed(details, location)
    return location, _found(details, location, tree), allowed


def follows(details: ErrorDetails, tree: Tree) -> bool:
    """Say whether the mistake only follows from others: a list counted as too short for its wrong entries."""
    if details["type"] != "too_short":
        return False
    value = tree.at(_location(details["loc"], tree.value))
    return isinstance(value, list) and len(value) > 0


def _location(steps: tuple[int | str, ...], value: Any) -> Location:
    """Drop the steps that pydantic adds for its own purposes (names of unions and of types)."""
    location: list[int | str] = []
    for position, step in enumerate(steps):
        inside = step in value if isinstance(value, dict) else isinstance(value, list) and step in range(len(value))
        if inside:
            value = value[step]
        elif position < len(steps) - 1 or not isinstance(value, dict):
            continue
        location.append(step)
    return tuple(location)


def _found(details: ErrorDetails, location: Location, tree: Tree) -> str:
    if details["type"] == "extra_forbidden":
        return "an unknown field"
    if SECRETS & set(location):
        return "a value that does not fit (not shown: a secret)"
    try:
        value = tree.at(location)
    except (LookupError, TypeError):
        value = None
    if isinstance(value, str):
        shown = repr(str(value)) if len(value) <= 80 else f"{str(value)[:77]!r}..."
        return f"{shown} (what it refers to does not fit)" if has_reference(value) else shown
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "fields" if isinstance(value, dict) else "nothing"


def _allowed(details: ErrorDetails, location: Location) -> str:
    message, context = details["msg"], details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            allowed = _choice(str(location[-1]), _fields(location[:-1]))
        case "literal_error":
            allowed = _choice(str(details["input"]), re.findall(r"'([^']*)'", message))
        case "missing":
            allowed = f"{_description(location)} (required)"
        case "value_error":
            allowed = message.removeprefix("Value error, ")
        case "string_pattern_mismatch":
            allowed = _description(location)
        case "too_short":
            allowed = f"at least {context.get('min_length')} entry"
        case "model_type" | "model_attributes_type":
            allowed = f"fields: {', '.join(_fields(location))}"
        case kind if kind.startswith("bool"):
            allowed = "true or false"
        case kind if kind.startswith("date"):
            allowed = f"a date as 2027-01-31. {_description(location)}"
        case _:
            allowed = message.replace("Input should be ", "").replace("tuple", "list")
    return allowed


def _choice(found: str, choices: list[str]) -> str:
    close = get_close_matches(found, choices, 1)
    return f"{', '.join(choices)}{f'; did you mean {close[0]}?' if close else ''}"


def _description(location: Location) -> str:
    while location and isinstance(location[-1], int):
        location = location[:-1]
    parent = _model_at(location[:-1])
    for name, info in parent.model_fields.items() if parent else ():
        if location and location[-1] in {name, info.alias}:
            return str(info.description).rstrip(".")
    return "a value"


def _fields(location: Location) -> list[str]:
    model = _model_at(location)
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def _model_at(location: Location) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Profile
    for step in location:
        if isinstance(step, int):
            continue
        annotations = (
            [info.annotation for name, info in model.model_fields.items() if step in {name, info.alias}]
            if model
            else []
        )
        model = next((found for annotation in annotations for found in _models_in(annotation)), None)
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models_in(argument)]
