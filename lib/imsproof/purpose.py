"""How a testcase says which purpose it is: ``@purpose("SBI-TLS-01")``, or a table of cases with one purpose each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., None])
ATTRIBUTE = "imsproof_purposes"


@dataclass(frozen=True, slots=True)
class Purposes:
    """What a test function stands for: purpose ids, each with its case (``None`` without a table)."""

    cases: Mapping[str, Any] = field(default_factory=dict)
    table: bool = False


def purpose(purpose_id: str) -> Callable[[Function], Function]:
    """Mark a test function as the testcase of one purpose."""

    def mark(function: Function) -> Function:
        setattr(function, ATTRIBUTE, Purposes({purpose_id: None}))
        return function

    return mark


def purposes(cases: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Mark a test function as the testcase of several purposes; it takes each one's data as the argument ``case``."""

    def mark(function: Function) -> Function:
        setattr(function, ATTRIBUTE, Purposes(dict(cases), table=True))
        return function

    return mark


def purposes_of(function: object) -> Purposes | None:
    """Return what a test function stands for, or ``None`` when it is no testcase."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Purposes) else None
