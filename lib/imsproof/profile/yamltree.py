"""YAML text to plain values, keeping the line of each, and taking only what a profile needs.

Built on the parser's flat stream of events, so that hostile input meets limits instead of recursion. Every scalar
stays text: a key of 32 digits is not a number, ``no`` is not a boolean; the model decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from imsproof.profile.kinds import Plain

if TYPE_CHECKING:
    from imsproof.profile.problems import Location

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 50_000

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = {"", "~", "null", "Null", "NULL"}


class TreeError(ValueError):
    """The text is not a profile's YAML. ``line`` is from 1, or 0; ``found`` and ``allowed`` as in a Problem."""

    def __init__(self, line: int, found: str, allowed: str) -> None:
        super().__init__(f"line {line}: {found}")
        self.line = line
        self.found = found
        self.allowed = allowed


@dataclass(slots=True)
class Tree:
    """The values, and for each location its line (from 1)."""

    value: Any = None
    lines: dict[Location, int] = field(default_factory=dict)

    def line(self, location: Location) -> int:
        """Line of the location, or of the nearest part around it."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.lines:
                return self.lines[location[:length]]
        return 0

    def at(self, location: Location) -> Any:
        """Value at a location (``LookupError`` or ``TypeError`` when there is none)."""
        value = self.value
        for step in location:
            value = value[step]
        return value


def decode(data: bytes) -> str:
    """Turn the file's bytes into text.

    Raises:
        TreeError: too large, not UTF-8, or binary.
    """
    if len(data) > MAX_BYTES:
        raise TreeError(0, f"{len(data)} bytes or more", f"a profile of at most {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TreeError(line, f"byte 0x{data[error.start]:02x}, which is not UTF-8", "UTF-8 text") from None
    if (nul := text.find("\x00")) >= 0:
        raise TreeError(text.count("\n", 0, nul) + 1, "a NUL byte", "UTF-8 text, not a binary file")
    return text


def parse(text: str) -> Tree:
    """Read one YAML document.

    Raises:
        TreeError: not YAML, or YAML that a profile does not need (aliases, tags, two documents, duplicate fields),
            or too deep or too many values.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f" ({error.context})" if error.context else ""
        raise TreeError(mark.line + 1 if mark else 0, f"broken YAML: {error.problem}{context}", "YAML") from None
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise TreeError(line, f"a character that YAML does not take ({_first_line(error)})", "YAML") from None
    return builder.tree


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:100]


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being filled."""

    value: dict[str, Any] | list[Any]
    location: Location
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    tree: Tree = field(default_factory=Tree)
    stack: list[_Open] = field(default_factory=list)
    documents: int = 0
    values: int = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise TreeError(line, f"an alias (*{event.anchor})", "the value written out; aliases are not taken")
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise TreeError(line, "a second document (---)", "one document")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, line)

    def _node(self, event: yaml.NodeEvent, line: int) -> None:
        tag = getattr(event, "tag", None)
        if tag not in {None, "!"}:
            raise TreeError(line, f"a tag ({tag})", "plain values; tags are not taken")
        self.values += 1
        if self.values > MAX_VALUES:
            raise TreeError(line, f"more than {MAX_VALUES} values", f"at most {MAX_VALUES} values")
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, line)
            return
        location: Location = ()
        if top is not None:
            location = (*top.location, len(top.value) if isinstance(top.value, list) else str(top.key))
        value = _value(event)
        # The line of a mapping's value is the line of its key, where a reader looks for it.
        self.tree.lines.setdefault(location, line)
        if top is None:
            self.tree.value = value
        elif isinstance(top.value, list):
            top.value.append(value)
        else:
            top.value[str(top.key)] = value
            top.key = None
        if isinstance(value, (dict, list)):
            if len(self.stack) >= MAX_DEPTH:
                raise TreeError(line, f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH} levels")
            self.stack.append(_Open(value, location))

    def _key(self, top: _Open, event: yaml.NodeEvent, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise TreeError(line, "a list or mapping as a field's name", "text as a field's name")
        if event.value in top.value:
            first = self.tree.lines[(*top.location, event.value)]
            raise TreeError(line, f"{event.value} a second time (first on line {first})", "each field once")
        top.key = event.value
        self.tree.lines[(*top.location, event.value)] = line


def _value(event: yaml.NodeEvent) -> Any:
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    if not isinstance(event, yaml.ScalarEvent):
        raise TreeError(0, type(event).__name__, "a value")
    text = str(event.value)
    if event.style:  # a quote, or the sign of a block
        return text
    return None if text in _NULLS else Plain(text)
