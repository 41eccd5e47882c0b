"""What the command line tells the pytest processes of a run: one JSON file, the same for every worker."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run.

    Attributes:
        profile: the profile's file.
        run_folder: where evidence is written; ``None`` keeps none (calibration).
        work: a folder for leases and other files that workers share.
        seed: seeds whatever a purpose varies; the same seed gives the same bytes.
        plan: purpose id to the planted faults to try it with; ``""`` is the lab as it is.
        workers: how many processes share the profile's limits.
        own_lab: each worker starts a reference lab of its own, so that faults can be planted (calibration).
    """

    profile: str
    work: str
    seed: int
    run_folder: str | None = None
    plan: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    workers: int = 1
    own_lab: bool = False

    def write(self, path: Path) -> Path:
        """Write the settings as JSON and return the path."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read the settings from JSON."""
        value = json.loads(path.read_text(encoding="utf-8"))
        value["plan"] = {key: tuple(faults) for key, faults in value["plan"].items()}
        return cls(**value)
