"""Test purposes as data: read from ``catalogue/data/*.yaml``, one file a family or group of families."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there: every process of a run reads the catalogue."""
CHECKED = ("text", "quote", "secondary", "title", "unchecked")
"""How well a citation was checked: clause text read; seen quoted in another specification; in a summary or public
code; only number and title; not found."""

_ID = re.compile(r"^(?P<family>[A-Z0-9]+(?:-[A-Z0-9]*[A-Z][A-Z0-9]*)*)-(?P<number>\d{2,3})$")


class CatalogueError(ValueError):
    """A catalogue file has a mistake; the message names file and purpose."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A clause that asks for the behaviour, and how well that was checked (one of :data:`CHECKED`)."""

    document: str
    clause: str
    checked: str

    def __str__(self) -> str:
        """Write the citation as one phrase."""
        mark = "" if self.checked == "text" else f" ({self.checked})"
        return f"{self.document} {self.clause}".strip() + mark


@dataclass(frozen=True, slots=True)
class TestPurpose:
    """One test purpose.

    Attributes:
        id: family and number, never reused (``SBI-TOKEN-03``).
        family: the id without its number.
        title: what must hold, as a sentence.
        citations: where it is asked for.
        reference_points: Gm, Mw, SBI, Mb and so on.
        needs: capability tokens that the profile must have; one missing makes it not applicable.
        faults: planted faults of the reference lab that must turn the verdict to fail.
        control: whether a refusal is expected, so that a control is needed first.
        exclusive: disturbs others (floods, lock-outs), so it runs alone.
        mandatory: counts against the run when it does not pass.
    """

    __test__ = False

    id: str
    family: str
    title: str
    citations: tuple[Citation, ...]
    reference_points: tuple[str, ...]
    needs: tuple[str, ...]
    faults: tuple[str, ...]
    control: bool = True
    exclusive: bool = False
    mandatory: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the purpose as ``imsproof purposes --format json`` shows it."""
        return {
            "id": self.id,
            "family": self.family,
            "title": self.title,
            "citations": [
                {"document": one.document, "clause": one.clause, "checked": one.checked} for one in self.citations
            ],
            "reference_points": list(self.reference_points),
            "needs": list(self.needs),
            "faults": list(self.faults),
            "control": self.control,
            "exclusive": self.exclusive,
            "mandatory": self.mandatory,
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All test purposes, in the order of family and number."""

    purposes: tuple[TestPurpose, ...]

    def __iter__(self) -> Iterator[TestPurpose]:
        """Iterate over the purposes."""
        return iter(self.purposes)

    def __len__(self) -> int:
        """Count the purposes."""
        return len(self.purposes)

    def get(self, purpose_id: str) -> TestPurpose:
        """Return a purpose by id; raises ``KeyError`` when there is none."""
        for one in self.purposes:
            if one.id == purpose_id:
                return one
        raise KeyError(purpose_id)

    @property
    def families(self) -> list[str]:
        """The families in order."""
        return list(dict.fromkeys(one.family for one in self.purposes))

    def select(self, families: list[str], ids: list[str]) -> list[TestPurpose]:
        """Select by family (a prefix such as ``SBI`` or ``SBI-TOKEN``) and by id; all when both are empty.

        Raises:
            KeyError: a family or id that the catalogue does not have, with its name.
        """
        if not families and not ids:
            return list(self.purposes)
        chosen: set[str] = set()
        for wanted in families:
            found = {p.id for p in self.purposes if p.family == wanted or p.family.startswith(f"{wanted}-")}
            if not found:
                raise KeyError(wanted)
            chosen |= found
        for wanted in ids:
            chosen.add(self.get(wanted).id)
        return [one for one in self.purposes if one.id in chosen]


@cache
def load() -> Catalogue:
    """Read the catalogue that comes with imsproof; raises :class:`CatalogueError` on any mistake in it."""
    purposes: dict[str, TestPurpose] = {}
    folder = resources.files("imsproof.catalogue") / "data"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".yaml"):
            continue
        for entry in yaml.load(file.read_text(encoding="utf-8"), _LOADER) or []:  # noqa: S506 - a safe one
            one = _purpose(entry, file.name)
            if one.id in purposes:
                raise CatalogueError(f"{file.name}: {one.id} stands twice")
            purposes[one.id] = one
    return Catalogue(tuple(sorted(purposes.values(), key=lambda one: (one.family, one.id))))


_FIELDS = {"id", "title", "cites", "reference_points", "needs", "faults", "control", "exclusive", "mandatory"}


def _purpose(entry: dict[str, Any], where: str) -> TestPurpose:
    name = entry.get("id", "?")
    match = _ID.match(str(name))
    if match is None:
        raise CatalogueError(f"{where}: {name!r} is no purpose id")
    strange = set(entry) - _FIELDS
    if strange:
        raise CatalogueError(f"{where}: {name} has unknown fields {sorted(strange)}")
    for must in ("title", "cites", "needs", "faults"):
        if not entry.get(must):
            raise CatalogueError(f"{where}: {name} lacks {must}")
    return TestPurpose(
        id=str(name),
        family=match["family"],
        title=str(entry["title"]),
        citations=tuple(read_citation(one, f"{where}: {name}") for one in entry["cites"]),
        reference_points=tuple(entry.get("reference_points", ())),
        needs=tuple(entry["needs"]),
        faults=tuple(entry["faults"]),
        control=bool(entry.get("control", True)),
        exclusive=bool(entry.get("exclusive", False)),
        mandatory=bool(entry.get("mandatory", True)),
    )


def read_citation(text: str, where: str) -> Citation:
    """Read ``TS 33.501 13.1.0 [text]``."""
    match = re.match(
        r"^(?P<document>(?:TS|TR|RFC|CVE|CAICT)[ -]?[\w.-]*)(?:\s+(?P<clause>.*?))?\s*\[(?P<mark>\w+)\]$", text
    )
    if match is None or match["mark"] not in CHECKED:
        raise CatalogueError(f"{where}: citation {text!r} is not 'DOCUMENT CLAUSE [{'|'.join(CHECKED)}]'")
    return Citation(match["document"], match["clause"] or "", match["mark"])
