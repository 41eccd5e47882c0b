"""The journal on disk: one event a line as JSON (``seams.Event``, version 1), in the order of ``seq`` from 1."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, NoReturn

from imsproof.evidence.files import write_atomic
from imsproof.seams import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of one line; a longer one is refused when read."""

JOURNAL = "journal.jsonl"


def dump(events: Iterable[Event]) -> bytes:
    """Return the events as a journal."""
    return b"".join(
        json.dumps(event.to_json(), separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n" for event in events
    )


def write(path: Path, events: Iterable[Event]) -> None:
    """Write a journal, atomically.

    Raises:
        HarnessError: the file cannot be written.
        ValueError: a fact is not plain JSON.
    """
    write_atomic(path, dump(events))


def read(lines: IO[bytes]) -> Iterator[Event]:
    """Yield the events of an open journal, line by line, so that a long one needs no memory.

    Raises:
        ValueError: a line is no event of a known version, or is out of order; the message names the line.
    """
    for number, line in enumerate(iter(lambda: lines.readline(LINE_LIMIT + 1), b""), 1):
        if len(line) > LINE_LIMIT:
            raise ValueError(f"line {number}: longer than {LINE_LIMIT} bytes")
        try:
            event = Event.from_json(json.loads(line, parse_constant=_no_constant))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
            raise ValueError(f"line {number}: {_what(error)}") from error
        if event.seq != number:
            raise ValueError(f"line {number}: event {event.seq} is out of order")
        yield event


def load(path: Path) -> list[Event]:
    """Return the events of a journal file.

    Raises:
        ValueError: it cannot be read or is malformed; the message names the file and the line.
    """
    try:
        with path.open("rb") as lines:
            return list(read(lines))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _what(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, KeyError):
        return f"no {error}"
    return str(error) or type(error).__name__
