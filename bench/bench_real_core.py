"""How long one registration with IMS AKA takes through a whole core that is not ours: P-, I-, S-CSCF and HSS.

    .venv/bin/python bench/bench_real_core.py         # starts the configuration hardened of profiles/kamailio

Every registration is checked. A core may challenge a right response anew (docs/findings.md F14); such registrations
are counted apart, with all their time.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from imsproof.actors.ue import Ue
from imsproof.link.session import Link
from imsproof.profile import load
from imsproof.seams import Kind, Record

ROOT = Path(__file__).resolve().parents[1]
PYTHON, UP = ROOT / ".venv-real" / "bin" / "python", ROOT / "profiles" / "kamailio" / "lab" / "up.py"
TIMES = 200
MOST_SECONDS = 0.030
"""What is wanted at the median."""


def main() -> int:
    """Start the core and measure, or say that it is not installed."""
    if "IMSPROOF_REAL_DIR" in os.environ:
        return measure()
    if not PYTHON.exists() or shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None:
        print("a whole core: not measured, it is not installed (profiles/kamailio/install.sh)")
        return 0
    return subprocess.run([str(PYTHON), str(UP), "hardened", "--", sys.executable, __file__], check=False).returncode


def measure() -> int:
    """Register one subscriber again and again at the core that runs."""
    profile = load(ROOT / "profiles" / "kamailio-hardened.yaml")
    if profile.gm is None:
        raise SystemExit("the profile has no gm section")
    link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
    session = link.session(Record("BENCH"))
    ue = Ue(session, profile.gm, profile.gm.subscribers[0])
    taken: list[float] = []
    failed: list[str] = []
    for _ in range(TIMES):
        started = time.perf_counter()
        registration = ue.register()
        taken.append(time.perf_counter() - started)
        if not registration.ok or registration.autn != "valid":
            failed.append(f"{registration.failed or registration.status}, AUTN {registration.autn}")
    asked = sum(event.kind is Kind.RECEIVED and event.facts.get("status") == 401 for event in session.record.events)
    ue.close()
    link.close()
    median, most = statistics.median(taken), sorted(taken)[int(0.95 * TIMES)]
    wanted = f"(wanted: {1000 * MOST_SECONDS:.0f} or less; 95 %: {1000 * most:.1f} ms)"
    print(f"{'AKA through a whole core, median of one':<45} {1000 * median:>12,.1f} ms {wanted}")
    print(f"{'challenged anew after a right response':<45} {asked - TIMES:>12} of {TIMES}")
    for reason in failed:
        print(f"a registration failed: {reason}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
