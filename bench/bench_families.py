"""How long whole families and the whole catalogue take on the embedded reference lab, their memory, and calibration.

Beside the seconds by the clock stand the seconds of processors, which say more on a machine that does other things.
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
from pathlib import Path

from measure import at_most, run

RUNS = (("SBI",), 20), (("GM",), 30), (("DC",), 30), (("SRTP",), 20), ((), 60)
CALIBRATIONS = (("SBI",), 40), (("GM",), 60), (("DC",), 60), (("SRTP",), 40)
MEGABYTES = 300


def command(name: str, families: tuple[str, ...], *more: str) -> list[str]:
    """An imsproof command for some families (all of them without any)."""
    chosen = [part for family in families for part in ("-f", family)]
    return [str(Path(sys.executable).with_name("imsproof")), name, *chosen, *more]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as out:  # Allure's Node, which would be the largest, is not found from there
        run(command("run", ("SBI",), "--out", out), cwd=out)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    at_most("run SBI: its largest process", peak, MEGABYTES, "MB")
    for families, target in RUNS:
        with tempfile.TemporaryDirectory() as out:
            cost = run(command("run", families, "--out", out))
        said = [line for line in cost.output.splitlines() if re.match(r"(pass|fail|inconclusive|error)\S*  \d", line)]
        remark = f"{cost.cpu:.0f} s of processors; {said[-1] if said else f'exit code {cost.code}'}"
        at_most(f"run {' '.join(families) or 'everything'}", cost.wall, target, remark=remark)
    for families, target in CALIBRATIONS:
        cost = run(command("calibrate", families))
        remark = f"{cost.cpu:.0f} s of processors; {'sound' if cost.code == 0 else f'exit code {cost.code}'}"
        at_most(f"calibrate {' '.join(families)}", cost.wall, target, remark=remark)


if __name__ == "__main__":
    main()
