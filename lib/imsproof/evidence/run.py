"""The run folder: made at the start, ``run.json`` rewritten after each purpose, so that a killed run keeps its results.

One process writes ``run.json`` (the controller of a parallel run); workers write only below ``evidence/<ID>/``.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imsproof.evidence.files import json_text, make_folder, unwritable, write_atomic
from imsproof.evidence.result import Accepted, PurposeResult, Run, RunInfo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RUN_JSON = "run.json"
PROFILE = "profile.yaml"
"""What the profile declared, without its secrets."""
RUN_JSON_LIMIT = 256 * 1024 * 1024
"""Bytes; a longer run.json is refused when read."""


class RunFolder:
    """A run folder that is being written: ``reports/<UTC time>-<profile>-<short id>/``."""

    def __init__(self, path: Path, run: Run) -> None:
        """Take over a folder that exists, with what the run has decided so far."""
        self.path = path
        self.run = run
        self._written: dict[str, tuple[PurposeResult, str]] = {}

    @classmethod
    def create(
        cls,
        out: Path,
        profile: str,
        *,
        seed: int,
        version: str,
        commit: str = "",
        capture_source: str = "tap",
        planned: Iterable[str] = (),
        now: datetime | None = None,
    ) -> RunFolder:
        """Make a new run folder below ``out`` and write its first ``run.json``.

        ``planned`` are the purposes that the run sets out to decide: while one lacks a verdict the run is no pass.

        Raises:
            HarnessError: the folder cannot be made or written.
        """
        moment = now or datetime.now(UTC)
        short = secrets.token_hex(3)
        slug = re.sub(r"[^A-Za-z0-9._]+", "-", profile).strip("-.")[:40] or "profile"
        path = out / f"{moment:%Y%m%dT%H%M%SZ}-{slug}-{short}"
        make_folder(out)
        try:
            path.mkdir()
        except OSError as error:
            raise unwritable(path, error) from error
        info = RunInfo(short, profile, utc_text(moment), seed, version, commit, capture_source)
        folder = cls(path, Run(info, tuple(planned)))
        folder.write()
        return folder

    def evidence(self, purpose: str) -> Path:
        """Return the evidence folder of a purpose (made when it is not there).

        Raises:
            HarnessError: it cannot be made.
            ValueError: the purpose id could leave the run folder.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", purpose):
            raise ValueError(f"{purpose!r} is no purpose id")
        return make_folder(self.path / "evidence" / purpose)

    def add(self, result: PurposeResult) -> None:
        """Take one more result (a later one with the same id replaces the former) and rewrite ``run.json``.

        Raises:
            HarnessError: ``run.json`` cannot be written; the former one is still whole.
        """
        others = tuple(known for known in self.run.results if known.id != result.id)
        self.run = replace(self.run, results=(*others, result))
        self.write()

    def add_planned(self, planned: Iterable[str]) -> None:
        """Say which purposes the run sets out to decide, when that was not known at its start."""
        self.run = replace(self.run, planned=tuple(dict.fromkeys((*self.run.planned, *planned))))
        self.write()

    def set_capture_source(self, source: str) -> None:
        """Say where the captures come from: ``wire`` or ``tap``."""
        self.run = replace(self.run, info=replace(self.run.info, capture_source=source))
        self.write()

    def set_accepted(self, accepted: Iterable[Accepted]) -> None:
        """Say what the lab's owner lives with, for readers."""
        self.run = replace(self.run, info=replace(self.run.info, accepted=tuple(accepted)))
        self.write()

    def finish(self, now: datetime | None = None) -> Run:
        """Note the end of the run in ``run.json`` and return the run, purposes in the order of their ids."""
        info = replace(self.run.info, finished=utc_text(now or datetime.now(UTC)))
        results = tuple(sorted(self.run.results, key=lambda result: result.id))
        self.run = replace(self.run, info=info, results=results)
        self.write()
        return self.run

    def write(self) -> None:
        """Write ``run.json`` as it stands (atomically).

        It is written after each purpose; a result is put into JSON once, or a long run would spend its time on that.
        """
        head = json_text(self.run.head()).removesuffix("\n}")
        purposes = ",\n".join(self._text(result) for result in self.run.results)
        write_atomic(self.path / RUN_JSON, f'{head},\n "purposes": [\n{purposes}\n ]\n}}\n'.encode("ascii"))

    def _text(self, result: PurposeResult) -> str:
        known = self._written.get(result.id)
        if known is None or known[0] is not result:
            known = self._written[result.id] = (result, json_text(result.to_json()))
        return known[1]


def load_run(where: Path) -> Run:
    """Read a run from its folder or from a ``run.json``.

    Raises:
        ValueError: there is none, or it is not one; the message says what was found and where.
    """
    path = where / RUN_JSON if where.is_dir() else where
    try:
        with path.open("rb") as file:
            return parse_run(file.read(RUN_JSON_LIMIT + 1))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse_run(data: bytes) -> Run:
    """Read the bytes of a ``run.json``.

    Raises:
        ValueError: they are not one.
    """
    if len(data) > RUN_JSON_LIMIT:
        raise ValueError(f"run.json is larger than {RUN_JSON_LIMIT} bytes")
    try:
        return Run.from_json(json.loads(data))
    except RecursionError as error:
        raise ValueError("run.json is nested too deeply") from error


def utc_text(moment: datetime) -> str:
    """Return a time as the run's files write it: ISO 8601, UTC, microseconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_now() -> str:
    """Return the time now as the run's files write it."""
    return utc_text(datetime.now(UTC))
