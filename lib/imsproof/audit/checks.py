"""The passive checks, and what they find in a capture. What was not exercised is never called a pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from imsproof.audit.dissect import read
from imsproof.audit.draft import between
from imsproof.catalogue.model import Citation, read_citation
from imsproof.judge.registry import apply
from imsproof.seams import Judgement, Outcome, Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from imsproof.audit.dissect import InScope, Reading
    from imsproof.seams import Event

PLACES = 20
"""Places in the capture that a result names, at most."""


class Word(StrEnum):
    """What a check found, from worst to best; ``pass`` is not among them: a capture shows only what happened."""

    FAIL = "fail"
    UNDECIDED = "undecided"
    CLEAN = "no violation seen"
    UNSEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a capture can show to be wrong.

    Attributes:
        id: e.g. ``SEEN-TLS-01``.
        title: what must hold.
        citations: the clauses.
        predicate, params: what judges it.
        purposes: the test purposes that test the same actively.
    """

    id: str
    title: str
    citations: tuple[Citation, ...]
    predicate: str
    params: Mapping[str, Any]
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the capture: the packet's number (as Wireshark counts), its time, and who spoke to whom."""

    frame: int
    utc: str
    who: str

    def to_json(self) -> dict[str, Any]:
        """Return the place as JSON values."""
        return {"frame": self.frame, "utc": self.utc, "who": self.who}


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, in how many occasions, and where."""

    check: Check
    word: Word
    judgement: Judgement
    places: tuple[Place, ...]

    @property
    def told(self) -> str:
        """The word, with the number of occasions where nothing was wrong."""
        count = len(self.judgement.events)
        return f"{self.word} ({count} occasion{'s' * (count != 1)})" if self.word is Word.CLEAN else str(self.word)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "id": self.check.id,
            "title": self.check.title,
            "verdict": self.word.value,
            "occasions": len(self.judgement.events),
            "sentence": self.judgement.sentence,
            "places": [place.to_json() for place in self.places],
            "citations": [
                {"document": one.document, "clause": one.clause, "checked": one.checked} for one in self.check.citations
            ],
            "purposes": list(self.check.purposes),
            "judgement": self.judgement.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """A capture, and what all checks found in it."""

    name: str
    sha256: str
    reading: Reading
    results: tuple[Result, ...]

    @property
    def word(self) -> Word:
        """The worst that was found."""
        return min((one.word for one in self.results), key=list(Word).index, default=Word.UNSEEN)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks came to each word."""
        return {word.value: sum(one.word is word for one in self.results) for word in Word}

    def to_json(self) -> dict[str, Any]:
        """Return the audit as JSON values."""
        about = self.reading.about
        return {
            "schema": 1,
            "capture": {
                "name": self.name,
                "sha256": self.sha256,
                "packets": about.packets,
                "damage": about.damage,
                "seen": dict(self.reading.counts.most_common()),
                "notes": self.reading.notes,
            },
            "verdict": self.word.value,
            "counts": self.counts,
            "checks": [one.to_json() for one in self.results],
        }


@cache
def checks() -> tuple[Check, ...]:
    """Return the checks, in the order in which they are told."""
    text = (resources.files("imsproof.audit") / "checks.yaml").read_text(encoding="utf-8")
    return tuple(
        Check(
            id=entry["id"],
            title=entry["title"],
            citations=tuple(read_citation(one, entry["id"]) for one in entry["cites"]),
            predicate=entry["predicate"],
            params=entry.get("params", {}),
            purposes=tuple(entry.get("purposes", ())),
        )
        for entry in yaml.safe_load(text)
    )


def audit(
    path: Path,
    keys: Sequence[str] = (),
    within: InScope | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> Audit:
    """Audit a capture.

    Args:
        path: the file.
        keys: as :func:`imsproof.audit.dissect.read` takes them.
        within: as there.
        more: further parameters of predicates, by the predicate's name (a release, what a profile claims).

    Raises:
        CaptureError: it is no capture.
    """
    reading = read(path, keys, within)
    results = tuple(result(check, reading.events, (more or {}).get(check.predicate, {})) for check in checks())
    return Audit(path.name, _sha256(path), reading, results)


def result(check: Check, events: Sequence[Event], more: Mapping[str, Any]) -> Result:
    """Apply a check to the journal of a capture."""
    params = {**check.params, **more}
    try:
        judgement = apply(check.predicate, events, role=Role.CLAIM, params=params)
    except Exception as error:  # noqa: BLE001 - whatever a capture holds, the other checks go on and this one is told
        sentence = f"this check could not read the capture (please tell us): {type(error).__name__}: {error}"
        judgement = Judgement(check.predicate, 0, Role.CLAIM, params, Outcome.UNKNOWN, sentence)
        return Result(check, Word.UNDECIDED, judgement, ())
    word = {Outcome.FAILS: Word.FAIL, Outcome.HOLDS: Word.CLEAN}.get(judgement.outcome)
    if word is None:
        word = Word.UNDECIDED if judgement.events else Word.UNSEEN
    named = [events[number - 1] for number in judgement.events[:PLACES]]
    return Result(check, word, judgement, tuple(_place(event) for event in named))


def _place(event: Event) -> Place:
    who = between((event.local, event.remote)) if event.local and event.remote else ""
    return Place(int(event.facts["frame"]), event.utc, who)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
