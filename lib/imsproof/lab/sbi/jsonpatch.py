"""JSON Patch (RFC 6902) on a copy: either every operation applies, or nothing changes."""

from __future__ import annotations

import copy
from typing import Any

MAX_OPERATIONS = 100
MAX_VALUES = 10_000
"""Values that copies and additions may add in one patch: copies of copies grow without measure."""
OPERATIONS = {"add", "remove", "replace", "move", "copy", "test"}


class PatchError(ValueError):
    """The patch is not well formed or does not apply.

    Attributes:
        partial: what the operations before the failed one made of the document.
    """

    partial: Any = None


def apply_patch(document: Any, patch: object, *, bounded: bool = True) -> Any:
    """Return a patched copy of ``document``; not ``bounded``: operations that fail are passed over.

    Raises:
        PatchError: the patch is no list of operations, or one of them fails.
    """
    if not isinstance(patch, list) or not 1 <= len(patch) <= MAX_OPERATIONS:
        raise PatchError(f"a patch is a list of 1 to {MAX_OPERATIONS} operations")
    root = {"": copy.deepcopy(document)}
    room = MAX_VALUES
    for operation in patch:
        try:
            room -= _apply(root, operation, room)
        except PatchError as error:
            if bounded:
                error.partial = root[""]
                raise
    return root[""]


def _apply(root: dict[str, Any], operation: object, room: int) -> int:
    """Apply one operation and return how many values it handled, which are at most ``room``."""
    if not isinstance(operation, dict) or operation.get("op") not in OPERATIONS:
        raise PatchError("an operation has no known op")
    path, name = _pointer(operation, "path"), operation["op"]
    if name in {"add", "replace", "test"} and "value" not in operation:
        raise PatchError(f"{name} has no value")
    if name == "test":
        if not _same(_get(root, path), operation["value"]):
            raise PatchError("a test does not hold")
    elif name == "remove":
        _remove(root, path)
    elif name == "replace":
        _get(root, path)
        _put(root, path, copy.deepcopy(operation["value"]), insert=False)
    elif name == "add":
        _put(root, path, copy.deepcopy(operation["value"]), insert=True)
    else:
        source = _pointer(operation, "from")
        value = copy.deepcopy(_fitting(_get(root, source), room))
        if name == "move":
            if path[: len(source)] == source and path != source:
                raise PatchError("a value cannot be moved into itself")
            _remove(root, source)
        _put(root, path, value, insert=True)
        return _count(value)
    return _count(_fitting(operation.get("value"), room))


def _fitting(value: Any, room: int) -> Any:
    """Return a value that there is room for."""
    if _count(value) > room:
        raise PatchError(f"a patch may add {MAX_VALUES} values at most")
    return value


def _count(value: object) -> int:
    """Count the values in a value, itself included."""
    count, level = 0, [value]
    while level:
        count += len(level)
        objects = [list(one.values()) if isinstance(one, dict) else one for one in level]
        level = [inner for one in objects if isinstance(one, list) for inner in one]
    return count


def _pointer(operation: dict[str, Any], name: str) -> list[str]:
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchError(f"{name} is not a JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in ("" + text).split("/")]


def _get(root: Any, path: list[str]) -> Any:
    value = root
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list):
            value = value[_index(part, len(value) - 1)]
        else:
            raise PatchError("the path leads nowhere")
    return value


def _put(root: dict[str, Any], path: list[str], value: Any, *, insert: bool) -> None:
    parent, last = _get(root, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif not isinstance(parent, list):
        raise PatchError("the path leads nowhere")
    elif not insert:
        parent[_index(last, len(parent) - 1)] = value
    else:
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)


def _remove(root: dict[str, Any], path: list[str]) -> None:
    if path == [""]:
        raise PatchError("the whole document cannot be removed")
    _get(root, path)
    parent = _get(root, path[:-1])
    del parent[_index(path[-1], len(parent) - 1) if isinstance(parent, list) else path[-1]]


def _index(text: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or (len(text) > 1 and text[0] == "0"):
        raise PatchError("not an index of an array")
    if int(text) > highest:
        raise PatchError("the index is out of bounds")
    return int(text)


def _same(left: object, right: object) -> bool:
    """Compare as JSON does: ``True`` is not ``1``."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right
