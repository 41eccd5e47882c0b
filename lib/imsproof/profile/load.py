"""A profile's file to a :class:`Profile`, or to every mistake that is in it."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from imsproof.profile import checks, yamltree
from imsproof.profile.explain import explain, follows
from imsproof.profile.model import Profile
from imsproof.profile.problems import Location, Problem, ProfileError, dotted
from imsproof.profile.references import expand_all

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(path: Path | str, *, env: Mapping[str, str] = os.environ, today: date | None = None) -> Profile:
    """Load a profile from its file.

    Args:
        path: the file; relative paths in it start from its folder.
        env: environment variables that ``${env:NAME}`` may name.
        today: date for the authorisation's end; today in UTC when left out.

    Raises:
        ProfileError: the file cannot be read or holds mistakes; it names all of them.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(yamltree.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProfileError([Problem(str(path), 0, "", f"no readable file: {reason}", "a profile in YAML")]) from None
    return _build(data, str(path), path.resolve().parent, env, today)


def loads(
    text: str,
    *,
    source: str = "profile",
    base: Path | str = ".",
    env: Mapping[str, str] = os.environ,
    today: date | None = None,
) -> Profile:
    """Load a profile from text; ``source`` names it in messages, ``base`` is the folder for relative paths.

    Raises:
        ProfileError: the text holds mistakes; it names all of them.
    """
    return _build(text.encode("utf-8", "surrogateescape"), source, Path(base).resolve(), env, today)


def _build(data: bytes, source: str, base: Path, env: Mapping[str, str], today: date | None) -> Profile:
    try:
        tree = yamltree.parse(yamltree.decode(data))
    except yamltree.TreeError as error:
        raise ProfileError([Problem(source, error.line, "", error.found, error.allowed)]) from None
    if not isinstance(tree.value, dict):
        found = "nothing" if tree.value is None else "a list" if isinstance(tree.value, list) else "a single value"
        raise ProfileError([Problem(source, tree.line(()), "", found, "fields, at least name and scope")])

    problems = _Problems(source, tree)
    value = expand_all(tree.value, env, base, lambda at, error: problems.add(at, error.found, error.allowed))
    unresolved = {problem.field for problem in problems.found}
    try:
        profile = Profile.model_validate(value, context={"base": base})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            location, found, allowed = explain(details, tree)
            if dotted(location) not in unresolved and not follows(details, tree):
                problems.add(location, found, allowed)
        raise ProfileError(problems.found) from None
    if not problems.found:
        for mismatch in checks.check(profile, today or datetime.now(UTC).date()):
            problems.add(*mismatch)
    if problems.found:
        raise ProfileError(problems.found)
    return profile


class _Problems:
    """Collects problems, adding the file and the line."""

    def __init__(self, source: str, tree: yamltree.Tree) -> None:
        self.found: list[Problem] = []
        self._source = source
        self._tree = tree

    def add(self, location: Location, found: str, allowed: str) -> None:
        self.found.append(Problem(self._source, self._tree.line(location), dotted(location), found, allowed))
