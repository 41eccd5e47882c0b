"""References in a profile's texts: ``${env:NAME}`` and ``${file:path}``, so that secrets stay out of the profile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imsproof.profile.problems import Location

MAX_FILE = 64 * 1024
_REFERENCE = re.compile(r"\$\{(?P<kind>[A-Za-z]*):(?P<name>[^}]*)\}")


class BrokenReferenceError(ValueError):
    """A reference leads nowhere; ``found`` and ``allowed`` as in a Problem."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(found)
        self.found = found
        self.allowed = allowed


def expand(text: str, env: Mapping[str, str], base: Path) -> str:
    """Put in what the references stand for. What is put in is not searched again.

    Args:
        text: a value of the profile.
        env: environment variables.
        base: folder that relative paths start from.

    Raises:
        BrokenReferenceError: no such variable or file, or an unknown kind of reference.
    """
    return _REFERENCE.sub(lambda match: _lookup(match["kind"], match["name"], env, base), text)


def has_reference(text: object) -> bool:
    """Say whether a value holds a reference (and may therefore stand for a secret)."""
    return isinstance(text, str) and _REFERENCE.search(text) is not None


def expand_all(
    value: Any,
    env: Mapping[str, str],
    base: Path,
    report: Callable[[Location, BrokenReferenceError], None],
    location: Location = (),
) -> Any:
    """Copy a tree with every reference put in; mistakes go to ``report`` and the text stays as it was."""
    if isinstance(value, dict):
        return {key: expand_all(item, env, base, report, (*location, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [expand_all(item, env, base, report, (*location, index)) for index, item in enumerate(value)]
    if not has_reference(value):
        return value
    try:
        return type(value)(expand(value, env, base))
    except BrokenReferenceError as error:
        report(location, error)
        return value


def _lookup(kind: str, name: str, env: Mapping[str, str], base: Path) -> str:
    if kind == "env":
        if name not in env:
            raise BrokenReferenceError(f"${{env:{name}}}", f"a variable that is set; export {name}=...")
        return env[name]
    if kind == "file":
        return _read(name, base)
    raise BrokenReferenceError(f"${{{kind}:{name}}}", "${env:NAME} or ${file:path}")


def _read(name: str, base: Path) -> str:
    path = Path(base, Path(name).expanduser()) if name else base
    reference = f"${{file:{name}}}"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BrokenReferenceError(reference, f"a readable text file ({path}: {reason})") from None
    if len(data) > MAX_FILE:
        raise BrokenReferenceError(reference, f"a file of at most {MAX_FILE} bytes")
    return text.removesuffix("\n").removesuffix("\r")
