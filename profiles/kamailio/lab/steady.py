"""Says whose verdict was not the same in all of several runs (`make steady CONFIGURATION=default COUNT=20`).

    python steady.py reports/real-lab/*-default-*

Reads the verdicts.json that verdicts.py leaves in the folder of each run. Only first verdicts count: a purpose that
was as expected when it was looked at a second time was not steady. Exit status 1 when one changed, 3 without a run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

NOT_STEADY, NO_RUN = 1, 3

Runs = list[dict[str, dict[str, str]]]
"""For each run, by purpose, verdict and reason."""


def main() -> int:
    """Read, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", type=Path, nargs="+")
    folders: list[Path] = parser.parse_args().folders
    told = [folder / "verdicts.json" for folder in folders]
    runs: Runs = [json.loads(one.read_text())["first"] for one in told if one.exists()]
    print(f"{len(runs)} of {len(folders)} runs came to verdicts")
    for one in told:
        if not one.exists():
            print(f"no verdicts in {one.parent}")
    changed = unsteady(runs)
    for purpose, line in changed.items():
        print(f"{purpose}: {line}")
    known = {purpose for run in runs for purpose in run}
    print(f"{len(known) - len(changed)} of {len(known)} purposes had the same verdict in all runs")
    if len(runs) < len(folders):
        return NO_RUN
    return NOT_STEADY if changed else 0


def unsteady(runs: Runs) -> dict[str, str]:
    """Return what each purpose was found to be whose verdict changed, the most frequent first; with a reason each."""
    changed = {}
    for purpose in sorted({purpose for run in runs for purpose in run}):
        found = [run.get(purpose, {"verdict": "did not run", "reason": ""}) for run in runs]
        counts = Counter(one["verdict"] for one in found)
        if len(counts) == 1:
            continue
        reasons = {one["verdict"]: one["reason"] for one in found}
        changed[purpose] = "; ".join(
            f"{count} x {verdict}: {reasons[verdict]}" for verdict, count in counts.most_common()
        )
    return changed


if __name__ == "__main__":
    sys.exit(main())
