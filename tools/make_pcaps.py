"""Makes the reference captures again: purposes run against the reference lab, conformant or with a planted fault.

Each capture comes with the verdicts that a passive audit reaches on it now; look at what `git diff` says of
`expected.json` before you commit: a check that does not fail any more on its fault has to be mended, not its file.

    .venv/bin/python tools/make_pcaps.py [NAME ...]      (all of them without a name; --judge: expected.json only)
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from imsproof import paths
from imsproof.audit.checks import Word, audit
from imsproof.evidence.run import RunFolder
from imsproof.runner import execute

if TYPE_CHECKING:
    from imsproof.evidence.result import PurposeResult

HERE = Path(__file__).resolve().parent.parent / "pcaps"
EXPECTED = HERE / "expected.json"
SEED = 1


def main(wanted: list[str]) -> None:
    """Make the captures that were named, and judge them."""
    only_judge = "--judge" in wanted
    listed: dict[str, list[str]] = yaml.safe_load((HERE / "captures.yaml").read_text(encoding="utf-8"))
    names = [one for one in wanted if one != "--judge"] or list(listed)
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    for name in names:
        if not only_judge:
            make(name, *listed[name])
        expected[name] = judged(name)
        sys.stdout.write(f"{name}: {expected[name]['fail'] or 'no violation'}\n")
    kept = {name: expected[name] for name in listed}
    EXPECTED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def make(name: str, purpose: str, fault: str = "") -> None:
    """Run one purpose and keep its capture."""
    with tempfile.TemporaryDirectory(prefix="imsproof-pcaps-") as out:
        folder = RunFolder.create(Path(out), "reference", seed=SEED, version="", planned=[purpose])

        def heard(result: PurposeResult, _fault: str) -> None:
            folder.add(result)

        profile = paths.profiles() / "reference.yaml"
        execute(profile, {purpose: (fault,)}, heard, seed=SEED, workers=1, run_folder=folder.path, own_lab=True)
        evidence = folder.path / "evidence" / purpose
        shutil.copyfile(evidence / "capture.pcapng", HERE / f"{name}.pcapng")
        (HERE / f"{name}.esp_sa").unlink(missing_ok=True)
        if (evidence / "esp_sa").exists():
            shutil.copyfile(evidence / "esp_sa", HERE / f"{name}.esp_sa")


def judged(name: str) -> dict[str, list[str]]:
    """Return what an audit says of a capture."""
    associations = HERE / f"{name}.esp_sa"
    keys = associations.read_text(encoding="ascii").splitlines() if associations.exists() else []
    found = audit(HERE / f"{name}.pcapng", keys)
    return {word.value: [one.check.id for one in found.results if one.word is word] for word in list(Word)[:3]}


if __name__ == "__main__":
    main(sys.argv[1:])
