"""What is wrong with a profile, said so that the user can mend it."""

from __future__ import annotations

from dataclasses import dataclass

from imsproof.seams import ImsproofError

Location = tuple[str | int, ...]
"""Where a value stands: field names and list positions (from 0)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        file: name of the profile, as the user gave it.
        line: from 1; 0 when it concerns the whole file.
        field: dotted path, as ``gm.subscribers[0].impi``; ``""`` for the whole file.
        found: what stands there; never a secret.
        allowed: what may stand there, or what to do.
    """

    file: str
    line: int
    field: str
    found: str
    allowed: str

    def __str__(self) -> str:
        """One line for people."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field + ': ' if self.field else ''}found {self.found}; allowed: {self.allowed}"


class ProfileError(ImsproofError):
    """A profile cannot be used. ``problems`` holds every mistake that was found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(location: Location) -> str:
    """Write a location as ``gm.subscribers[0].impi``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
