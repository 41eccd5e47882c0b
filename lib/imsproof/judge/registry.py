"""The register of predicates: named, versioned, pure functions from events and parameters to a finding.

A predicate reads the events that it is given and nothing else: no clock, no network, no randomness. That is what
lets :func:`recompute` give the same judgement again from a stored journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imsproof.seams import Events, Judgement, Outcome, Role


@dataclass(frozen=True, slots=True)
class Finding:
    """What a predicate found: outcome, one sentence for people, and the numbers of the events that decided."""

    outcome: Outcome
    sentence: str
    events: tuple[int, ...] = ()


LAST = "last"
"""The parameter that says how much of the journal a judgement was made from."""
PredicateFunction = Callable[..., Finding]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A registered predicate."""

    name: str
    version: int
    function: PredicateFunction
    about: str


class UnknownPredicateError(LookupError):
    """No predicate of that name and version is registered."""


_REGISTER: dict[tuple[str, int], Predicate] = {}
_LATEST: dict[str, int] = {}


def predicate(name: str, *, version: int = 1) -> Callable[[PredicateFunction], PredicateFunction]:
    """Register a function as the predicate ``name``; raises ``ValueError`` when name and version are taken."""

    def register(function: PredicateFunction) -> PredicateFunction:
        if (name, version) in _REGISTER:
            raise ValueError(f"predicate {name} version {version} is registered twice")
        about = (function.__doc__ or "").strip().splitlines()[0] if function.__doc__ else ""
        _REGISTER[name, version] = Predicate(name, version, function, about)
        _LATEST[name] = max(version, _LATEST.get(name, 0))
        return function

    return register


def registered() -> list[Predicate]:
    """Return every registered predicate, by name and version."""
    return [_REGISTER[key] for key in sorted(_REGISTER)]


def apply(name: str, events: Events, *, role: Role, params: Mapping[str, Any], version: int | None = None) -> Judgement:
    """Apply a predicate and return the judgement.

    The parameter ``last`` is not the predicate's: it is the number of the last event that it may read. A judgement
    keeps it, so that what happened after it was made (a goodbye, a repetition) does not change it.

    Raises:
        UnknownPredicateError: no such name or version.
    """
    wanted = version if version is not None else _LATEST.get(name, 0)
    found = _REGISTER.get((name, wanted))
    if found is None:
        raise UnknownPredicateError(f"no predicate {name!r} of version {wanted}")
    own = {key: value for key, value in params.items() if key != LAST}
    if LAST in params:
        events = [event for event in events if event.seq <= params[LAST]]
    finding = found.function(events, **own)
    return Judgement(
        predicate=name,
        version=wanted,
        role=role,
        params=dict(params),
        outcome=finding.outcome,
        sentence=finding.sentence,
        events=finding.events,
    )


def recompute(judgement: Judgement, events: Events) -> Judgement:
    """Judge again what was judged, from the events alone (see :func:`apply` for what is raised)."""
    return apply(judgement.predicate, events, role=judgement.role, params=judgement.params, version=judgement.version)


def holds(sentence: str, *events: int) -> Finding:
    """The predicate holds."""
    return Finding(Outcome.HOLDS, sentence, events)


def fails(sentence: str, *events: int) -> Finding:
    """The predicate does not hold."""
    return Finding(Outcome.FAILS, sentence, events)


def unknown(sentence: str, *events: int) -> Finding:
    """It cannot be told whether the predicate holds."""
    return Finding(Outcome.UNKNOWN, sentence, events)


def opposite(found: Finding) -> Finding:
    """The same finding of the opposite predicate; what cannot be told stays so."""
    turned = {Outcome.HOLDS: Outcome.FAILS, Outcome.FAILS: Outcome.HOLDS}
    return replace(found, outcome=turned.get(found.outcome, found.outcome))
